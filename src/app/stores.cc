#include "app/stores.h"

#include "store/datastore_backend.h"
#include "store/local_backend.h"
#include "vsphere/client.h"

namespace slipway::app {

// A vCenter and the store on its datastores.
struct Stores::Session {
    std::unique_ptr<vsphere::VimClient> client;
    store::DatastoreBackend* backend = nullptr;  // owned by the set
};

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

vsphere::VimClientOptions client_options(const VsphereStoreConfig& config) {
    vsphere::VimClientOptions options;
    options.server.host = config.host;
    options.server.port = config.port;
    options.username = config.username;
    options.password = config.password;
    options.trust = config.trust;
    options.retry.attempts = config.retries;
    return options;
}

store::DatastoreBackendOptions backend_options(
    const StoreConfig& store, const VsphereStoreConfig& config
) {
    store::DatastoreBackendOptions options;
    options.id = store.id;
    options.description = store.description;
    options.weight = store.weight;
    options.is_default = store.is_default;
    options.boot_form = store.boot_form;
    for (const VsphereDatastore& datastore : config.datastores)
        options.datastores.push_back({datastore.datacenter, datastore.name, datastore.weight});
    options.store_dir = config.image_directory;
    options.published_host = config.host;
    for (const CloneTargetRule& rule : config.clone_targets)
        options.clone_targets.push_back(
            rule.datacenter + "/" + (rule.datastore.empty() ? "*" : rule.datastore) + "/*"
        );
    options.copies_per_datastore = config.clones_per_datastore;
    options.copies_per_host = config.clones_per_host;
    options.files.direct_to_host = config.direct_transfer;
    options.files.esx_port = config.esx_port;
    return options;
}

}  // namespace

Stores::Stores() = default;
Stores::~Stores() = default;

Result<std::unique_ptr<store::Backend>> Stores::make_vsphere_store(
    const StoreConfig& config, const VsphereStoreConfig& vsphere, asio::any_io_executor executor
) {
    auto session = std::make_unique<Session>();
    session->client = std::make_unique<vsphere::VimClient>(executor, client_options(vsphere));
    SLIPWAY_TRY(
        auto backend,
        store::DatastoreBackend::create(
            executor, backend_options(config, vsphere), *session->client
        )
    );
    session->backend = backend.get();
    sessions_.push_back(std::move(session));
    return std::unique_ptr<store::Backend>(std::move(backend));
}

Result<std::unique_ptr<Stores>> Stores::create(
    const Config& config, asio::any_io_executor executor, BlockingPool& pool
) {
    std::unique_ptr<Stores> stores(new Stores());
    std::vector<std::unique_ptr<store::Backend>> backends;
    for (const StoreConfig& store : config.stores) {
        const auto* files = std::get_if<FileStoreConfig>(&store.backend);
        auto backend = files != nullptr
                           ? make_file_store(store, *files, pool)
                           : stores->make_vsphere_store(
                                 store, std::get<VsphereStoreConfig>(store.backend), executor
                             );
        if (!backend) return backend.error().while_doing("store " + store.id.str());
        backends.push_back(std::move(*backend));
    }
    stores->backends_ =
        std::make_unique<store::BackendSet>(std::move(backends), config.multi_store);
    return stores;
}

void Stores::keep_alive(TaskGroup& group) {
    for (const auto& session : sessions_)
        group.spawn("vCenter session", [client = session->client.get()] {
            return client->keep_alive();
        });
}

awaitable<void> Stores::close() {
    for (const auto& session : sessions_) {
        co_await session->backend->close();
        const Call call{"shutdown", after(std::chrono::seconds(10))};
        co_await session->client->close(call);
    }
}

}  // namespace slipway::app
