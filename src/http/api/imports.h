#pragma once

#include "base/json.h"
#include "http/router.h"
#include "service/copy_service.h"
#include "service/image_data_service.h"
#include "service/import_service.h"

#include <string>
#include <vector>

namespace slipway::http::api {

// Data that are staged or fetched, and the stores that hold them: PUT …/stage, POST …/import,
// GET …/tasks, and DELETE /v2/stores/{store}/{image_id}.
class ImportsApi {
public:
    struct Options {
        std::vector<service::ImportMethod> methods;  // that are enabled
        bool multi_store = false;
        json::Limits json;
    };

    ImportsApi(
        service::ImportService& imports,
        service::ImageDataService& data,
        service::CopyService& copies,
        Options options
    )
        : imports_(imports), data_(data), copies_(copies), options_(std::move(options)) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> stage(Request& request);
    awaitable<Result<Response>> import(Request& request);
    awaitable<Result<Response>> tasks(Request& request);
    awaitable<Result<Response>> remove(Request& request);

    service::ImportService& imports_;
    service::ImageDataService& data_;
    service::CopyService& copies_;
    Options options_;
};

}  // namespace slipway::http::api
