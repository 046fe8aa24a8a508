#include "http/api/metadefs.h"

#include "base/text.h"
#include "http/api/images.h"
#include "service/metadef_json.h"

#include <array>
#include <limits>

namespace slipway::http::api {

namespace {

using service::MetadefDetail;

constexpr std::string_view kNamespaces = "/v2/metadefs/namespaces";

Error bad(const std::string& message) {
    return Error(Errc::invalid_argument, message);
}

Result<MetadefSortKey> read_sort_key(std::string_view word) {
    struct Key {
        std::string_view word;
        MetadefSortKey key;
    };
    constexpr std::array kKeys{
        Key{"namespace", MetadefSortKey::name},
        Key{"display_name", MetadefSortKey::display_name},
        Key{"visibility", MetadefSortKey::visibility},
        Key{"owner", MetadefSortKey::owner},
        Key{"protected", MetadefSortKey::is_protected},
        Key{"created_at", MetadefSortKey::created_at},
        Key{"updated_at", MetadefSortKey::updated_at},
    };
    for (const Key& known : kKeys)
        if (known.word == word) return known.key;
    return bad(
        "Invalid sort_key: it must be one of namespace, display_name, visibility, owner, "
        "protected, created_at, updated_at."
    );
}

Result<MetadefSortKey> read_tag_sort_key(std::string_view word) {
    if (word == "name") return MetadefSortKey::name;
    if (word == "created_at") return MetadefSortKey::created_at;
    if (word == "updated_at") return MetadefSortKey::updated_at;
    return bad("Invalid sort_key: it must be one of name, created_at, updated_at.");
}

Result<SortDirection> read_direction(std::string_view word) {
    if (word == "asc") return SortDirection::ascending;
    if (word == "desc") return SortDirection::descending;
    return bad("Invalid sort_dir: it must be asc or desc.");
}

Result<Visibility> read_visibility(std::string_view word) {
    if (word == "public") return Visibility::public_;
    if (word == "private") return Visibility::private_;
    return bad("Invalid visibility: it must be public or private.");
}

std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> words;
    while (true) {
        const auto comma = std::min(text.find(','), text.size());
        words.emplace_back(trimmed(text.substr(0, comma)));
        if (comma == text.size()) return words;
        text.remove_prefix(comma + 1);
    }
}

std::string namespace_json(const MetadefNamespace& space, MetadefDetail detail) {
    json::Writer writer;
    service::write_metadef_namespace(writer, space, detail);
    return writer.text();
}

// The last value of a parameter; "" without one.
std::string parameter(const Request& request, std::string_view name) {
    std::string value;
    for (const auto& [key, text] : request.query())
        if (key == name) value = text;
    return value;
}

Result<MetadefNamespace> read_namespace(const json::Value& body) {
    return service::read_metadef_namespace(body, service::ReadOnlyMembers::refused);
}

}  // namespace

Result<MetadefQuery> read_metadef_query(const QueryItems& items, const ListLimits& limits) {
    MetadefQuery query;
    query.limit = limits.by_default;
    for (const auto& [name, value] : items) {
        if (name == "limit") {
            SLIPWAY_TRY(query.limit, read_limit(value, limits.at_most));
        } else if (name == "marker") {
            query.marker = value;
        } else if (name == "sort_key") {
            SLIPWAY_TRY(query.sort_key, read_sort_key(value));
        } else if (name == "sort_dir") {
            SLIPWAY_TRY(query.direction, read_direction(value));
        } else if (name == "visibility" && !value.empty()) {
            SLIPWAY_TRY(query.visibility, read_visibility(value));
        } else if (name == "resource_types") {
            query.resource_types = split_at_commas(value);
        }
    }
    if (query.resource_types.size() > limits.at_most)
        return bad("resource_types may name at most " + std::to_string(limits.at_most) + ".");
    return query;
}

Result<MetadefTagQuery> read_metadef_tag_query(const QueryItems& items) {
    MetadefTagQuery query;
    for (const auto& [name, value] : items) {
        if (name == "limit") {
            SLIPWAY_TRY(query.limit, read_limit(value, std::numeric_limits<std::int32_t>::max()));
        } else if (name == "marker" && !value.empty()) {
            query.marker = value;
        } else if (name == "sort_key") {
            SLIPWAY_TRY(query.sort_key, read_tag_sort_key(value));
        } else if (name == "sort_dir") {
            SLIPWAY_TRY(query.direction, read_direction(value));
        }
    }
    return query;
}

void MetadefsApi::add_routes(Router& router) {
    const std::string all(kNamespaces);
    const std::string one = all + "/{namespace}";
    router.add("GET", all, BodyRule::ignored, bind(this, &MetadefsApi::list));
    router.add("POST", all, BodyRule::taken, bind(this, &MetadefsApi::create));
    router.add("GET", one, BodyRule::refused, bind(this, &MetadefsApi::show));
    router.add("PUT", one, BodyRule::taken, bind(this, &MetadefsApi::replace));
    router.add("DELETE", one, BodyRule::refused, bind(this, &MetadefsApi::remove));
    const auto types = bind(this, &MetadefsApi::resource_types);
    router.add("GET", "/v2/metadefs/resource_types", BodyRule::refused, types);
    const std::string associations = one + "/resource_types";
    router.add("GET", associations, BodyRule::refused, bind(this, &MetadefsApi::associations));
    router.add("POST", associations, BodyRule::taken, bind(this, &MetadefsApi::associate));
    router.add(
        "DELETE", associations + "/{name}", BodyRule::refused, bind(this, &MetadefsApi::dissociate)
    );
    add_content_routes(router);
}

awaitable<Result<Response>> MetadefsApi::list(Request& request) {
    SLIPWAY_CO_TRY(MetadefQuery query, read_metadef_query(request.query(), options_.list));
    SLIPWAY_CO_TRY(const auto page, co_await metadefs_.list(request.caller, std::move(query)));
    json::Writer writer;
    writer.begin_object().key("namespaces").begin_array();
    for (const MetadefNamespace& space : page.namespaces)
        service::write_metadef_namespace(writer, space, MetadefDetail::record);
    writer.end_array().member("first", list_link(kNamespaces, request.query(), ""));
    if (page.more)
        writer.member("next", list_link(kNamespaces, request.query(), page.namespaces.back().name));
    writer.member("schema", "/v2/schemas/metadefs/namespaces").end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> MetadefsApi::create(Request& request) {
    SLIPWAY_CO_TRY(MetadefNamespace added, co_await read_body(request, read_namespace));
    SLIPWAY_CO_TRY(const auto created, co_await metadefs_.create(request.caller, std::move(added)));
    Response response = json_response(201, namespace_json(created, MetadefDetail::whole));
    response.with(
        "Location", options_.public_url.base(request) + service::metadef_path(created.name)
    );
    co_return response;
}

awaitable<Result<Response>> MetadefsApi::show(Request& request) {
    const std::string resource_type = parameter(request, "resource_type");
    SLIPWAY_CO_TRY(
        const auto found,
        co_await metadefs_.show(request.caller, request.params.at("namespace"), resource_type)
    );
    co_return json_response(200, namespace_json(found, MetadefDetail::whole));
}

awaitable<Result<Response>> MetadefsApi::replace(Request& request) {
    SLIPWAY_CO_TRY(MetadefNamespace changed, co_await read_body(request, read_namespace));
    const std::string& name = request.params.at("namespace");
    SLIPWAY_CO_TRY(
        const auto replaced, co_await metadefs_.replace(request.caller, name, std::move(changed))
    );
    co_return json_response(200, namespace_json(replaced, MetadefDetail::record));
}

awaitable<Result<Response>> MetadefsApi::remove(Request& request) {
    SLIPWAY_CO_CHECK(co_await metadefs_.remove(request.caller, request.params.at("namespace")));
    co_return no_content();
}

awaitable<Result<Response>> MetadefsApi::resource_types(Request& request) {
    SLIPWAY_CO_TRY(const auto types, co_await metadefs_.resource_types(request.caller));
    json::Writer writer;
    writer.begin_object().key("resource_types").begin_array();
    for (const MetadefResourceType& type : types)
        writer.begin_object()
            .member("name", type.name)
            .member("created_at", to_iso8601(type.created_at))
            .member("updated_at", to_iso8601(type.updated_at))
            .end_object();
    writer.end_array().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> MetadefsApi::associations(Request& request) {
    SLIPWAY_CO_TRY(
        const auto associations,
        co_await metadefs_.associations(request.caller, request.params.at("namespace"))
    );
    json::Writer writer;
    writer.begin_object().key("resource_type_associations").begin_array();
    for (const MetadefAssociation& association : associations)
        service::write_metadef_association(writer, association);
    writer.end_array().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> MetadefsApi::associate(Request& request) {
    SLIPWAY_CO_TRY(auto added, co_await read_body(request, service::read_metadef_association));
    const std::string& of = request.params.at("namespace");
    SLIPWAY_CO_TRY(
        const auto association, co_await metadefs_.associate(request.caller, of, std::move(added))
    );
    json::Writer writer;
    service::write_metadef_association(writer, association);
    co_return json_response(201, writer.text());
}

awaitable<Result<Response>> MetadefsApi::dissociate(Request& request) {
    SLIPWAY_CO_CHECK(co_await metadefs_.dissociate(
        request.caller, request.params.at("namespace"), request.params.at("name")
    ));
    co_return no_content();
}

}  // namespace slipway::http::api
