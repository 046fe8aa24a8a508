#pragma once

#include "base/json.h"
#include "http/api/public_url.h"
#include "http/router.h"
#include "model/image_schema.h"
#include "service/import_service.h"

namespace slipway::http::api {

// /v2/tasks: the tasks of the Image API, for administrators.
class TasksApi {
public:
    struct Options {
        std::size_t page_default = 25;
        std::size_t page_most = 1000;
        json::Limits json;
        PublicUrl public_url;
    };

    TasksApi(service::ImportService& imports, const ImageSchema& schema, Options options)
        : imports_(imports), schema_(schema), options_(std::move(options)) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> create(Request& request);
    awaitable<Result<Response>> list(Request& request);
    awaitable<Result<Response>> show(Request& request);
    awaitable<Result<Response>> remove(Request& request);

    service::ImportService& imports_;
    const ImageSchema& schema_;
    Options options_;
};

}  // namespace slipway::http::api
