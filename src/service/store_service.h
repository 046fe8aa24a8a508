#pragma once

#include "base/awaitable.h"
#include "model/caller.h"
#include "model/store_info.h"
#include "service/policy.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

// A store and its datastores, as they are now.
struct StoreStatus {
    struct Datastore {
        DatastoreStatus now;
        std::uint64_t ours_bytes = 0;      // of files that the catalogue knows there
        std::uint64_t reserved_bytes = 0;  // announced by writers that are under way
    };

    BackendInfo info;
    std::vector<Datastore> datastores;
    std::optional<std::string> error;  // why they could not be asked
};

class StoreService {
public:
    StoreService(store::Catalog& catalog, store::BackendSet& backends, const Policy& policy)
        : catalog_(catalog), backends_(backends), policy_(policy) {}

    // Errors: forbidden.
    awaitable<Result<std::vector<StoreStatus>>> list(const Caller& caller);

private:
    store::Catalog& catalog_;
    store::BackendSet& backends_;
    const Policy& policy_;
};

}  // namespace slipway::service
