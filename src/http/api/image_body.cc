#include "http/api/image_body.h"

#include "base/ids.h"
#include "base/text.h"
#include "http/api/location_body.h"

#include <algorithm>
#include <array>

namespace slipway::http::api {

namespace {

using service::AttributeValue;
using service::ImagePatch;
using service::PatchDialect;
using service::PatchOperation;
using service::PatchVerb;

constexpr std::size_t kLongestName = 255;
constexpr std::int64_t kLargestMinimum = 2'147'483'647;
constexpr std::size_t kMostOperations = 1000;

// What a client may never write, by name; the schema's read-only flag covers the others.
constexpr std::array<std::string_view, 5> kLinks{"direct_url", "self", "file", "schema", "stores"};

Error bad(std::string_view name, std::string_view what) {
    return Error(
        Errc::invalid_argument,
        "Provided object does not match schema 'image': '" + std::string(name) + "' " +
            std::string(what)
    );
}

Result<AttributeValue> read_text(const Attribute& attribute, const json::Value& value) {
    if (value.is_null()) {
        if (!attribute.nullable) return bad(attribute.name, "must not be null");
        return AttributeValue(std::monostate());
    }
    if (!value.is_string()) return bad(attribute.name, "must be a string");
    const std::string_view text = value.string();
    if (attribute.max_length > 0 && characters(text) > attribute.max_length)
        return bad(
            attribute.name, "is longer than " + std::to_string(attribute.max_length) + " characters"
        );
    if (attribute.is_base && has_control_characters(text))
        return bad(attribute.name, "must not hold control characters");
    if (attribute.uuid && !is_uuid(text)) return bad(attribute.name, "must be a UUID");
    if (attribute.pattern && !attribute.pattern->is_in(text))
        return bad(attribute.name, "must match " + attribute.pattern->str());
    if (!attribute.choices.empty() &&
        std::find(attribute.choices.begin(), attribute.choices.end(), text) ==
            attribute.choices.end()) {
        std::string all;
        for (const std::string& word : attribute.choices) all += (all.empty() ? "" : ", ") + word;
        return bad(attribute.name, "must be one of " + all);
    }
    return AttributeValue(std::string(text));
}

Result<AttributeValue> read_tags(const Attribute& attribute, const json::Value& value) {
    if (!value.is_array()) return bad(attribute.name, "must be an array of strings");
    std::vector<std::string> tags;
    for (const json::Value& element : value.elements()) {
        if (!element.is_string()) return bad(attribute.name, "must be an array of strings");
        if (characters(element.string()) > kLongestName)
            return bad(attribute.name, "has a tag longer than 255 characters");
        if (has_control_characters(element.string()))
            return bad(attribute.name, "must not hold control characters");
        tags.emplace_back(element.string());
    }
    return AttributeValue(std::move(tags));
}

Result<void> check_property_name(std::string_view name) {
    if (characters(name) > kLongestName)
        return Error(Errc::invalid_argument, "A property name is longer than 255 characters.");
    if (has_control_characters(name))
        return Error(Errc::invalid_argument, "A property name holds control characters.");
    return {};
}

Error read_only(std::string_view name) {
    return Error(Errc::forbidden, "Attribute '" + std::string(name) + "' is read-only.");
}

Error reserved(std::string_view name) {
    return Error(
        Errc::forbidden,
        "Attribute '" + std::string(name.substr(0, kLongestName)) + "' is reserved."
    );
}

bool is_link(std::string_view name) {
    return std::find(kLinks.begin(), kLinks.end(), name) != kLinks.end();
}

Result<void> check_minimum(std::string_view name, const AttributeValue& value) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr || (*number >= 0 && *number <= kLargestMinimum)) return {};
    return bad(name, "must be between 0 and 2147483647");
}

// Decodes one JSON pointer of one token; "/locations/N" is refused as locations are.
Result<std::string> read_pointer(std::string_view pointer) {
    const Error malformed(
        Errc::invalid_argument,
        "Pointer `" + std::string(pointer.substr(0, kLongestName)) +
            "` is not a path to one attribute, such as /name."
    );
    if (pointer.empty() || pointer.front() != '/' || pointer.size() < 2) return malformed;
    std::string token;
    for (std::size_t i = 1; i < pointer.size(); ++i) {
        const char c = pointer[i];
        if (c == '/') return malformed;
        if (c != '~') {
            token += c;
            continue;
        }
        const char next = i + 1 < pointer.size() ? pointer[i + 1] : '\0';
        if (next != '0' && next != '1') return malformed;
        token += next == '0' ? '~' : '/';
        ++i;
    }
    token = trimmed(token, " ");
    if (token.empty()) return malformed;
    return token;
}

struct RawOperation {
    PatchVerb verb = PatchVerb::replace;
    std::string pointer;
};

Result<PatchVerb> read_verb(std::string_view word) {
    if (word == "add") return PatchVerb::add;
    if (word == "remove") return PatchVerb::remove;
    if (word == "replace") return PatchVerb::replace;
    return Error(Errc::invalid_argument, "Operation must be one of add, remove, replace.");
}

Result<RawOperation> read_raw(const json::Value& object, PatchDialect dialect) {
    RawOperation raw;
    if (dialect == PatchDialect::v2_1) {
        SLIPWAY_TRY(const std::string verb, object.required_string("op"));
        SLIPWAY_TRY(raw.verb, read_verb(verb));
        SLIPWAY_TRY(raw.pointer, object.required_string("path"));
        return raw;
    }
    int verbs = 0;
    for (const char* word : {"add", "remove", "replace"}) {
        if (!object.find(word)) continue;
        ++verbs;
        SLIPWAY_TRY(raw.verb, read_verb(word));
        SLIPWAY_TRY(raw.pointer, object.required_string(word));
    }
    if (verbs != 1)
        return Error(
            Errc::invalid_argument, "Each operation must hold exactly one of add, remove, replace."
        );
    return raw;
}

bool is_about_locations(std::string_view pointer) {
    return pointer == "/locations" || pointer.starts_with("/locations/");
}

Result<PatchOperation> read_operation(
    const ImageSchema& schema, const json::Value& object, const RawOperation& raw
) {
    PatchOperation operation;
    operation.verb = raw.verb;
    SLIPWAY_TRY(operation.name, read_pointer(raw.pointer));
    const Attribute* attribute = schema.find(operation.name);
    if (operation.name == "id" || operation.name == "locations" ||
        (attribute != nullptr && attribute->read_only))
        return read_only(operation.name);
    if (ImageSchema::is_reserved(operation.name)) return reserved(operation.name);
    SLIPWAY_CHECK(check_property_name(operation.name));
    if (operation.verb == PatchVerb::remove) return operation;
    const auto value = object.find("value");
    if (!value)
        return Error(
            Errc::invalid_argument,
            "Operation \"" + operation.name + "\" requires a member named \"value\"."
        );
    SLIPWAY_TRY(operation.value, read_attribute(schema, operation.name, *value));
    return operation;
}

}  // namespace

Result<AttributeValue> read_attribute(
    const ImageSchema& schema, std::string_view name, const json::Value& value
) {
    const Attribute* attribute = schema.find(name);
    if (attribute == nullptr) {
        if (!value.is_string()) return bad(name, "must be a string");
        return AttributeValue(std::string(value.string()));
    }
    switch (attribute->type) {
        case AttributeType::string:
            return read_text(*attribute, value);
        case AttributeType::string_array:
            return read_tags(*attribute, value);
        case AttributeType::boolean:
            if (!value.is_bool()) return bad(name, "must be a boolean");
            return AttributeValue(value.boolean());
        case AttributeType::integer: {
            if (value.is_null() && attribute->nullable) return AttributeValue(std::monostate());
            if (!value.is_integer()) return bad(name, "must be an integer");
            AttributeValue number(value.integer());
            if (!attribute->read_only) SLIPWAY_CHECK(check_minimum(name, number));
            return number;
        }
        case AttributeType::object_array:
            if (!value.is_array()) return bad(name, "must be an array");
            return AttributeValue(std::monostate());
    }
    return bad(name, "has a value of the wrong type");
}

Result<Image> read_new_image(
    const ImageSchema& schema,
    std::string_view body,
    const json::Limits& limits,
    const std::optional<std::string>& owner
) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(body, limits));
    if (!document.root().is_object())
        return Error(
            Errc::invalid_argument, "The body must be a JSON object that describes an image."
        );
    const auto members = document.root().members();
    for (const auto& [name, value] : members)
        if (is_link(name)) return read_only(name);
    for (const std::string& name : schema.required())
        if (!document.root().find(name)) return bad(name, "is a required property");
    std::vector<std::pair<std::string, AttributeValue>> values;
    for (const auto& [name, value] : members) {
        SLIPWAY_TRY(AttributeValue read, read_attribute(schema, name, value));
        SLIPWAY_CHECK(check_property_name(name));
        values.emplace_back(std::string(name), std::move(read));
    }
    Image image;
    image.owner = owner;
    for (auto& [name, value] : values) {
        const Attribute* attribute = schema.find(name);
        if (ImageSchema::is_reserved(name)) return reserved(name);
        if ((attribute != nullptr && attribute->read_only) || name == "locations")
            return read_only(name);
        if (name == "id") {
            SLIPWAY_TRY(image.id, parse_image_id(std::get<std::string>(value)));
            continue;
        }
        SLIPWAY_CHECK(service::set_attribute(image, name, value));
    }
    if (image.id.empty()) image.id = ImageId(new_uuid());
    return image;
}

Result<ImagePatch> read_image_patch(
    const ImageSchema& schema,
    std::string_view body,
    const json::Limits& limits,
    PatchDialect dialect
) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(body, limits));
    if (!document.root().is_array())
        return Error(
            Errc::invalid_argument, "Request body must be a JSON array of operation objects."
        );
    const auto elements = document.root().elements();
    if (elements.size() > kMostOperations)
        return Error(Errc::invalid_argument, "A patch may hold at most 1000 operations.");
    ImagePatch patch;
    patch.dialect = dialect;
    for (const json::Value& element : elements) {
        if (!element.is_object())
            return Error(Errc::invalid_argument, "Operations must be JSON objects.");
        SLIPWAY_TRY(const RawOperation raw, read_raw(element, dialect));
        if (is_about_locations(raw.pointer)) {
            SLIPWAY_TRY(
                auto operation,
                read_location_operation(raw.verb, raw.pointer, element.find("value"))
            );
            patch.locations.push_back(std::move(operation));
            continue;
        }
        SLIPWAY_TRY(PatchOperation operation, read_operation(schema, element, raw));
        patch.operations.push_back(std::move(operation));
    }
    return patch;
}

}  // namespace slipway::http::api
