#pragma once

#include "http/router.h"
#include "service/image_data_service.h"

namespace slipway::http::api {

// /v2/images/{image_id}/file: the data of an image, up and down.
class ImageDataApi {
public:
    explicit ImageDataApi(service::ImageDataService& data) : data_(data) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> upload(Request& request);
    awaitable<Result<Response>> download(Request& request);

    service::ImageDataService& data_;
};

}  // namespace slipway::http::api
