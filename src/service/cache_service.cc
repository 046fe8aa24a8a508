#include "service/cache_service.h"

#include "base/log.h"

namespace slipway::service {

Result<void> CacheService::admit(Action action, const Caller& caller) const {
    SLIPWAY_CHECK(policy_.authorize(action, caller.identity, {}));
    if (rules_.enabled) return {};
    return Error(Errc::not_found, "There is no image cache: image_cache_dir is not set.");
}

awaitable<Result<std::vector<CachedImage>>> CacheService::list(const Caller& caller) {
    SLIPWAY_CO_CHECK(admit(Action::cache_list, caller));
    co_return co_await catalog_.cached_images(rules_.node);
}

awaitable<Result<void>> CacheService::cache(const Caller& caller, const ImageId& id) {
    SLIPWAY_CO_CHECK(admit(Action::cache_image, caller));
    SLIPWAY_CO_TRY(const Image image, co_await catalog_.find_image(id));
    if (image.status != ImageStatus::active)
        co_return Error(
            Errc::invalid_argument,
            "Only an active image can be cached, and this one is " +
                std::string(to_string(image.status)) + "."
        );
    co_return co_await catalog_.cache_image(rules_.node, id);
}

awaitable<Result<void>> CacheService::remove(const Caller& caller, const ImageId& id) {
    SLIPWAY_CO_CHECK(admit(Action::cache_delete, caller));
    SLIPWAY_CO_CHECK(co_await catalog_.find_image(id));
    co_return co_await catalog_.uncache_images(rules_.node, id);
}

awaitable<Result<void>> CacheService::clear(const Caller& caller, bool cached) {
    SLIPWAY_CO_CHECK(admit(Action::cache_delete, caller));
    if (!cached) co_return Result<void>();
    co_return co_await catalog_.uncache_images(rules_.node, std::nullopt);
}

// Nothing can stall or be invalid: an entry goes with its image.
awaitable<Result<void>> CacheService::clean(const Caller& caller) {
    co_return admit(Action::cache_clean, caller);
}

awaitable<Result<store::Catalog::Pruned>> CacheService::prune(const Caller& caller) {
    SLIPWAY_CO_CHECK(admit(Action::cache_prune, caller));
    co_return co_await catalog_.prune_cache(rules_.node, rules_.max_bytes);
}

awaitable<Result<std::vector<std::string>>> CacheService::nodes(
    const Caller& caller, const ImageId& id
) {
    SLIPWAY_CO_CHECK(admit(Action::list_cached_nodes, caller));
    if (!rules_.knows_nodes)
        co_return Error(
            Errc::conflict, "Nodes are known only with image_cache_driver = centralized_db."
        );
    SLIPWAY_CO_CHECK(co_await catalog_.find_image(id));
    co_return co_await catalog_.nodes_with_cached(id);
}

awaitable<void> CacheService::note_download(const ImageId& id, const Call& call) {
    if (!rules_.enabled) co_return;
    const auto counted = co_await catalog_.count_cache_hit(rules_.node, id);
    if (!counted)
        log::warning(
            call, "cache.hit.not_counted", {{"image", id.str()}, {"error", counted.error().message}}
        );
}

}  // namespace slipway::service
