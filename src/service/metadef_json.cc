#include "service/metadef_json.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>

namespace slipway::service {

namespace {

constexpr std::size_t kLongestName = 80;
constexpr std::size_t kLongestDescription = 500;
constexpr std::size_t kLongestOwner = 255;
constexpr std::size_t kUnlimited = static_cast<std::size_t>(-1);
// For what was checked before.
constexpr json::Limits kStored{kUnlimited, 64, kUnlimited};

using Words = std::initializer_list<std::string_view>;

Error bad(const std::string& message) {
    return Error(Errc::invalid_argument, message);
}

std::string quoted(std::string_view name) {
    return "\"" + std::string(name) + "\"";
}

bool holds(Words words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

Result<void> check_object(const json::Value& body, std::string_view what) {
    if (body.is_object()) return {};
    return bad("A " + std::string(what) + " must be a JSON object.");
}

// That `body` is an object of these members.
Result<void> check_members(
    const json::Value& body,
    std::string_view what,
    Words known,
    Words read_only,
    ReadOnlyMembers treatment
) {
    SLIPWAY_CHECK(check_object(body, what));
    for (const auto& [name, value] : body.members()) {
        if (holds(read_only, name)) {
            if (treatment == ReadOnlyMembers::dropped) continue;
            return Error(Errc::forbidden, "Attribute '" + std::string(name) + "' is read-only.");
        }
        if (!holds(known, name))
            return bad(
                "A " + std::string(what) + " has no member " + quoted(name.substr(0, 80)) + "."
            );
    }
    return {};
}

std::optional<json::Value> member(const json::Value& body, std::string_view key) {
    const auto found = body.find(key);
    return found && !found->is_null() ? found : std::nullopt;
}

Result<std::optional<std::string>> text_member(
    const json::Value& body, std::string_view key, std::size_t longest
) {
    const auto found = member(body, key);
    if (!found) return std::optional<std::string>();
    if (!found->is_string()) return bad(quoted(key) + " must be a string.");
    if (found->string().find('\0') != std::string_view::npos)
        return bad(quoted(key) + " must not hold a NUL character.");
    if (characters(found->string()) > longest)
        return bad(quoted(key) + " may have at most " + std::to_string(longest) + " characters.");
    return std::optional<std::string>(found->string());
}

Result<bool> flag_member(const json::Value& body, std::string_view key) {
    const auto found = member(body, key);
    if (!found) return false;
    if (!found->is_bool()) return bad(quoted(key) + " must be true or false.");
    return found->boolean();
}

Result<std::string> name_member(
    const json::Value& body, std::string_view key, std::string_view what
) {
    const auto found = member(body, key);
    if (!found) return bad("A " + std::string(what) + " needs the member " + quoted(key) + ".");
    if (!found->is_string()) return bad(quoted(key) + " must be a string.");
    return checked_metadef_name(found->string(), what);
}

// The elements of an array member; none when it is unset.
Result<std::vector<json::Value>> elements_of(const json::Value& body, std::string_view key) {
    const auto found = member(body, key);
    if (!found) return std::vector<json::Value>();
    if (!found->is_array()) return bad(quoted(key) + " must be an array.");
    return found->elements();
}

Result<std::vector<std::string>> names_member(const json::Value& body, std::string_view key) {
    SLIPWAY_TRY(const auto elements, elements_of(body, key));
    std::vector<std::string> names;
    for (const json::Value& element : elements) {
        if (!element.is_string()) return bad(quoted(key) + " must be an array of strings.");
        names.emplace_back(element.string());
        if (std::find(names.begin(), names.end() - 1, names.back()) != names.end() - 1)
            return bad(quoted(key) + " must not name anything twice.");
    }
    return names;
}

// How a member of a property is checked, and written into its definition.
enum class Kind { text, texts, names, words, type, anything, flag, number, count, items };

struct PropertyMember {
    std::string_view name;
    Kind kind;
    bool mandatory = false;
};

constexpr std::array kPropertyMembers{
    PropertyMember{"title", Kind::text, true},
    PropertyMember{"description", Kind::text},
    PropertyMember{"type", Kind::type, true},
    PropertyMember{"operators", Kind::texts},
    PropertyMember{"default", Kind::anything},
    PropertyMember{"readonly", Kind::flag},
    PropertyMember{"required", Kind::names},
    PropertyMember{"minimum", Kind::number},
    PropertyMember{"maximum", Kind::number},
    PropertyMember{"enum", Kind::words},
    PropertyMember{"pattern", Kind::text},
    PropertyMember{"minLength", Kind::count},
    PropertyMember{"maxLength", Kind::count},
    PropertyMember{"items", Kind::items},
    PropertyMember{"uniqueItems", Kind::flag},
    PropertyMember{"minItems", Kind::count},
    PropertyMember{"maxItems", Kind::count},
    PropertyMember{"additionalItems", Kind::flag},
};

bool is_number(const json::Value& value) {
    return !value.is_string() && !value.is_bool() && !value.is_null() && !value.is_object() &&
           !value.is_array();
}

// "8" for 8: clients are given such values as text.
std::string as_text(const json::Value& value) {
    if (value.is_string()) return std::string(value.string());
    json::Writer writer;
    writer.value(value);
    return writer.text();
}

Result<void> write_texts(
    json::Writer& writer, const json::Value& body, std::string_view key, bool scalars
) {
    SLIPWAY_TRY(const auto elements, elements_of(body, key));
    writer.begin_array();
    for (const json::Value& element : elements) {
        const bool scalar = is_number(element) || element.is_bool();
        if (!element.is_string() && !(scalars && scalar))
            return bad(quoted(key) + " must be an array of strings.");
        writer.string(as_text(element));
    }
    writer.end_array();
    return {};
}

Result<void> write_type(json::Writer& writer, const json::Value& value, std::string_view key) {
    constexpr std::string_view kTypes = "array, boolean, integer, number, object, string";
    if (!value.is_string() ||
        !holds({"array", "boolean", "integer", "number", "object", "string"}, value.string()))
        return bad(quoted(key) + " must be one of " + std::string(kTypes) + ".");
    writer.string(value.string());
    return {};
}

Result<void> write_items(json::Writer& writer, const json::Value& value) {
    SLIPWAY_CHECK(
        check_members(value, "description of items", {"type", "enum"}, {}, ReadOnlyMembers::refused)
    );
    const auto type = member(value, "type");
    if (!type) return bad(R"("items" needs the member "type".)");
    writer.begin_object().key("type");
    SLIPWAY_CHECK(write_type(writer, *type, "type"));
    if (member(value, "enum")) {
        writer.key("enum");
        SLIPWAY_CHECK(write_texts(writer, value, "enum", true));
    }
    writer.end_object();
    return {};
}

// The member of `body` as it is stored; its key has been written.
Result<void> write_checked(
    json::Writer& writer, const json::Value& body, const PropertyMember& checked
) {
    const std::string_view key = checked.name;
    const json::Value value = *member(body, key);
    switch (checked.kind) {
        case Kind::text:
            if (!value.is_string()) return bad(quoted(key) + " must be a string.");
            break;
        case Kind::texts:
            return write_texts(writer, body, key, false);
        case Kind::words:
            return write_texts(writer, body, key, true);
        case Kind::names:
            SLIPWAY_CHECK(names_member(body, key));
            break;
        case Kind::type:
            return write_type(writer, value, key);
        case Kind::anything:
            writer.string(as_text(value));
            return {};
        case Kind::flag:
            if (!value.is_bool()) return bad(quoted(key) + " must be true or false.");
            break;
        case Kind::number:
            if (!is_number(value)) return bad(quoted(key) + " must be a number.");
            break;
        case Kind::count:
            if (!value.is_integer() || value.integer() < 0)
                return bad(quoted(key) + " must be a whole number, not below 0.");
            break;
        case Kind::items:
            return write_items(writer, value);
    }
    writer.value(value);
    return {};
}

// All but the name, checked and in one order.
Result<std::string> read_definition(const json::Value& body) {
    SLIPWAY_CHECK(check_object(body, "property"));
    for (const auto& [name, value] : body.members()) {
        const auto is_this = [name = name](const auto& known) { return known.name == name; };
        if (name != "name" &&
            std::none_of(kPropertyMembers.begin(), kPropertyMembers.end(), is_this))
            return bad("A property has no member " + quoted(name.substr(0, 80)) + ".");
    }
    json::Writer writer;
    writer.begin_object();
    for (const PropertyMember& known : kPropertyMembers) {
        if (member(body, known.name)) {
            writer.key(known.name);
            SLIPWAY_CHECK(write_checked(writer, body, known));
        } else if (known.mandatory) {
            return bad("A property needs the member " + quoted(known.name) + ".");
        }
    }
    writer.end_object();
    return writer.text();
}

Result<std::vector<MetadefProperty>> read_properties(const json::Value& body) {
    std::vector<MetadefProperty> properties;
    const auto found = member(body, "properties");
    if (!found) return properties;
    if (!found->is_object()) return bad("\"properties\" must be an object, with names as keys.");
    for (const auto& [name, definition] : found->members()) {
        MetadefProperty& property = properties.emplace_back();
        SLIPWAY_TRY(property.name, checked_metadef_name(name, "property"));
        auto read = read_definition(definition);
        if (!read) return bad("Property " + property.name + ": " + read.error().message);
        property.definition = std::move(*read);
    }
    return properties;
}

Result<MetadefObject> read_object(const json::Value& body, ReadOnlyMembers treatment) {
    SLIPWAY_CHECK(check_members(
        body,
        "object",
        {"name", "description", "required", "properties"},
        {"self", "schema", "created_at", "updated_at"},
        treatment
    ));
    MetadefObject object;
    SLIPWAY_TRY(object.name, name_member(body, "name", "object"));
    SLIPWAY_TRY(object.description, text_member(body, "description", kUnlimited));
    SLIPWAY_TRY(object.required, names_member(body, "required"));
    SLIPWAY_TRY(object.properties, read_properties(body));
    return object;
}

Result<MetadefAssociation> read_association(const json::Value& body, ReadOnlyMembers treatment) {
    SLIPWAY_CHECK(check_members(
        body,
        "resource type association",
        {"name", "prefix", "properties_target"},
        {"created_at", "updated_at"},
        treatment
    ));
    MetadefAssociation association;
    SLIPWAY_TRY(association.resource_type, name_member(body, "name", "resource type"));
    SLIPWAY_TRY(association.prefix, text_member(body, "prefix", kLongestName));
    SLIPWAY_TRY(
        association.properties_target, text_member(body, "properties_target", kLongestName)
    );
    return association;
}

Result<std::string> read_tag(const json::Value& body, ReadOnlyMembers treatment) {
    SLIPWAY_CHECK(check_members(body, "tag", {"name"}, {"created_at", "updated_at"}, treatment));
    return name_member(body, "name", "tag");
}

Result<void> read_contents(MetadefNamespace& space, const json::Value& body) {
    constexpr auto kDropped = ReadOnlyMembers::dropped;
    SLIPWAY_TRY(const auto associations, elements_of(body, "resource_type_associations"));
    for (const json::Value& element : associations) {
        SLIPWAY_TRY(space.associations.emplace_back(), read_association(element, kDropped));
    }
    SLIPWAY_TRY(const auto objects, elements_of(body, "objects"));
    for (const json::Value& element : objects) {
        auto object = read_object(element, kDropped);
        if (!object) return object.error().while_doing("In \"objects\"");
        space.objects.push_back(std::move(*object));
    }
    SLIPWAY_TRY(const auto tags, elements_of(body, "tags"));
    for (const json::Value& element : tags) {
        SLIPWAY_TRY(space.tags.emplace_back().name, read_tag(element, kDropped));
    }
    SLIPWAY_TRY(space.properties, read_properties(body));
    return {};
}

Result<Visibility> visibility_member(const json::Value& body) {
    const auto found = member(body, "visibility");
    if (!found) return Visibility::private_;
    if (found->is_string() && found->string() == "public") return Visibility::public_;
    if (found->is_string() && found->string() == "private") return Visibility::private_;
    return bad("\"visibility\" must be public or private.");
}

// As a segment of a path; what RFC 3986 lets stand there stands as it is: OS::Compute::Quota.
std::string path_segment(std::string_view name) {
    constexpr std::string_view kAlsoPlain = "!$&'()*+,;=:@";
    std::string segment;
    for (std::size_t i = 0; i < name.size(); ++i)
        segment += kAlsoPlain.find(name[i]) != std::string_view::npos
                       ? std::string(1, name[i])
                       : percent_encoded(name.substr(i, 1));
    return segment;
}

void write_if(json::Writer& writer, std::string_view key, const std::optional<std::string>& value) {
    if (value) writer.member(key, *value);
}

template <class Row>
void write_times(json::Writer& writer, const Row& row) {
    writer.member("created_at", to_iso8601(row.created_at));
    writer.member("updated_at", to_iso8601(row.updated_at));
}

void write_association_members(json::Writer& writer, const MetadefAssociation& association) {
    writer.member("name", association.resource_type);
    write_if(writer, "prefix", association.prefix);
    write_if(writer, "properties_target", association.properties_target);
}

void write_object_members(json::Writer& writer, const MetadefObject& object) {
    writer.member("name", object.name);
    write_if(writer, "description", object.description);
    writer.key("required").begin_array();
    for (const std::string& name : object.required) writer.string(name);
    writer.end_array().key("properties");
    write_metadef_properties(writer, object.properties);
}

void write_associations(json::Writer& writer, const MetadefNamespace& space, bool times) {
    if (space.associations.empty()) return;
    writer.key("resource_type_associations").begin_array();
    for (const MetadefAssociation& association : space.associations) {
        writer.begin_object();
        write_association_members(writer, association);
        if (times) write_times(writer, association);
        writer.end_object();
    }
    writer.end_array();
}

void write_contents(json::Writer& writer, const MetadefNamespace& space, bool links) {
    if (!space.properties.empty()) {
        writer.key("properties");
        write_metadef_properties(writer, space.properties);
    }
    if (!space.objects.empty()) {
        writer.key("objects").begin_array();
        for (const MetadefObject& object : space.objects) {
            if (links) {
                write_metadef_object(writer, object, space.name);
                continue;
            }
            writer.begin_object();
            write_object_members(writer, object);
            writer.end_object();
        }
        writer.end_array();
    }
    if (!space.tags.empty()) {
        writer.key("tags").begin_array();
        for (const MetadefTag& tag : space.tags)
            writer.begin_object().member("name", tag.name).end_object();
        writer.end_array();
    }
}

}  // namespace

Result<std::string> checked_metadef_name(std::string_view name, std::string_view what) {
    const std::string of = "The name of a " + std::string(what);
    if (name.empty()) return bad(of + " must not be empty.");
    if (characters(name) > kLongestName) return bad(of + " may have at most 80 characters.");
    if (has_control_characters(name) || name.find_first_of("/\\") != std::string_view::npos ||
        name == "." || name == "..")
        return bad(
            of + " must not hold '/', '\\' or control characters, and not be . or .., " +
            "since it stands in paths."
        );
    return std::string(name);
}

Result<MetadefNamespace> read_metadef_namespace(
    const json::Value& body, ReadOnlyMembers read_only
) {
    SLIPWAY_CHECK(check_members(
        body,
        "namespace",
        {"namespace",
         "display_name",
         "description",
         "visibility",
         "protected",
         "owner",
         "resource_type_associations",
         "properties",
         "objects",
         "tags"},
        {"self", "schema", "created_at", "updated_at"},
        read_only
    ));
    MetadefNamespace space;
    SLIPWAY_TRY(space.name, name_member(body, "namespace", "namespace"));
    SLIPWAY_TRY(space.display_name, text_member(body, "display_name", kLongestName));
    SLIPWAY_TRY(space.description, text_member(body, "description", kLongestDescription));
    SLIPWAY_TRY(space.visibility, visibility_member(body));
    SLIPWAY_TRY(space.is_protected, flag_member(body, "protected"));
    SLIPWAY_TRY(space.owner, text_member(body, "owner", kLongestOwner));
    SLIPWAY_CHECK(read_contents(space, body));
    return space;
}

Result<MetadefObject> read_metadef_object(const json::Value& body) {
    return read_object(body, ReadOnlyMembers::refused);
}

Result<MetadefProperty> read_metadef_property(const json::Value& body) {
    SLIPWAY_CHECK(check_object(body, "property"));
    for (const std::string_view read_only : {"created_at", "updated_at"})
        if (body.find(read_only))
            return Error(
                Errc::forbidden, "Attribute '" + std::string(read_only) + "' is read-only."
            );
    MetadefProperty property;
    SLIPWAY_TRY(property.name, name_member(body, "name", "property"));
    SLIPWAY_TRY(property.definition, read_definition(body));
    return property;
}

Result<MetadefAssociation> read_metadef_association(const json::Value& body) {
    return read_association(body, ReadOnlyMembers::refused);
}

Result<std::string> read_metadef_tag(const json::Value& body) {
    return read_tag(body, ReadOnlyMembers::refused);
}

Result<std::vector<std::string>> read_metadef_tags(const json::Value& body) {
    SLIPWAY_CHECK(check_members(
        body, "list of tags", {"tags"}, {"created_at", "updated_at"}, ReadOnlyMembers::refused
    ));
    if (!member(body, "tags")) return bad("The body needs the member \"tags\".");
    SLIPWAY_TRY(const auto elements, elements_of(body, "tags"));
    std::vector<std::string> names;
    for (const json::Value& element : elements) {
        SLIPWAY_TRY(names.emplace_back(), read_tag(element, ReadOnlyMembers::refused));
    }
    return names;
}

std::string metadef_path(std::string_view name) {
    return "/v2/metadefs/namespaces/" + path_segment(name);
}

void write_metadef_namespace(
    json::Writer& writer, const MetadefNamespace& written, MetadefDetail detail
) {
    const bool served = detail != MetadefDetail::file;
    writer.begin_object().member("namespace", written.name);
    write_if(writer, "display_name", written.display_name);
    write_if(writer, "description", written.description);
    writer.member("visibility", to_string(written.visibility));
    writer.member("protected", written.is_protected);
    write_if(writer, "owner", written.owner);
    if (served) {
        write_times(writer, written);
        writer.member("self", metadef_path(written.name));
        writer.member("schema", "/v2/schemas/metadefs/namespace");
    }
    write_associations(writer, written, served);
    if (detail != MetadefDetail::record) write_contents(writer, written, served);
    writer.end_object();
}

void write_metadef_object(json::Writer& writer, const MetadefObject& object, std::string_view of) {
    writer.begin_object();
    write_object_members(writer, object);
    write_times(writer, object);
    writer.member("self", metadef_path(of) + "/objects/" + path_segment(object.name));
    writer.member("schema", "/v2/schemas/metadefs/object").end_object();
}

void write_metadef_property(json::Writer& writer, const MetadefProperty& property) {
    const auto definition = json::Document::parse(property.definition, kStored).value();
    writer.begin_object().member("name", property.name);
    for (const auto& [key, value] : definition.root().members()) writer.key(key).value(value);
    writer.end_object();
}

void write_metadef_properties(
    json::Writer& writer, const std::vector<MetadefProperty>& properties
) {
    writer.begin_object();
    for (const MetadefProperty& property : properties)
        writer.key(property.name).raw(property.definition);
    writer.end_object();
}

void write_metadef_association(json::Writer& writer, const MetadefAssociation& association) {
    writer.begin_object();
    write_association_members(writer, association);
    write_times(writer, association);
    writer.end_object();
}

void write_metadef_tag(json::Writer& writer, const MetadefTag& tag) {
    writer.begin_object().member("name", tag.name);
    write_times(writer, tag);
    writer.end_object();
}

}  // namespace slipway::service
