#include "app/stores.h"

#include "base/loops.h"
#include "net/guarded_fetch.h"
#include "store/datastore_backend.h"
#include "store/datastore_ground.h"
#include "store/http_backend.h"
#include "store/local_backend.h"
#include "store/local_ground.h"
#include "vsphere/client.h"

#include <algorithm>

namespace slipway::app {

// A vCenter and the store on its datastores.
struct Stores::Session {
    std::unique_ptr<vsphere::VimClient> client;
    store::DatastoreBackend* backend = nullptr;  // owned by the set
};

// What a store of locations on web servers fetches by.
struct Stores::Web {
    Web(asio::any_io_executor executor, const net::FetchFilter& filter, net::TlsTrust trust)
        : client(std::move(executor), {}), fetch(client, filter, std::move(trust)) {}

    net::HttpClient client;
    net::GuardedFetch fetch;
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
    options.copies = config.copies;
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
    options.copies = store.copies;
    for (const VsphereDatastore& datastore : config.datastores)
        options.datastores.push_back({datastore.datacenter, datastore.name, datastore.weight});
    options.store_dir = config.image_directory;
    options.published_host = config.host;
    for (const CloneTargetRule& rule : config.clone_targets)
        options.clone_targets.push_back(
            rule.datacenter + "/" + (rule.datastore.empty() ? "*" : rule.datastore) + "/*"
        );
    options.turns.per_datastore = config.clones_per_datastore;
    options.turns.per_host = config.clones_per_host;
    options.files.direct_to_host = config.direct_transfer;
    options.files.esx_port = config.esx_port;
    return options;
}

// Somebody waits for the answer.
constexpr int kTrialRetries = 2;

}  // namespace

Result<TrialConfig> trial_config(Config config, const std::string& store) {
    const auto found = std::ranges::find_if(config.stores, [&store](const StoreConfig& one) {
        return one.id.str() == store;
    });
    if (found == config.stores.end()) {
        std::string names;
        for (const StoreConfig& one : config.stores)
            names += (names.empty() ? "" : ", ") + one.id.str();
        return Error(
            Errc::not_found, "the configuration has no store " + store + "; it has " + names
        );
    }
    TrialConfig trial;
    trial.name = store::new_trial_name();
    trial.original = *found;
    StoreConfig tried = *found;
    tried.is_default = true;
    if (auto* files = std::get_if<FileStoreConfig>(&tried.backend)) {
        for (DataFolder& folder : files->folders) folder.path += '/' + trial.name;
    } else {
        auto& vsphere = std::get<VsphereStoreConfig>(tried.backend);
        vsphere.image_directory =
            store::DatastoreGround::objects_of(vsphere.image_directory + '_' + trial.name);
        vsphere.clone_targets.clear();  // the folder is the trial's own
        vsphere.retries = std::min(vsphere.retries, kTrialRetries);
    }
    config.stores = {std::move(tried)};
    trial.config = std::move(config);
    return trial;
}

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

std::unique_ptr<store::Backend> Stores::make_http_store(
    const StoreConfig& config,
    const HttpStoreConfig& http,
    const net::FetchFilter& filter,
    asio::any_io_executor executor
) {
    auto web = std::make_unique<Web>(std::move(executor), filter, http.trust);
    auto backend = std::make_unique<store::HttpBackend>(
        store::HttpBackendOptions{config.id, config.description, config.weight}, web->fetch
    );
    webs_.push_back(std::move(web));
    return backend;
}

Result<std::unique_ptr<store::Backend>> Stores::make_store(
    const StoreConfig& config,
    const net::FetchFilter& filter,
    asio::any_io_executor executor,
    BlockingPool& pool
) {
    if (const auto* files = std::get_if<FileStoreConfig>(&config.backend))
        return make_file_store(config, *files, pool);
    if (const auto* http = std::get_if<HttpStoreConfig>(&config.backend))
        return make_http_store(config, *http, filter, executor);
    return make_vsphere_store(config, std::get<VsphereStoreConfig>(config.backend), executor);
}

Result<std::unique_ptr<Stores>> Stores::create(
    const Config& config, asio::any_io_executor executor, BlockingPool& pool
) {
    std::unique_ptr<Stores> stores(new Stores());
    std::vector<std::unique_ptr<store::Backend>> backends;
    for (const StoreConfig& store : config.stores) {
        auto backend = stores->make_store(store, config.fetch_filter, executor, pool);
        if (!backend) return backend.error().while_doing("store " + store.id.str());
        backends.push_back(std::move(*backend));
    }
    stores->backends_ =
        std::make_unique<store::BackendSet>(std::move(backends), config.multi_store);
    return stores;
}

std::unique_ptr<store::TrialGround> Stores::trial_ground(
    const TrialConfig& trial, BlockingPool& pool
) {
    const StoreConfig& store = trial.original;
    if (const auto* files = std::get_if<FileStoreConfig>(&store.backend)) {
        store::LocalGroundOptions options;
        options.store = store.id;
        for (const DataFolder& folder : files->folders) options.folders.emplace_back(folder.path);
        options.clone_root = files->clone_root;
        options.name = trial.name;
        return std::make_unique<store::LocalGround>(pool, std::move(options));
    }
    const auto& vsphere = std::get<VsphereStoreConfig>(store.backend);
    auto backend = backend_options(store, vsphere);
    store::DatastoreGroundOptions options;
    options.datastores = std::move(backend.datastores);
    options.more = trial.targets;
    options.directory = vsphere.image_directory + '_' + trial.name;
    options.prefix = vsphere.image_directory + "_store-test.";
    options.files = backend.files;
    return std::make_unique<store::DatastoreGround>(*sessions_.front()->client, std::move(options));
}

void Stores::keep_alive(TaskGroup& group) {
    for (const auto& session : sessions_)
        keep_running(group, "vCenter session", [client = session->client.get()] {
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
