#pragma once

#include "app/config.h"
#include "base/async.h"
#include "store/backend_set.h"

#include <memory>

namespace slipway::app {

// The configured stores, with the sessions that they need.
class Stores {
public:
    // Nothing is connected yet: a store that can not be reached does not keep the server from
    // starting. Errors: invalid_argument for a folder or a name that can not be used.
    static Result<std::unique_ptr<Stores>> create(
        const Config& config, asio::any_io_executor executor, BlockingPool& pool
    );
    ~Stores();

    [[nodiscard]] store::BackendSet& backends() { return *backends_; }

    // Keeps the sessions alive, in `group`.
    void keep_alive(TaskGroup& group);
    // Ends running uploads and logs out, while the event loop still runs.
    awaitable<void> close();

private:
    struct Session;

    Stores();
    Result<std::unique_ptr<store::Backend>> make_vsphere_store(
        const StoreConfig& config, const VsphereStoreConfig& vsphere, asio::any_io_executor executor
    );

    std::vector<std::unique_ptr<Session>> sessions_;
    std::unique_ptr<store::BackendSet> backends_;
};

}  // namespace slipway::app
