#include "http/api/cache.h"

#include "base/json.h"
#include "http/api/images.h"

namespace slipway::http::api {

namespace {

double seconds_of(Time time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

void CacheApi::add_routes(Router& router) {
    router.add("GET", "/v2/cache", BodyRule::refused, bind(this, &CacheApi::list));
    router.add("DELETE", "/v2/cache", BodyRule::ignored, bind(this, &CacheApi::clear));
    router.add("POST", "/v2/cache/clean", BodyRule::ignored, bind(this, &CacheApi::clean));
    router.add("POST", "/v2/cache/prune", BodyRule::ignored, bind(this, &CacheApi::prune));
    router.add(
        "GET", "/v2/cache/nodes/{image_id}", BodyRule::refused, bind(this, &CacheApi::nodes)
    );
    router.add("PUT", "/v2/cache/{image_id}", BodyRule::ignored, bind(this, &CacheApi::cache));
    router.add("DELETE", "/v2/cache/{image_id}", BodyRule::ignored, bind(this, &CacheApi::remove));
}

// {"cached_images": [{"image_id", "last_accessed", "last_modified", "hits", "size", "checksum",
// "id"}], "queued_images": []}
awaitable<Result<Response>> CacheApi::list(Request& request) {
    SLIPWAY_CO_TRY(const auto images, co_await cache_.list(request.caller));
    json::Writer writer;
    writer.begin_object().key("cached_images").begin_array();
    for (const CachedImage& image : images) {
        writer.begin_object().member("image_id", image.image.str());
        writer.key("last_accessed").number(seconds_of(image.last_accessed));
        writer.key("last_modified").number(seconds_of(image.cached_at));
        writer.member("hits", image.hits);
        writer.member("size", static_cast<std::int64_t>(image.size_bytes));
        writer.key("checksum").null().member("id", image.number).end_object();
    }
    writer.end_array().key("queued_images").begin_array().end_array().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> CacheApi::clear(Request& request) {
    const std::string_view target = request.header("x-image-cache-clear-target");
    const bool known = target.empty() || target == "cache" || target == "queue";
    SLIPWAY_CO_CHECK(co_await cache_.clear(request.caller, known && target != "queue"));
    if (!known)
        co_return Error(
            Errc::invalid_argument,
            "x-image-cache-clear-target must be cache or queue; leave it out for both."
        );
    co_return no_content();
}

awaitable<Result<Response>> CacheApi::cache(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_CHECK(co_await cache_.cache(request.caller, id));
    Response accepted;
    accepted.status = 202;
    co_return accepted;
}

awaitable<Result<Response>> CacheApi::remove(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_CHECK(co_await cache_.remove(request.caller, id));
    co_return no_content();
}

awaitable<Result<Response>> CacheApi::clean(Request& request) {
    SLIPWAY_CO_CHECK(co_await cache_.clean(request.caller));
    co_return Response();
}

awaitable<Result<Response>> CacheApi::prune(Request& request) {
    SLIPWAY_CO_TRY(const auto pruned, co_await cache_.prune(request.caller));
    json::Writer writer;
    writer.begin_object();
    writer.member("total_files_pruned", static_cast<std::int64_t>(pruned.images));
    writer.member("total_bytes_pruned", static_cast<std::int64_t>(pruned.bytes)).end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> CacheApi::nodes(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto nodes, co_await cache_.nodes(request.caller, id));
    json::Writer writer;
    writer.begin_array();
    for (const std::string& node : nodes) writer.string(node);
    writer.end_array();
    co_return json_response(200, writer.text());
}

}  // namespace slipway::http::api
