#include "service/store_service.h"

#include <algorithm>

namespace slipway::service {

namespace {

void count(std::vector<StoreStatus::Datastore>& datastores, const Location& location) {
    if (location.is_foreign() || datastores.empty()) return;
    // A folder that is alone goes without a name.
    auto at = datastores.begin();
    if (!location.datastore.empty())
        at = std::ranges::find(datastores, location.datastore, [](const auto& datastore) {
            return datastore.now.name;
        });
    if (at == datastores.end()) return;
    const bool is_under_way =
        location.state == LocationState::writing || location.state == LocationState::adding;
    (is_under_way ? at->reserved_bytes : at->ours_bytes) += location.stored_bytes;
}

}  // namespace

awaitable<Result<std::vector<StoreStatus>>> StoreService::list(const Caller& caller) {
    SLIPWAY_CO_CHECK(policy_.authorize(Action::slipway_stores, caller.identity, {}));
    std::vector<StoreStatus> all;
    for (const auto& backend : backends_.all()) {
        StoreStatus status;
        status.info = backend->info();
        auto datastores = co_await backend->datastores(caller.call);
        if (datastores) {
            for (DatastoreStatus& datastore : *datastores)
                status.datastores.push_back({std::move(datastore)});
            SLIPWAY_CO_TRY(const auto locations, co_await catalog_.locations_of(status.info.id));
            for (const Location& location : locations) count(status.datastores, location);
        } else {
            status.error = datastores.error().message;
        }
        all.push_back(std::move(status));
    }
    co_return all;
}

}  // namespace slipway::service
