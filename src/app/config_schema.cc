#include "app/config.h"
#include "app/config_sources.h"
#include "base/json.h"

#include <filesystem>
#include <fstream>
#include <sstream>

namespace slipway::app {

namespace {

constexpr const char* kFileName = "schema-image.json";
constexpr const char* kUuid =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

Error unusable(std::string_view name, std::string_view what) {
    return Error(
        Errc::invalid_argument, "the property \"" + std::string(name) + "\" " + std::string(what)
    );
}

// "string", or ["null", "string"].
Result<void> read_type(const json::Value& type, Attribute& attribute) {
    if (type.is_string() && type.string() == "string") return {};
    bool is_text = false;
    if (type.is_array())
        for (const json::Value& word : type.elements()) {
            if (!word.is_string()) break;
            attribute.nullable |= word.string() == "null";
            is_text |= word.string() == "string";
        }
    if (is_text) return {};
    return unusable(attribute.name, "is not of the type string; image properties are texts");
}

Result<void> read_choices(const json::Value& list, Attribute& attribute) {
    if (!list.is_array()) return unusable(attribute.name, "has an enum that is no list");
    for (const json::Value& choice : list.elements()) {
        if (choice.is_null()) continue;
        if (!choice.is_string()) return unusable(attribute.name, "has a choice that is no text");
        attribute.choices.emplace_back(choice.string());
    }
    return {};
}

Result<Attribute> read_property(std::string_view name, const json::Value& value) {
    Attribute attribute;
    attribute.name = std::string(name);
    attribute.is_base = false;
    if (!value.is_object()) return unusable(name, "is described by no object");
    SLIPWAY_TRY(const auto description, value.optional_string("description"));
    attribute.description = description.value_or("");
    if (const auto type = value.find("type")) SLIPWAY_CHECK(read_type(*type, attribute));
    SLIPWAY_TRY(const auto pattern, value.optional_string("pattern"));
    attribute.uuid = pattern == kUuid;
    if (pattern && !attribute.uuid) {
        SLIPWAY_TRY(attribute.pattern, Pattern::compile(*pattern));
    }
    const auto longest = value.find("maxLength");
    if (longest && longest->is_integer() && longest->integer() > 0)
        attribute.max_length = static_cast<std::size_t>(longest->integer());
    if (const auto choices = value.find("enum")) SLIPWAY_CHECK(read_choices(*choices, attribute));
    return attribute;
}

// Either of
//   {"os_distro": {"type": "string"}}
//   {"properties": {"os_distro": {"type": "string"}}, "required": ["os_distro"]}
Result<DeclaredProperties> read_declared(const std::string& text) {
    SLIPWAY_TRY(const auto document, json::Document::parse(text));
    if (!document.root().is_object())
        return Error(Errc::invalid_argument, "it is no JSON object of properties");
    const json::Value root = document.root();
    const auto nested = root.find("properties");
    const bool is_nested = nested && nested->is_object() && !nested->find("type");
    DeclaredProperties declared;
    const ImageSchema base({}, {});
    for (const auto& [name, value] : (is_nested ? *nested : root).members()) {
        if (base.is_base(name))
            return unusable(name, "is an attribute of every image; choose another name");
        SLIPWAY_TRY(auto attribute, read_property(name, value));
        declared.attributes.push_back(std::move(attribute));
    }
    const auto required = is_nested ? root.find("required") : std::nullopt;
    if (required && !required->is_array())
        return Error(Errc::invalid_argument, "\"required\" is no list of names");
    if (required)
        for (const json::Value& name : required->elements()) {
            if (!name.is_string())
                return Error(Errc::invalid_argument, "\"required\" is no list of names");
            declared.required.emplace_back(name.string());
        }
    return declared;
}

}  // namespace

std::optional<DeclaredProperties> read_schema(const ConfigSources& sources, ConfigReader& reader) {
    const std::string file =
        find_beside_configuration(sources, kFileName, std::filesystem::file_type::regular);
    if (file.empty()) return std::nullopt;
    std::ifstream in(file);
    std::ostringstream text;
    text << in.rdbuf();
    auto declared = read_declared(text.str());
    if (declared) return std::move(*declared);
    reader.add(
        Severity::mistake,
        Origin{file, 0},
        "the image schema can not be used: " + declared.error().message
    );
    return std::nullopt;
}

}  // namespace slipway::app
