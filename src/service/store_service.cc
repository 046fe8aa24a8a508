#include "service/store_service.h"

namespace slipway::service {

awaitable<Result<std::vector<StoreStatus>>> StoreService::list(const Caller& caller) {
    SLIPWAY_CO_CHECK(policy_.authorize(Action::slipway_stores, caller.identity, {}));
    std::vector<StoreStatus> all;
    for (const auto& backend : backends_.all()) {
        StoreStatus status;
        status.info = backend->info();
        auto datastores = co_await backend->datastores(caller.call);
        if (datastores)
            status.datastores = std::move(*datastores);
        else
            status.error = datastores.error().message;
        all.push_back(std::move(status));
    }
    co_return all;
}

}  // namespace slipway::service
