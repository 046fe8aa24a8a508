#pragma once

#include "http/router.h"
#include "service/clone_service.h"
#include "service/image_service.h"
#include "service/store_service.h"

namespace slipway::http::api {

// /slipway/v1: what upstream has no words for. Clones, the tasks that make them, what transfers
// cost, and the datastores behind each store.
class SlipwayApi {
public:
    struct Dependencies {
        service::CloneService& clones;
        service::ImageService& images;
        service::StoreService& stores;
        std::size_t json_bytes = 1U << 20U;
        std::size_t page_default = 25;
        std::size_t page_most = 1000;
    };

    explicit SlipwayApi(Dependencies dependencies) : with_(std::move(dependencies)) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> start_clone(Request& request);
    awaitable<Result<Response>> tasks(Request& request);
    awaitable<Result<Response>> task(Request& request);
    awaitable<Result<Response>> cancel_task(Request& request);
    awaitable<Result<Response>> transfers(Request& request);
    awaitable<Result<Response>> stores(Request& request);

    Dependencies with_;
};

}  // namespace slipway::http::api
