#include "http/api/metadef_schemas.h"

#include <string_view>

namespace slipway::http::api {

namespace {

constexpr std::string_view kTimes = R"(
    "created_at": {"type": "string", "format": "date-time", "readOnly": true,
        "description": "When it was made"},
    "updated_at": {"type": "string", "format": "date-time", "readOnly": true,
        "description": "When it last changed"})";

constexpr std::string_view kLinks = R"(
    "self": {"type": "string", "readOnly": true, "description": "Path of this record"},
    "schema": {"type": "string", "readOnly": true, "description": "Path of this schema"})";

// Members of one property.
constexpr std::string_view kPropertyMembers = R"(
    "name": {"type": "string", "maxLength": 80},
    "title": {"type": "string"},
    "description": {"type": "string"},
    "type": {"type": "string",
        "enum": ["array", "boolean", "integer", "number", "object", "string", null]},
    "operators": {"type": "array", "items": {"type": "string"}},
    "default": {},
    "readonly": {"type": "boolean"},
    "required": {"$ref": "#/definitions/stringArray"},
    "minimum": {"type": "number"},
    "maximum": {"type": "number"},
    "enum": {"type": "array"},
    "pattern": {"type": "string", "format": "regex"},
    "minLength": {"$ref": "#/definitions/positiveIntegerDefault0"},
    "maxLength": {"$ref": "#/definitions/positiveInteger"},
    "items": {"type": "object", "properties": {
        "type": {"type": "string",
            "enum": ["array", "boolean", "integer", "number", "object", "string", null]},
        "enum": {"type": "array"}}},
    "uniqueItems": {"type": "boolean", "default": false},
    "minItems": {"$ref": "#/definitions/positiveIntegerDefault0"},
    "maxItems": {"$ref": "#/definitions/positiveInteger"},
    "additionalItems": {"type": "boolean"})";

constexpr std::string_view kTagMembers = R"(
    "name": {"type": "string", "maxLength": 80},)";

constexpr std::string_view kAssociationMembers = R"(
    "name": {"type": "string", "maxLength": 80, "description": "The resource type"},
    "prefix": {"type": "string", "maxLength": 80,
        "description": "What the properties' names begin with on such resources, separator included"},
    "properties_target": {"type": "string", "maxLength": 80,
        "description": "Which of several sets of properties of such a resource is meant"},)";

constexpr std::string_view kObjectMembers = R"(
    "name": {"type": "string", "maxLength": 80},
    "description": {"type": "string"},
    "required": {"$ref": "#/definitions/stringArray"},
    "properties": {"$ref": "#/definitions/property"},)";

constexpr std::string_view kNamespaceMembers = R"(
    "namespace": {"type": "string", "maxLength": 80, "description": "Its name, used once"},
    "display_name": {"type": "string", "maxLength": 80, "description": "Its name for people"},
    "description": {"type": "string", "maxLength": 500, "description": "What it is about"},
    "visibility": {"type": "string", "enum": ["public", "private"],
        "description": "Who sees it: everybody, or its owner"},
    "protected": {"type": "boolean",
        "description": "Whether it is kept from being deleted, with all it holds"},
    "owner": {"type": "string", "maxLength": 255, "description": "Project that it belongs to"},
    "resource_type_associations": {"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "prefix": {"type": "string"},
        "properties_target": {"type": "string"}}}},
    "properties": {"$ref": "#/definitions/property"},
    "objects": {"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}, "description": {"type": "string"},
        "required": {"$ref": "#/definitions/stringArray"},
        "properties": {"$ref": "#/definitions/property"}}}},
    "tags": {"type": "array", "items": {"type": "object", "properties": {
        "name": {"type": "string"}}}},)";

std::string definitions() {
    return R"("definitions": {
    "positiveInteger": {"type": "integer", "minimum": 0},
    "positiveIntegerDefault0": {
        "allOf": [{"$ref": "#/definitions/positiveInteger"}, {"default": 0}]},
    "stringArray": {"type": "array", "items": {"type": "string"}, "uniqueItems": true},
    "property": {"type": "object", "additionalProperties": {"type": "object",
        "required": ["title", "type"], "properties": {)" +
           std::string(kPropertyMembers) + "}}}}";
}

struct Record {
    std::string_view name;
    std::string members;
    std::string_view required;  // as JSON
    bool has_definitions = false;
};

std::string record_text(const Record& record, bool with_definitions) {
    return R"({"name": ")" + std::string(record.name) + R"(", "required": )" +
           std::string(record.required) + R"(, "additionalProperties": false, "properties": {)" +
           record.members + "}" + (with_definitions ? ", " + definitions() : "") + "}";
}

std::string record_schema(const Record& record) {
    return record_text(record, record.has_definitions);
}

std::string list_schema(std::string_view name, const Record& record) {
    return R"({"name": ")" + std::string(name) + R"(", "properties": {")" + std::string(name) +
           R"(": {"type": "array", "items": )" + record_text(record, false) + R"(},
    "first": {"type": "string"}, "next": {"type": "string"}, "schema": {"type": "string"}},
    "links": [{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"},
        {"rel": "describedby", "href": "{schema}"}])" +
           (record.has_definitions ? ", " + definitions() : "") + "}";
}

// Of what is listed by name: {"properties": {NAME: …}}.
std::string map_schema(std::string_view name, const Record& record) {
    return R"({"name": ")" + std::string(name) + R"(", "properties": {")" + std::string(name) +
           R"(": {"type": "object", "additionalProperties": )" + record_text(record, false) +
           R"(}, "first": {"type": "string"}, "next": {"type": "string"},
    "schema": {"type": "string"}},
    "links": [{"rel": "first", "href": "{first}"}, {"rel": "next", "href": "{next}"},
        {"rel": "describedby", "href": "{schema}"}], )" +
           definitions() + "}";
}

}  // namespace

std::map<std::string, std::string, std::less<>> metadef_schemas() {
    const std::string times(kTimes);
    const std::string links = "," + std::string(kLinks);
    const Record space{
        "namespace", std::string(kNamespaceMembers) + times + links, R"(["namespace"])", true};
    const Record association{
        "resource_type_association", std::string(kAssociationMembers) + times, R"(["name"])"};
    const Record property{
        "property", std::string(kPropertyMembers), R"(["type", "title", "name"])", true};
    const Record named_property{
        "property", std::string(kPropertyMembers), R"(["type", "title"])", true};
    const Record object{"object", std::string(kObjectMembers) + times + links, R"(["name"])", true};
    const Record tag{"tag", std::string(kTagMembers) + times, R"(["name"])"};
    return {
        {"namespace", record_schema(space)},
        {"namespaces", list_schema("namespaces", space)},
        {"resource_type", record_schema(association)},
        {"resource_types", list_schema("resource_type_associations", association)},
        {"property", record_schema(property)},
        {"properties", map_schema("properties", named_property)},
        {"object", record_schema(object)},
        {"objects", list_schema("objects", object)},
        {"tag", record_schema(tag)},
        {"tags", list_schema("tags", tag)},
    };
}

}  // namespace slipway::http::api
