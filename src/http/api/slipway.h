#pragma once

#include "base/json.h"
#include "http/router.h"
#include "service/clone_service.h"
#include "service/copy_service.h"
#include "service/image_service.h"
#include "service/object_service.h"
#include "service/seed_service.h"
#include "service/store_service.h"

namespace slipway::http::api {

// /slipway/v1: what upstream has no words for. Clones, seeds and copies, the tasks that make them,
// what transfers cost, the datastores behind each store, and objects of other image services.
class SlipwayApi {
public:
    struct Dependencies {
        service::CloneService& clones;
        service::ImageService& images;
        service::StoreService& stores;
        service::SeedService& seeds;
        service::CopyService& copies;
        service::ObjectService& objects;
        json::Limits json;
        std::size_t page_default = 25;
        std::size_t page_most = 1000;
    };

    explicit SlipwayApi(Dependencies dependencies) : with_(dependencies) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> start_clone(Request& request);
    awaitable<Result<Response>> tasks(Request& request);
    awaitable<Result<Response>> task(Request& request);
    awaitable<Result<Response>> cancel_task(Request& request);
    awaitable<Result<Response>> transfers(Request& request);
    awaitable<Result<Response>> stores(Request& request);
    awaitable<Result<Response>> start_seed(Request& request);
    awaitable<Result<Response>> seeds(Request& request);
    awaitable<Result<Response>> stop_seeds(Request& request);
    awaitable<Result<Response>> copies(Request& request);
    awaitable<Result<Response>> evacuate(Request& request);
    awaitable<Result<Response>> put_object(Request& request);
    awaitable<Result<Response>> get_object(Request& request);
    awaitable<Result<Response>> delete_object(Request& request);

    Dependencies with_;
};

}  // namespace slipway::http::api
