#include "http/api/image_data.h"

#include "http/api/images.h"
#include "http/problem.h"
#include "http/range.h"

#include <charconv>

namespace slipway::http::api {

namespace {

Result<void> require_octet_stream(const Request& request) {
    std::string_view type = request.header("Content-Type");
    type = type.substr(0, type.find(';'));
    while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
    if (type != "application/octet-stream")
        return Error(Errc::unsupported, "Image data must be sent as application/octet-stream.");
    if (!request.header("Content-Encoding").empty())
        return Error(Errc::unsupported, "Image data must be sent without a Content-Encoding.");
    return {};
}

// The announced length: x-openstack-image-size, which clients add to chunked bodies, or
// Content-Length.
Result<std::optional<std::uint64_t>> expected_bytes(const Request& request) {
    const std::string_view text = request.header("x-openstack-image-size");
    if (request.has_header("x-openstack-image-size")) {
        std::uint64_t size = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
        if (text.empty() || error != std::errc() || end != text.data() + text.size())
            return Error(
                Errc::invalid_argument, "x-openstack-image-size must be a whole number of bytes."
            );
        if (request.content_length() && *request.content_length() != size)
            return Error(
                Errc::invalid_argument,
                "x-openstack-image-size and Content-Length announce different lengths."
            );
        return std::optional(size);
    }
    return request.content_length();
}

}  // namespace

void ImageDataApi::add_routes(Router& router) {
    const std::string path = "/v2/images/{image_id}/file";
    router.add("PUT", path, BodyRule::taken, bind(this, &ImageDataApi::upload));
    router.add("GET", path, BodyRule::refused, bind(this, &ImageDataApi::download));
    router.add("HEAD", path, BodyRule::refused, bind(this, &ImageDataApi::download));
}

awaitable<Result<Response>> ImageDataApi::upload(Request& request) {
    SLIPWAY_CO_CHECK(require_octet_stream(request));
    service::UploadRequest upload;
    SLIPWAY_CO_TRY(upload.expected_bytes, expected_bytes(request));
    SLIPWAY_CO_TRY(upload.image, image_id(request));
    const std::string_view store = request.header("x-image-meta-store");
    if (!store.empty()) upload.store = std::string(store);
    SLIPWAY_CO_CHECK(co_await data_.upload(request.caller, std::move(upload), request.body()));
    co_return no_content();
}

awaitable<Result<Response>> ImageDataApi::download(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto offer, co_await data_.offer(request.caller, id));
    if (offer.locations.empty()) co_return no_content();

    const RangeOutcome range = decide_range(request, offer.size_bytes);
    if (range.status == 400)
        co_return Error(Errc::invalid_argument, "Only one byte range can be asked for at a time.");
    if (range.status == 416) {
        Response refused = problem(request, 416, "The requested range is not within the image.");
        refused.with("Content-Range", range.content_range);
        co_return refused;
    }
    Response response;
    response.status = range.status;
    response.with("Content-Type", "application/octet-stream").with("Accept-Ranges", "bytes");
    if (offer.face.checksum) response.with("Content-MD5", *offer.face.checksum);
    if (range.status == 206) response.with("Content-Range", range.content_range);
    if (request.method() == "HEAD") {
        response.head_bytes = range.length;
        co_return response;
    }
    response.stream_bytes = range.length;
    if (range.length > 0) {
        const ByteRange wanted{range.first, range.length};
        SLIPWAY_CO_TRY(response.stream, co_await data_.open(request.caller, offer, wanted));
    }
    co_return response;
}

}  // namespace slipway::http::api
