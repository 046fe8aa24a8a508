#include "http/api/image_data.h"

#include "base/text.h"
#include "http/api/images.h"
#include "http/problem.h"
#include "http/range.h"

#include <charconv>

namespace slipway::http::api {

Result<void> require_octet_stream(const Request& request) {
    if (media_type(request.header("Content-Type")) != "application/octet-stream")
        return Error(Errc::unsupported, "Image data must be sent as application/octet-stream.");
    if (!request.header("Content-Encoding").empty())
        return Error(Errc::unsupported, "Image data must be sent without a Content-Encoding.");
    return {};
}

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

namespace {

// ?prefer=a,b; empty names are skipped, several parameters are one list.
std::optional<std::vector<std::string>> preferred_stores(const Request& request) {
    std::optional<std::vector<std::string>> stores;
    for (const auto& [name, value] : request.query()) {
        if (name != "prefer") continue;
        if (!stores) stores.emplace();
        std::string_view rest = value;
        while (!rest.empty()) {
            const auto comma = std::min(rest.find(','), rest.size());
            const auto store = trimmed(rest.substr(0, comma));
            if (!store.empty()) stores->emplace_back(store);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return stores;
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
    SLIPWAY_CO_TRY(
        const auto offer, co_await data_.offer(request.caller, id, preferred_stores(request))
    );
    if (offer.locations.empty()) co_return no_content();

    SLIPWAY_CO_TRY(DataAnswer answer, data_answer(request, offer.size_bytes, offer.face.checksum));
    if (!answer.wanted) co_return std::move(answer.response);
    auto stream = co_await data_.open(request.caller, offer, *answer.wanted);
    if (!stream && stream.error().code == Errc::not_found) co_return no_content();
    if (!stream) co_return stream.error();
    answer.response.stream = std::move(*stream);
    if (answer.response.status == 200) co_await cache_.note_download(id, request.caller.call);
    co_return std::move(answer.response);
}

Result<DataAnswer> data_answer(
    const Request& request, std::uint64_t size_bytes, const std::optional<std::string>& checksum
) {
    const RangeOutcome range = decide_range(request, size_bytes);
    if (range.status == 400)
        return Error(Errc::invalid_argument, "Only one byte range can be asked for at a time.");
    DataAnswer answer;
    Response& response = answer.response;
    if (range.status == 416) {
        response = problem(request, 416, "The requested range is not within the image.");
        response.with("Content-Range", range.content_range);
        return answer;
    }
    response.status = range.status;
    response.with("Content-Type", "application/octet-stream").with("Accept-Ranges", "bytes");
    if (checksum) response.with("Content-MD5", *checksum);
    if (range.status == 206) response.with("Content-Range", range.content_range);
    if (request.method() == "HEAD") {
        response.head_bytes = range.length;
        return answer;
    }
    response.stream_bytes = range.length;
    if (range.length > 0) answer.wanted = ByteRange{range.first, range.length};
    return answer;
}

}  // namespace slipway::http::api
