#pragma once

#include "http/router.h"
#include "service/cache_service.h"
#include "service/image_data_service.h"

namespace slipway::http::api {

// The announced length of a body of image data: x-openstack-image-size, which clients add to
// chunked bodies, or Content-Length. Errors: invalid_argument.
Result<std::optional<std::uint64_t>> expected_bytes(const Request& request);
// Errors: unsupported for a body that is no plain image data.
Result<void> require_octet_stream(const Request& request);

// The answer to a request for image data: whole, a range, or why not.
struct DataAnswer {
    Response response;
    std::optional<ByteRange> wanted;  // what its stream has to give; absent: no stream
};
// Errors: invalid_argument for several ranges.
Result<DataAnswer> data_answer(
    const Request& request, std::uint64_t size_bytes, const std::optional<std::string>& checksum
);

// /v2/images/{image_id}/file: the data of an image, up and down.
class ImageDataApi {
public:
    ImageDataApi(service::ImageDataService& data, service::CacheService& cache)
        : data_(data), cache_(cache) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> upload(Request& request);
    awaitable<Result<Response>> download(Request& request);

    service::ImageDataService& data_;
    service::CacheService& cache_;
};

}  // namespace slipway::http::api
