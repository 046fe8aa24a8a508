// Properties, objects and tags of a namespace.
#include "base/text.h"
#include "http/api/images.h"
#include "http/api/metadefs.h"
#include "service/metadef_json.h"

namespace slipway::http::api {

namespace {

const std::string& space_of(const Request& request) {
    return request.params.at("namespace");
}

const std::string& name_of(const Request& request) {
    return request.params.at("name");
}

Response property_response(int status, const MetadefProperty& property) {
    json::Writer writer;
    service::write_metadef_property(writer, property);
    return json_response(status, writer.text());
}

Response object_response(int status, const MetadefObject& object, const std::string& of) {
    json::Writer writer;
    service::write_metadef_object(writer, object, of);
    return json_response(status, writer.text());
}

Response tag_response(int status, const MetadefTag& tag) {
    json::Writer writer;
    service::write_metadef_tag(writer, tag);
    return json_response(status, writer.text());
}

Response tags_response(int status, const std::vector<std::string>& names) {
    json::Writer writer;
    writer.begin_object().key("tags").begin_array();
    for (const std::string& name : names) writer.begin_object().member("name", name).end_object();
    writer.end_array().end_object();
    return json_response(status, writer.text());
}

// A list of objects is always whole; what else Glance reads of its query is only checked.
Result<void> check_object_query(const QueryItems& items) {
    for (const auto& [name, value] : items) {
        if (name == "sort_dir" && value != "asc" && value != "desc")
            return Error(Errc::invalid_argument, "Invalid sort_dir: it must be asc or desc.");
        if (name != "limit") continue;
        SLIPWAY_TRY(const std::size_t limit, read_limit(value, 1));
        if (limit == 0)
            return Error(Errc::invalid_argument, "limit must be a whole number above 0.");
    }
    return {};
}

// As oslo.utils reads a flag.
bool is_yes(std::string_view text) {
    const std::string word = lower_case(trimmed(text));
    return word == "1" || word == "t" || word == "true" || word == "on" || word == "y" ||
           word == "yes";
}

}  // namespace

void MetadefsApi::add_content_routes(Router& router) {
    const auto route = [&](const char* method, const std::string& below, BodyRule body, auto to) {
        router.add(method, "/v2/metadefs/namespaces/{namespace}/" + below, body, bind(this, to));
    };
    route("GET", "properties", BodyRule::refused, &MetadefsApi::properties);
    route("POST", "properties", BodyRule::taken, &MetadefsApi::add_property);
    route("DELETE", "properties", BodyRule::refused, &MetadefsApi::remove_properties);
    route("GET", "properties/{name}", BodyRule::refused, &MetadefsApi::property);
    route("PUT", "properties/{name}", BodyRule::taken, &MetadefsApi::replace_property);
    route("DELETE", "properties/{name}", BodyRule::refused, &MetadefsApi::remove_property);
    route("GET", "objects", BodyRule::refused, &MetadefsApi::objects);
    route("POST", "objects", BodyRule::taken, &MetadefsApi::add_object);
    route("DELETE", "objects", BodyRule::refused, &MetadefsApi::remove_objects);
    route("GET", "objects/{name}", BodyRule::refused, &MetadefsApi::object);
    route("PUT", "objects/{name}", BodyRule::taken, &MetadefsApi::replace_object);
    route("DELETE", "objects/{name}", BodyRule::refused, &MetadefsApi::remove_object);
    route("GET", "tags", BodyRule::refused, &MetadefsApi::tags);
    route("POST", "tags", BodyRule::taken, &MetadefsApi::add_tags);
    route("DELETE", "tags", BodyRule::refused, &MetadefsApi::remove_tags);
    route("GET", "tags/{name}", BodyRule::refused, &MetadefsApi::tag);
    route("POST", "tags/{name}", BodyRule::refused, &MetadefsApi::add_tag);
    route("PUT", "tags/{name}", BodyRule::taken, &MetadefsApi::rename_tag);
    route("DELETE", "tags/{name}", BodyRule::refused, &MetadefsApi::remove_tag);
}

awaitable<Result<Response>> MetadefsApi::properties(Request& request) {
    SLIPWAY_CO_TRY(
        const auto properties, co_await metadefs_.properties(request.caller, space_of(request))
    );
    json::Writer writer;
    writer.begin_object().key("properties");
    service::write_metadef_properties(writer, properties);
    writer.end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> MetadefsApi::add_property(Request& request) {
    SLIPWAY_CO_TRY(auto added, co_await read_body(request, service::read_metadef_property));
    SLIPWAY_CO_TRY(
        const auto property,
        co_await metadefs_.add_property(request.caller, space_of(request), std::move(added))
    );
    co_return property_response(201, property);
}

awaitable<Result<Response>> MetadefsApi::remove_properties(Request& request) {
    SLIPWAY_CO_CHECK(co_await metadefs_.remove_properties(request.caller, space_of(request)));
    co_return no_content();
}

awaitable<Result<Response>> MetadefsApi::property(Request& request) {
    std::string resource_type;
    for (const auto& [key, value] : request.query())
        if (key == "resource_type") resource_type = value;
    SLIPWAY_CO_TRY(
        auto property,
        co_await metadefs_.property(
            request.caller, space_of(request), name_of(request), resource_type
        )
    );
    co_return property_response(200, property);
}

awaitable<Result<Response>> MetadefsApi::replace_property(Request& request) {
    SLIPWAY_CO_TRY(auto changed, co_await read_body(request, service::read_metadef_property));
    SLIPWAY_CO_TRY(
        const auto property,
        co_await metadefs_.replace_property(
            request.caller, space_of(request), name_of(request), std::move(changed)
        )
    );
    co_return property_response(200, property);
}

awaitable<Result<Response>> MetadefsApi::remove_property(Request& request) {
    SLIPWAY_CO_CHECK(
        co_await metadefs_.remove_property(request.caller, space_of(request), name_of(request))
    );
    co_return no_content();
}

awaitable<Result<Response>> MetadefsApi::objects(Request& request) {
    SLIPWAY_CO_CHECK(check_object_query(request.query()));
    const std::string& of = space_of(request);
    SLIPWAY_CO_TRY(const auto objects, co_await metadefs_.objects(request.caller, of));
    json::Writer writer;
    writer.begin_object().key("objects").begin_array();
    for (const MetadefObject& object : objects) service::write_metadef_object(writer, object, of);
    // Without its first slash, as Glance writes it.
    writer.end_array().member("schema", "v2/schemas/metadefs/objects").end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> MetadefsApi::add_object(Request& request) {
    SLIPWAY_CO_TRY(auto added, co_await read_body(request, service::read_metadef_object));
    const std::string& to = space_of(request);
    SLIPWAY_CO_TRY(
        const auto object, co_await metadefs_.add_object(request.caller, to, std::move(added))
    );
    co_return object_response(201, object, to);
}

awaitable<Result<Response>> MetadefsApi::remove_objects(Request& request) {
    SLIPWAY_CO_CHECK(co_await metadefs_.remove_objects(request.caller, space_of(request)));
    co_return no_content();
}

awaitable<Result<Response>> MetadefsApi::object(Request& request) {
    const std::string& of = space_of(request);
    SLIPWAY_CO_TRY(
        const auto object, co_await metadefs_.object(request.caller, of, name_of(request))
    );
    co_return object_response(200, object, of);
}

awaitable<Result<Response>> MetadefsApi::replace_object(Request& request) {
    SLIPWAY_CO_TRY(auto changed, co_await read_body(request, service::read_metadef_object));
    const std::string& of = space_of(request);
    SLIPWAY_CO_TRY(
        const auto object,
        co_await metadefs_.replace_object(request.caller, of, name_of(request), std::move(changed))
    );
    co_return object_response(200, object, of);
}

awaitable<Result<Response>> MetadefsApi::remove_object(Request& request) {
    SLIPWAY_CO_CHECK(
        co_await metadefs_.remove_object(request.caller, space_of(request), name_of(request))
    );
    co_return no_content();
}

awaitable<Result<Response>> MetadefsApi::tags(Request& request) {
    SLIPWAY_CO_TRY(MetadefTagQuery query, read_metadef_tag_query(request.query()));
    SLIPWAY_CO_TRY(
        const auto tags,
        co_await metadefs_.tags(request.caller, space_of(request), std::move(query))
    );
    std::vector<std::string> names;
    for (const MetadefTag& tag : tags) names.push_back(tag.name);
    co_return tags_response(200, names);
}

awaitable<Result<Response>> MetadefsApi::add_tags(Request& request) {
    SLIPWAY_CO_TRY(const auto names, co_await read_body(request, service::read_metadef_tags));
    const bool append = is_yes(request.header("X-Openstack-Append"));
    SLIPWAY_CO_CHECK(co_await metadefs_.add_tags(request.caller, space_of(request), names, append));
    co_return tags_response(201, names);
}

awaitable<Result<Response>> MetadefsApi::remove_tags(Request& request) {
    SLIPWAY_CO_CHECK(co_await metadefs_.remove_tags(request.caller, space_of(request)));
    co_return no_content();
}

awaitable<Result<Response>> MetadefsApi::tag(Request& request) {
    SLIPWAY_CO_TRY(
        const auto tag, co_await metadefs_.tag(request.caller, space_of(request), name_of(request))
    );
    co_return tag_response(200, tag);
}

awaitable<Result<Response>> MetadefsApi::add_tag(Request& request) {
    SLIPWAY_CO_TRY(const std::string name, service::checked_metadef_name(name_of(request), "tag"));
    SLIPWAY_CO_TRY(
        const auto tag, co_await metadefs_.add_tag(request.caller, space_of(request), name)
    );
    co_return tag_response(201, tag);
}

awaitable<Result<Response>> MetadefsApi::rename_tag(Request& request) {
    SLIPWAY_CO_TRY(
        const std::string changed, co_await read_body(request, service::read_metadef_tag)
    );
    SLIPWAY_CO_TRY(
        const auto tag,
        co_await metadefs_.rename_tag(request.caller, space_of(request), name_of(request), changed)
    );
    co_return tag_response(200, tag);
}

awaitable<Result<Response>> MetadefsApi::remove_tag(Request& request) {
    SLIPWAY_CO_CHECK(
        co_await metadefs_.remove_tag(request.caller, space_of(request), name_of(request))
    );
    co_return no_content();
}

}  // namespace slipway::http::api
