#pragma once

#include "app/config.h"
#include "base/async.h"
#include "store/backend_set.h"

#include <memory>

namespace slipway::app {

// The configured stores. Nothing is connected yet: a store that can not be reached does not keep
// the server from starting. Errors: invalid_argument for a folder that can not be used.
Result<std::unique_ptr<store::BackendSet>> make_stores(
    const Config& config, asio::any_io_executor executor, BlockingPool& pool
);

// Logs out of the vCenters.
awaitable<void> close_stores(store::BackendSet& backends);

}  // namespace slipway::app
