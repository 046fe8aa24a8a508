#include "app/stores.h"

#include "store/local_backend.h"

namespace slipway::app {

namespace {

Result<std::unique_ptr<store::Backend>> make_file_store(
    const StoreConfig& config, const FileStoreConfig& files, BlockingPool& pool
) {
    store::LocalBackendOptions options;
    options.id = config.id;
    options.description = config.description;
    options.weight = config.weight;
    options.is_default = config.is_default;
    options.boot_form = config.boot_form;
    options.clone_root = files.clone_root;
    for (const DataFolder& folder : files.folders)
        options.directories.push_back({folder.path, folder.priority, files.publish_as});
    SLIPWAY_TRY(auto backend, store::LocalBackend::create(std::move(options), pool));
    return std::unique_ptr<store::Backend>(std::move(backend));
}

}  // namespace

Result<std::unique_ptr<store::BackendSet>> make_stores(
    const Config& config, asio::any_io_executor, BlockingPool& pool
) {
    std::vector<std::unique_ptr<store::Backend>> backends;
    for (const StoreConfig& store : config.stores) {
        if (const auto* files = std::get_if<FileStoreConfig>(&store.backend)) {
            SLIPWAY_TRY(auto backend, make_file_store(store, *files, pool));
            backends.push_back(std::move(backend));
        }
    }
    return std::make_unique<store::BackendSet>(std::move(backends), config.multi_store);
}

awaitable<void> close_stores(store::BackendSet&) { co_return; }

}  // namespace slipway::app
