#pragma once

#include "base/json.h"
#include "http/api/list_query.h"
#include "http/api/public_url.h"
#include "http/router.h"
#include "service/metadef_service.h"

namespace slipway::http::api {

// /v2/metadefs: namespaces, resource types; what namespaces hold is in metadef_contents.cc.
class MetadefsApi {
public:
    struct Options {
        ListLimits list;
        json::Limits json;
        PublicUrl public_url;
    };

    MetadefsApi(service::MetadefService& metadefs, Options options)
        : metadefs_(metadefs), options_(std::move(options)) {}

    void add_routes(Router& router);

private:
    void add_content_routes(Router& router);

    awaitable<Result<Response>> list(Request& request);
    awaitable<Result<Response>> create(Request& request);
    awaitable<Result<Response>> show(Request& request);
    awaitable<Result<Response>> replace(Request& request);
    awaitable<Result<Response>> remove(Request& request);

    awaitable<Result<Response>> resource_types(Request& request);
    awaitable<Result<Response>> associations(Request& request);
    awaitable<Result<Response>> associate(Request& request);
    awaitable<Result<Response>> dissociate(Request& request);

    awaitable<Result<Response>> properties(Request& request);
    awaitable<Result<Response>> add_property(Request& request);
    awaitable<Result<Response>> remove_properties(Request& request);
    awaitable<Result<Response>> property(Request& request);
    awaitable<Result<Response>> replace_property(Request& request);
    awaitable<Result<Response>> remove_property(Request& request);

    awaitable<Result<Response>> objects(Request& request);
    awaitable<Result<Response>> add_object(Request& request);
    awaitable<Result<Response>> remove_objects(Request& request);
    awaitable<Result<Response>> object(Request& request);
    awaitable<Result<Response>> replace_object(Request& request);
    awaitable<Result<Response>> remove_object(Request& request);

    awaitable<Result<Response>> tags(Request& request);
    awaitable<Result<Response>> add_tags(Request& request);
    awaitable<Result<Response>> remove_tags(Request& request);
    awaitable<Result<Response>> tag(Request& request);
    awaitable<Result<Response>> add_tag(Request& request);
    awaitable<Result<Response>> rename_tag(Request& request);
    awaitable<Result<Response>> remove_tag(Request& request);

    // Reads the body by one of the readers of service/metadef_json.h.
    template <class T>
    awaitable<Result<T>> read_body(Request& request, Result<T> (*read)(const json::Value&)) {
        SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(options_.json.bytes));
        SLIPWAY_CO_TRY(const auto document, json::Document::parse(body, options_.json));
        co_return read(document.root());
    }

    service::MetadefService& metadefs_;
    Options options_;
};

// The two queries. Errors: invalid_argument with the parameter and what it may be.
Result<MetadefQuery> read_metadef_query(const QueryItems& items, const ListLimits& limits);
Result<MetadefTagQuery> read_metadef_tag_query(const QueryItems& items);

}  // namespace slipway::http::api
