#pragma once

#include "base/awaitable.h"
#include "model/caller.h"
#include "model/store_info.h"
#include "service/policy.h"
#include "store/backend_set.h"

#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

// A store and its datastores, as they are now.
struct StoreStatus {
    BackendInfo info;
    std::vector<DatastoreStatus> datastores;
    std::optional<std::string> error;  // why they could not be asked
};

class StoreService {
public:
    StoreService(store::BackendSet& backends, const Policy& policy)
        : backends_(backends), policy_(policy) {}

    // Errors: forbidden.
    awaitable<Result<std::vector<StoreStatus>>> list(const Caller& caller);

private:
    store::BackendSet& backends_;
    const Policy& policy_;
};

}  // namespace slipway::service
