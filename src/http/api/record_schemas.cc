#include "http/api/record_schemas.h"

#include "base/json.h"

#include <array>
#include <string_view>

namespace slipway::http::api {

namespace {

struct Field {
    std::string_view name;
    std::string_view description;
    std::string_view type = "string";
    std::array<std::string_view, 4> choices = {};  // the empty ones are none
};

constexpr std::array kMemberFields{
    Field{"created_at", "When the image was offered"},
    Field{"image_id", "The image that is shared"},
    Field{"member_id", "The project that it is shared with"},
    Field{"schema", "Path of this schema"},
    Field{
        "status",
        "Whether the project took the offer",
        "string",
        {"pending", "accepted", "rejected"}},
    Field{"updated_at", "When the offer last changed"},
};

constexpr std::array kTaskFields{
    Field{"id", "The task's UUID"},
    Field{
        "type", "What the task does", "string", {"import", "api_image_import", "location_import"}},
    Field{
        "status", "How far it has come", "string", {"pending", "processing", "success", "failure"}},
    Field{"expires_at", "When the record goes away"},
    Field{"owner", "Project that the task belongs to"},
    Field{"created_at", "When the task was made"},
    Field{"updated_at", "When the task last changed"},
    Field{"self", "Path of this record"},
    Field{"schema", "Path of this schema"},
};

template <std::size_t N>
void write_properties(json::Writer& writer, const std::array<Field, N>& fields) {
    writer.key("properties").begin_object();
    for (const Field& field : fields) {
        writer.key(field.name).begin_object().member("type", field.type);
        writer.member("description", field.description);
        if (!field.choices.front().empty()) {
            writer.key("enum").begin_array();
            for (const std::string_view word : field.choices)
                if (!word.empty()) writer.string(word);
            writer.end_array();
        }
        writer.end_object();
    }
    writer.end_object();
}

template <std::size_t N>
std::string record_schema(std::string_view name, const std::array<Field, N>& fields) {
    json::Writer writer;
    writer.begin_object().member("name", name);
    write_properties(writer, fields);
    writer.end_object();
    return writer.text();
}

template <std::size_t N>
std::string list_schema(
    std::string_view name, std::string_view item, const std::array<Field, N>& fields
) {
    json::Writer writer;
    writer.begin_object().member("name", name).key("properties").begin_object();
    writer.key(name).begin_object().member("type", "array").key("items").begin_object();
    writer.member("name", item);
    write_properties(writer, fields);
    writer.end_object().end_object();
    writer.key("schema").begin_object().member("type", "string").end_object().end_object();
    writer.key("links").begin_array().begin_object();
    writer.member("rel", "describedby")
        .member("href", "{schema}")
        .end_object()
        .end_array()
        .end_object();
    return writer.text();
}

}  // namespace

std::string member_schema_json() {
    return record_schema("member", kMemberFields);
}
std::string members_schema_json() {
    return list_schema("members", "member", kMemberFields);
}
std::string task_schema_json() {
    return record_schema("task", kTaskFields);
}
std::string tasks_schema_json() {
    return list_schema("tasks", "task", kTaskFields);
}

}  // namespace slipway::http::api
