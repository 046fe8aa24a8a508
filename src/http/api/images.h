#pragma once

#include "base/json.h"
#include "http/api/list_query.h"
#include "http/api/public_url.h"
#include "http/router.h"
#include "service/image_service.h"
#include "service/location_service.h"

#include <string>
#include <vector>

namespace slipway::http::api {

// /v2/images, one image, its tags, its locations, and its two actions.
class ImagesApi {
public:
    struct Options {
        ListLimits list;
        json::Limits json;
        PublicUrl public_url;
        std::vector<std::string>
            store_ids;  // for OpenStack-image-store-ids; empty: not multi-store
        std::vector<std::string> import_methods;  // for OpenStack-image-import-methods
    };

    ImagesApi(
        service::ImageService& images,
        service::LocationService& locations,
        const ImageSchema& schema,
        Options options
    )
        : images_(images), locations_(locations), schema_(schema), options_(std::move(options)) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> list(Request& request);
    awaitable<Result<Response>> create(Request& request);
    awaitable<Result<Response>> show(Request& request);
    awaitable<Result<Response>> update(Request& request);
    awaitable<Result<Response>> remove(Request& request);
    awaitable<Result<Response>> act(Request& request);
    awaitable<Result<Response>> locations(Request& request);
    awaitable<Result<Response>> add_location(Request& request);
    awaitable<Result<Response>> add_tag(Request& request);
    awaitable<Result<Response>> remove_tag(Request& request);

    service::ImageService& images_;
    service::LocationService& locations_;
    const ImageSchema& schema_;
    Options options_;
};

// The id in the path, as every handler reads it.
Result<ImageId> image_id(const Request& request);
// Binds a member function to a route.
template <class Api>
RouteHandler bind(Api* api, awaitable<Result<Response>> (Api::*handler)(Request&)) {
    return [api, handler](Request& request) { return (api->*handler)(request); };
}

}  // namespace slipway::http::api
