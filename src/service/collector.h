#pragma once

#include "base/async.h"
#include "service/transfers.h"
#include "store/backend_set.h"
#include "store/catalog.h"

namespace slipway::service {

// Removes from the datastores what the catalogue calls garbage: failed uploads and deleted images.
// Never gives up: what can not be removed now is tried again later.
class Collector {
public:
    Collector(store::Catalog& catalog, store::BackendSet& backends, Transfers& transfers);

    // Runs until cancelled.
    awaitable<void> run();
    // There is something to collect.
    void notify() { wakeup_.notify(); }

    // One pass; returns how many locations are gone. For run(), and for tests.
    awaitable<Result<std::size_t>> collect_once();

private:
    awaitable<Result<bool>> collect(const Location& location);

    store::Catalog& catalog_;
    store::BackendSet& backends_;
    Transfers& transfers_;
    Wakeup wakeup_;
};

}  // namespace slipway::service
