#pragma once

#include "base/awaitable.h"
#include "model/cached_image.h"
#include "model/caller.h"
#include "service/policy.h"
#include "store/catalog.h"

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::service {

struct CacheRules {
    bool enabled = false;
    std::string node;             // how this server is called
    std::uint64_t max_bytes = 0;  // of the images that prune() leaves
    bool knows_nodes = true;      // the register of all nodes may be asked
};

// The image cache of Glance, for those who manage one: a register of the images that count as
// cached, and of how often they were downloaded. There are no bytes in it, because the stores are
// near enough; so an image is cached as soon as it is asked for, and nothing is ever queued.
class CacheService {
public:
    CacheService(store::Catalog& catalog, const Policy& policy, CacheRules rules)
        : catalog_(catalog), policy_(policy), rules_(std::move(rules)) {}

    [[nodiscard]] bool enabled() const { return rules_.enabled; }

    // Errors of all: forbidden, then not_found where there is no cache.
    awaitable<Result<std::vector<CachedImage>>> list(const Caller& caller);
    // Errors: not_found, invalid_argument (not active).
    awaitable<Result<void>> cache(const Caller& caller, const ImageId& id);
    // Errors: not_found (no such image).
    awaitable<Result<void>> remove(const Caller& caller, const ImageId& id);
    // `cached`: else only the queue, which is empty.
    awaitable<Result<void>> clear(const Caller& caller, bool cached);
    awaitable<Result<void>> clean(const Caller& caller);
    awaitable<Result<store::Catalog::Pruned>> prune(const Caller& caller);
    // Errors: conflict where each node knows itself only; not_found.
    awaitable<Result<std::vector<std::string>>> nodes(const Caller& caller, const ImageId& id);

    // A whole image was downloaded. Does nothing without a cache.
    awaitable<void> note_download(const ImageId& id, const Call& call);

private:
    Result<void> admit(Action action, const Caller& caller) const;

    store::Catalog& catalog_;
    const Policy& policy_;
    CacheRules rules_;
};

}  // namespace slipway::service
