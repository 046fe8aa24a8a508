#include "http/api/image_view.h"

namespace slipway::http::api {

namespace {

std::string_view type_word(AttributeType type) {
    switch (type) {
        case AttributeType::string:
            return "string";
        case AttributeType::integer:
            return "integer";
        case AttributeType::boolean:
            return "boolean";
        case AttributeType::string_array:
        case AttributeType::object_array:
            return "array";
    }
    return "string";
}

void write_location_schema(json::Writer& writer) {
    writer.key("items").begin_object().member("type", "object").key("required").begin_array();
    writer.string("url").string("metadata").end_array();
    writer.key("properties").begin_object();
    writer.key("url")
        .begin_object()
        .member("type", "string")
        .member("maxLength", std::int64_t{255})
        .end_object();
    writer.key("metadata").begin_object().member("type", "object").end_object();
    writer.key("validation_data").begin_object().member("type", "object").member("writeOnly", true);
    writer.member("additionalProperties", false).key("required").begin_array();
    writer.string("os_hash_algo")
        .string("os_hash_value")
        .end_array()
        .key("properties")
        .begin_object();
    for (const auto& [name, length] :
         {std::pair("checksum", 32),
          std::pair("os_hash_algo", 64),
          std::pair("os_hash_value", 128)})
        writer.key(name)
            .begin_object()
            .member("type", "string")
            .member("maxLength", std::int64_t{length})
            .end_object();
    writer.end_object().end_object().end_object().end_object();
}

void write_attribute(json::Writer& writer, const Attribute& attribute) {
    writer.key(attribute.name).begin_object();
    const std::string_view type = type_word(attribute.type);
    if (attribute.nullable)
        writer.key("type").begin_array().string("null").string(type).end_array();
    else
        writer.member("type", type);
    writer.member("description", attribute.description);
    if (attribute.read_only) writer.member("readOnly", true);
    if (!attribute.is_base) writer.member("is_base", false);
    if (attribute.uuid)
        writer.member(
            "pattern",
            "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}"
            "$"
        );
    if (attribute.pattern) writer.member("pattern", attribute.pattern->str());
    if (attribute.max_length > 0)
        writer.member("maxLength", static_cast<std::int64_t>(attribute.max_length));
    if (!attribute.choices.empty()) {
        writer.key("enum").begin_array();
        if (attribute.nullable) writer.null();
        for (const std::string& word : attribute.choices) writer.string(word);
        writer.end_array();
    }
    if (attribute.type == AttributeType::string_array)
        writer.key("items")
            .begin_object()
            .member("type", "string")
            .member("maxLength", std::int64_t{255})
            .end_object();
    if (attribute.type == AttributeType::object_array) write_location_schema(writer);
    writer.end_object();
}

void write_link(json::Writer& writer, std::string_view rel, std::string_view href) {
    writer.begin_object().member("rel", rel).member("href", href).end_object();
}

void write_image_schema(json::Writer& writer, const ImageSchema& schema) {
    writer.begin_object().member("name", "image").key("properties").begin_object();
    for (const Attribute& attribute : schema.attributes()) write_attribute(writer, attribute);
    writer.end_object();
    writer.key("additionalProperties").begin_object().member("type", "string").end_object();
    writer.key("links").begin_array();
    write_link(writer, "self", "{self}");
    write_link(writer, "enclosure", "{file}");
    write_link(writer, "describedby", "{schema}");
    writer.end_array();
    if (!schema.required().empty()) {
        writer.key("required").begin_array();
        for (const std::string& name : schema.required()) writer.string(name);
        writer.end_array();
    }
    writer.end_object();
}

}  // namespace

void write_locations(json::Writer& writer, const std::vector<service::ShownLocation>& locations) {
    writer.begin_array();
    for (const auto& location : locations) {
        writer.begin_object().member("url", location.url).key("metadata").begin_object();
        if (const auto metadata = json::Document::parse(location.metadata))
            for (const auto& [name, value] : metadata->root().members())
                writer.key(name).value(value);
        if (!location.store.empty()) writer.member("store", location.store);
        writer.end_object().end_object();
    }
    writer.end_array();
}

void write_image(json::Writer& writer, const service::ImageRecord& record) {
    const Image& image = record.image;
    const std::string self = "/v2/images/" + image.id.str();
    writer.begin_object();
    // Properties first: a stored property never hides a base attribute.
    for (const auto& [name, value] : image.properties) {
        if (name == "os_glance_stage_host" || name == "os_glance_hash_op_host") continue;
        writer.member_or_null(name, value);
    }
    writer.member("id", image.id.str()).member_or_null("name", image.name);
    writer.member("status", to_string(image.status))
        .member("visibility", to_string(image.visibility));
    writer.member_or_null("owner", image.owner);
    writer.member_or_null("size", image.size_bytes)
        .member_or_null("virtual_size", image.virtual_size_bytes);
    writer.member_or_null("disk_format", image.disk_format)
        .member_or_null("container_format", image.container_format);
    writer.member("min_disk", image.min_disk_gib).member("min_ram", image.min_ram_mib);
    writer.member("protected", image.is_protected).member("os_hidden", image.hidden);
    writer.member_or_null("checksum", image.checksum);
    writer.member_or_null("os_hash_algo", image.os_hash_algo)
        .member_or_null("os_hash_value", image.os_hash_value);
    writer.key("tags").begin_array();
    for (const std::string& tag : image.tags) writer.string(tag);
    writer.end_array();
    writer.member("created_at", to_iso8601(image.created_at));
    writer.member("updated_at", to_iso8601(image.updated_at));
    writer.member("self", self)
        .member("file", self + "/file")
        .member("schema", "/v2/schemas/image");
    if (record.stores) writer.member("stores", *record.stores);
    if (record.locations) {
        writer.key("locations");
        write_locations(writer, *record.locations);
    }
    if (record.direct_url) writer.member("direct_url", *record.direct_url);
    writer.end_object();
}

std::string image_json(const service::ImageRecord& record) {
    json::Writer writer;
    write_image(writer, record);
    return writer.text();
}

std::string image_schema_json(const ImageSchema& schema) {
    json::Writer writer;
    write_image_schema(writer, schema);
    return writer.text();
}

std::string images_schema_json(const ImageSchema& schema) {
    json::Writer writer;
    writer.begin_object().member("name", "images").key("properties").begin_object();
    writer.key("images").begin_object().member("type", "array").key("items");
    write_image_schema(writer, schema);
    writer.end_object();
    for (const char* name : {"first", "next", "schema"})
        writer.key(name).begin_object().member("type", "string").end_object();
    writer.end_object().key("links").begin_array();
    write_link(writer, "first", "{first}");
    write_link(writer, "next", "{next}");
    write_link(writer, "describedby", "{schema}");
    writer.end_array().end_object();
    return writer.text();
}

}  // namespace slipway::http::api
