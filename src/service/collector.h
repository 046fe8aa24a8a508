#pragma once

#include "base/async.h"
#include "service/transfers.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <memory>

namespace slipway::service {

// Removes from the datastores what the catalogue calls garbage: failed uploads and deleted images.
// Never gives up: what can not be removed now is tried again later. Each backend has its own round:
// one that does not answer holds up no other.
class Collector {
public:
    // The rounds run in `group`.
    Collector(
        store::Catalog& catalog, store::BackendSet& backends, Transfers& transfers, TaskGroup& group
    );

    // Runs until cancelled.
    awaitable<void> run();
    // There is something to collect.
    void notify() { wakeup_.notify(); }

    // One pass over all backends, one after another; returns how many locations are gone. For
    // tests.
    awaitable<Result<std::size_t>> collect_once();

private:
    // Unless there is one.
    void start_round(const BackendId& backend);
    awaitable<void> round(BackendId backend);
    awaitable<Result<std::size_t>> collect_batch(const BackendId& backend);
    awaitable<Result<bool>> collect(const Location& location);

    store::Catalog& catalog_;
    store::BackendSet& backends_;
    Transfers& transfers_;
    TaskGroup& group_;
    Wakeup wakeup_;
    struct InWork;
    std::shared_ptr<InWork> in_work_;  // also of the rounds, which may end later
};

}  // namespace slipway::service
