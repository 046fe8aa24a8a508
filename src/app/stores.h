#pragma once

#include "app/config.h"
#include "base/async.h"
#include "store/backend_set.h"
#include "store/trial_ground.h"

#include <memory>

namespace slipway::app {

// The configuration of one store in the folders of a trial.
struct TrialConfig {
    Config config;     // with this store only
    std::string name;  // of the trial
    StoreConfig original;
    std::vector<store::TrialTarget> targets;  // besides the store's own datastores
};

// Errors: not_found when no store has that name.
Result<TrialConfig> trial_config(Config config, const std::string& store);

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

    // For stores that were created from a trial_config(): where the trial happens.
    [[nodiscard]] std::unique_ptr<store::TrialGround> trial_ground(
        const TrialConfig& trial, BlockingPool& pool
    );

    // Keeps the sessions alive, in `group`.
    void keep_alive(TaskGroup& group);
    // Ends running uploads and logs out, while the event loop still runs.
    awaitable<void> close();

private:
    struct Session;
    struct Web;

    Stores();
    Result<std::unique_ptr<store::Backend>> make_vsphere_store(
        const StoreConfig& config, const VsphereStoreConfig& vsphere, asio::any_io_executor executor
    );

    std::unique_ptr<store::Backend> make_http_store(
        const StoreConfig& config,
        const HttpStoreConfig& http,
        const net::FetchFilter& filter,
        asio::any_io_executor executor
    );
    Result<std::unique_ptr<store::Backend>> make_store(
        const StoreConfig& config,
        const net::FetchFilter& filter,
        asio::any_io_executor executor,
        BlockingPool& pool
    );

    std::vector<std::unique_ptr<Session>> sessions_;
    std::vector<std::unique_ptr<Web>> webs_;
    std::unique_ptr<store::BackendSet> backends_;
};

}  // namespace slipway::app
