#include "app/application.h"

#include "app/stores.h"
#include "auth/identity_service.h"
#include "auth/keystone.h"
#include "auth/limits.h"
#include "auth/nova_flavors.h"
#include "base/async.h"
#include "base/log.h"
#include "http/api/cache.h"
#include "http/api/front.h"
#include "http/api/image_data.h"
#include "http/api/images.h"
#include "http/api/imports.h"
#include "http/api/info.h"
#include "http/api/members.h"
#include "http/api/metadefs.h"
#include "http/api/openapi.h"
#include "http/api/slipway.h"
#include "http/api/tasks.h"
#include "http/cors.h"
#include "http/dispatch.h"
#include "net/guarded_fetch.h"
#include "service/activation.h"
#include "service/cache_service.h"
#include "service/clone_service.h"
#include "service/collector.h"
#include "service/copy_service.h"
#include "service/glance_download.h"
#include "service/image_data_service.h"
#include "service/image_service.h"
#include "service/import_service.h"
#include "service/key_manager.h"
#include "service/location_service.h"
#include "service/member_service.h"
#include "service/metadef_service.h"
#include "service/object_service.h"
#include "service/seed_service.h"
#include "service/store_service.h"
#include "service/task_runner.h"
#include "service/web_download.h"
#include "store/catalog.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <csignal>
#include <thread>

namespace slipway::app {

namespace {

constexpr std::chrono::seconds kRenewEvery{10};  // a third of the catalogue's lease
constexpr std::chrono::seconds kEndLimit{
    10};  // for what must still be written when all else has ended

service::DataRules data_rules(const Config& config) {
    const ImageRules& rules = config.images;
    service::DataRules data;
    data.image_size_cap = static_cast<std::int64_t>(rules.size_cap_bytes);
    if (rules.project_quota_bytes > 0)
        data.user_storage_quota = static_cast<std::int64_t>(rules.project_quota_bytes);
    data.hashing_algorithm = rules.hashing_algorithm;
    data.formats = rules.formats;
    return data;
}

service::LocationRules location_rules(const Config& config) {
    const service::DataRules data = data_rules(config);
    service::LocationRules rules;
    rules.show_multiple_locations = config.api.locations.users_locations;
    rules.do_secure_hash = config.images.do_secure_hash;
    rules.http_retries = config.images.http_retries;
    rules.hashing_algorithm = data.hashing_algorithm;
    rules.formats = data.formats;
    rules.most_locations = config.images.location_quota;
    return rules;
}

// Asks the policy of `config`, which must outlive it.
service::PropertyProtections property_protections(const Config& config) {
    service::PropertyProtections::ByPolicy by_policy;
    if (config.protection.by_policy)
        by_policy = [&policy = config.policy](const std::string& rule, const Identity& identity) {
            return policy.allows(rule, identity);
        };
    return {config.protection.rules, std::move(by_policy)};
}

std::vector<BackendInfo> store_infos(const store::BackendSet& backends) {
    std::vector<BackendInfo> infos;
    for (const auto& backend : backends.all()) infos.push_back(backend->info());
    return infos;
}

std::vector<service::ImportMethod> import_methods(
    const Config& config, const store::BackendSet& backends
) {
    std::vector<service::ImportMethod> methods = config.imports.methods;
    if (!backends.multi_store()) std::erase(methods, service::ImportMethod::copy_image);
    return methods;
}

std::vector<std::string> words_of(const std::vector<service::ImportMethod>& methods) {
    std::vector<std::string> words;
    for (const service::ImportMethod method : methods) words.emplace_back(to_string(method));
    return words;
}

std::vector<std::string> store_ids(const store::BackendSet& backends) {
    std::vector<std::string> ids;
    if (!backends.multi_store()) return ids;
    for (const auto& backend : backends.all()) ids.push_back(backend->info().id.str());
    return ids;
}

}  // namespace

// An account of ours at Keystone, and the way there.
struct Cloud {
    Cloud(const asio::any_io_executor& executor, const CloudAccount& account)
        : http(executor, {.connect_timeout = account.connect_timeout}),
          wire(http, account.trust),
          session(wire, account.account) {}

    net::HttpClient http;
    auth::HttpRestClient wire;
    auth::ServiceSession session;
};

// In the order in which they need each other; destroyed the other way round.
struct Application::Parts {
    explicit Parts(const Config& c)
        : config(c),
          schema(config.images.disk_formats, config.images.container_formats, config.schema),
          io(static_cast<int>(config.process.io_threads)),
          pool(config.process.blocking_threads),
          outside(io.get_executor(), {}),
          fetch(outside, config.fetch_filter),
          background(io.get_executor()),
          tasks(io.get_executor()) {}

    Config config;
    SystemClock clock;
    ImageSchema schema;
    std::string server_id = new_uuid();
    asio::io_context io;
    BlockingPool pool;
    net::HttpClient outside;  // connections to what clients name
    net::GuardedFetch fetch;
    std::unique_ptr<store::Catalog> catalog;
    std::unique_ptr<Stores> storage;
    store::BackendSet* backends = nullptr;  // of `storage`
    TaskGroup background;                   // loops, and records of finished transfers
    TaskGroup tasks;                        // clones
    service::Transfers transfers;
    std::unique_ptr<Cloud> cloud;  // with keystone
    std::unique_ptr<auth::IdentityService> identity;
    net::HttpClient key_client{io.get_executor(), {}};
    service::KeyManager keys{key_client, config.key_manager, [this](const Call& call) {
                                 return key_manager_endpoint(call);
                             }};
    service::PropertyProtections protections = property_protections(config);
    std::unique_ptr<Cloud> limits_cloud;  // with use_keystone_limits
    std::unique_ptr<auth::Limits> limits;
    std::unique_ptr<service::UsageService> usage;
    std::unique_ptr<auth::NovaFlavors> flavors;  // with keystone
    std::unique_ptr<service::Collector> collector;
    std::unique_ptr<service::TaskRunner> runner;
    std::unique_ptr<service::ImageService> images;
    std::unique_ptr<service::ImageDataService> data;
    std::unique_ptr<service::MemberService> members;
    std::unique_ptr<service::MetadefService> metadefs;
    std::unique_ptr<service::CloneService> clones;
    std::unique_ptr<service::StoreService> stores;
    std::unique_ptr<service::DiskImporter> importer;
    std::unique_ptr<service::BootFormMaker> boot_forms;
    std::unique_ptr<service::SeedService> seeds;
    std::unique_ptr<service::CopyService> copies;
    std::unique_ptr<service::Activation> activation;
    std::unique_ptr<service::ImportPlugins> plugins;
    std::unique_ptr<service::WebDownload> web_download;
    std::unique_ptr<service::GlanceDownload> glance_download;  // with keystone
    std::unique_ptr<service::ImportService> imports;
    std::unique_ptr<service::ObjectService> objects;
    std::unique_ptr<service::LocationService> locations;
    std::unique_ptr<service::CacheService> cache;
    std::unique_ptr<http::api::ImagesApi> images_api;
    std::unique_ptr<http::api::ImageDataApi> data_api;
    std::unique_ptr<http::api::MembersApi> members_api;
    std::unique_ptr<http::api::MetadefsApi> metadefs_api;
    std::unique_ptr<http::api::InfoApi> info_api;
    std::unique_ptr<http::api::SlipwayApi> slipway_api;
    std::unique_ptr<http::api::ImportsApi> imports_api;
    std::unique_ptr<http::api::TasksApi> tasks_api;
    std::unique_ptr<http::api::CacheApi> cache_api;
    http::Router router;
    std::atomic<bool> draining = false;
    std::unique_ptr<http::api::Front> front;
    std::unique_ptr<http::Server> server;
    std::vector<std::uint16_t> ports;
    Wakeup stop_asked;

    // Runs `operation` on the event loop, which nobody else runs yet or any more.
    template <class T>
    Result<T> run_now(awaitable<Result<T>> operation) {
        auto future = asio::co_spawn(io, std::move(operation), asio::use_future);
        io.restart();
        while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io.run_one();
        return future.get();
    }

    void build_identity();
    awaitable<Result<std::string>> image_endpoint(
        std::string region, std::string interface, Call call
    );
    awaitable<Result<std::string>> key_manager_endpoint(Call call);
    void build_services();
    awaitable<Result<ProjectLimits>> project_limits(std::string project, Call call);
    void handle_tasks();
    void build_api();
    Result<void> listen();
    awaitable<void> renew_lease();
    awaitable<void> supervise();
    awaitable<void> shut_down();
};

void Application::Parts::build_identity() {
    if (!config.auth.keystone) {
        identity = std::make_unique<auth::NoIdentityService>();
        return;
    }
    cloud = std::make_unique<Cloud>(io.get_executor(), config.auth.account);
    identity =
        std::make_unique<auth::KeystoneIdentityService>(cloud->session, clock, config.auth.options);
}

// Of another region, for a coroutine that has arguments of its own.
awaitable<Result<std::string>> Application::Parts::image_endpoint(
    std::string region, std::string interface, Call call
) {
    co_return co_await cloud->session.endpoint_in("image", region, interface, call);
}

awaitable<Result<std::string>> Application::Parts::key_manager_endpoint(Call call) {
    if (!cloud) co_return Error(Errc::not_found, "There is no catalogue of services.");
    co_return co_await cloud->session.endpoint("key-manager", call);
}

void Application::Parts::build_services() {
    using namespace service;
    const Policy& policy = config.policy;
    auto executor = io.get_executor();
    collector = std::make_unique<Collector>(*catalog, *backends, transfers);
    runner = std::make_unique<TaskRunner>(TaskRunner::Dependencies{*catalog, tasks, server_id});
    LimitsOf limits_of;
    if (config.limits.keystone) {
        limits_cloud = std::make_unique<Cloud>(executor, config.limits.account);
        limits = std::make_unique<auth::Limits>(limits_cloud->session, config.limits.endpoint);
        limits_of = [this](const std::string& project, const Call& call) {
            return project_limits(project, call);
        };
    }
    usage = std::make_unique<UsageService>(*catalog, limits_of);
    const service::LocationVisibility visibility{
        config.api.locations.services,
        config.api.locations.users_locations,
        config.api.locations.users_direct_url,
        config.api.locations.full_answer_to_services};
    auto on_deleted = [this](const ImageId& id) {
        transfers.stop_uploads(id);
        collector->notify();
    };
    images = std::make_unique<ImageService>(ImageService::Dependencies{
        *catalog,
        *backends,
        policy,
        schema,
        visibility,
        on_deleted,
        &protections,
        &keys,
        limits_of,
        config.sites});
    auto on_garbage = [this] { collector->notify(); };
    auto seed = [this](const Image& image, const Location& disk, const Call& call) {
        return seeds->seed_before_active(image, disk, call);
    };
    importer = std::make_unique<DiskImporter>(DiskImporter::Dependencies{
        *catalog, *backends, pool, server_id, seed});
    boot_forms = std::make_unique<BootFormMaker>(BootFormMaker::Dependencies{
        *catalog, *backends, pool, *importer, server_id, [this] { runner->notify(); }});
    std::function<awaitable<Result<std::vector<std::uint64_t>>>(const Call&)> flavor_sizes;
    if (cloud) {
        flavors = std::make_unique<auth::NovaFlavors>(cloud->session, config.ingest.nova_endpoint);
        flavor_sizes = [this](const Call& call) { return flavors->root_disks(call); };
    }
    seeds = std::make_unique<SeedService>(SeedService::Dependencies{
        *catalog, *backends, policy, *runner, config.ingest.seeds, flavor_sizes});
    copies = std::make_unique<CopyService>(CopyService::Dependencies{
        *catalog,
        *backends,
        policy,
        *runner,
        pool,
        server_id,
        on_garbage,
        [this](const Image& image, const Location& copy, const Call& call) {
            return boot_forms->follow_copy(image, copy, call);
        }});
    activation = std::make_unique<Activation>(Activation::Dependencies{
        *catalog,
        transfers,
        *boot_forms,
        *importer,
        config.ingest.wait_for_boot_form,
        on_garbage,
        seed,
        [this](const ImageId& id, const Call& call) { return copies->copy_by_policy(id, call); }});
    data = std::make_unique<ImageDataService>(ImageDataService::Dependencies{
        *catalog,
        *backends,
        policy,
        transfers,
        pool,
        background,
        server_id,
        data_rules(config),
        on_garbage,
        *activation,
        &keys,
        limits_of});
    plugins = std::make_unique<ImportPlugins>(*backends, *data, config.imports.plugins);
    web_download = std::make_unique<WebDownload>(fetch);
    std::map<ImportMethod, ImportFetcher*> fetchers{
        {ImportMethod::web_download, web_download.get()}};
    if (cloud) {
        auto find_endpoint = [this](std::string region, std::string interface, const Call& call) {
            return image_endpoint(std::move(region), std::move(interface), call);
        };
        glance_download = std::make_unique<GlanceDownload>(GlanceDownload::Dependencies{
            outside,
            config.fetch_filter,
            config.auth.account.trust,
            find_endpoint,
            config.imports.region_properties,
            server_id});
        fetchers[ImportMethod::glance_download] = glance_download.get();
    }
    imports = std::make_unique<ImportService>(ImportService::Dependencies{
        *catalog,
        *backends,
        policy,
        *runner,
        *data,
        *copies,
        *activation,
        *images,
        config.images.formats,
        on_garbage,
        std::move(fetchers),
        plugins.get()});
    objects = std::make_unique<ObjectService>(ObjectService::Dependencies{
        *catalog, *backends, policy, *data, on_deleted});
    members = std::make_unique<MemberService>(*catalog, policy);
    metadefs = std::make_unique<MetadefService>(catalog->metadefs(), policy);
    clones = std::make_unique<CloneService>(CloneService::Dependencies{
        *catalog, *backends, policy, *runner});
    stores = std::make_unique<StoreService>(*catalog, *backends, policy);
    locations = std::make_unique<LocationService>(LocationService::Dependencies{
        *catalog,
        *backends,
        policy,
        *runner,
        pool,
        *images,
        *data,
        location_rules(config),
        on_garbage,
        config.sites});
    cache = std::make_unique<CacheService>(*catalog, policy, config.cache);
    handle_tasks();
}

// What Keystone says, which the catalogue keeps to from then on.
awaitable<Result<ProjectLimits>> Application::Parts::project_limits(
    std::string project, Call call
) {
    SLIPWAY_CO_TRY(const ProjectLimits found, co_await limits->of(project, call));
    SLIPWAY_CO_CHECK(co_await catalog->limit_project(project, found));
    co_return found;
}

void Application::Parts::handle_tasks() {
    using Progress = store::CloneProgress;
    runner->handle(
        TaskKind::clone,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return clones->run(task, progress, call);
        }
    );
    runner->handle(
        TaskKind::boot_form,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return boot_forms->run(task, progress, call);
        }
    );
    runner->handle(
        TaskKind::seed,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return seeds->run_task(task, progress, call);
        }
    );
    const auto copy = [this](const TaskRecord& task, Progress& progress, const Call& call) {
        return copies->run_task(task, progress, call);
    };
    runner->handle(TaskKind::copy, copy);
    runner->handle(TaskKind::evacuate, copy);
    runner->handle(
        TaskKind::location_import,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return locations->run(task, progress, call);
        }
    );
    runner->handle(
        TaskKind::import,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return imports->run(task, progress, call);
        }
    );
}

void Application::Parts::build_api() {
    using namespace http::api;
    const service::Policy& policy = config.policy;
    const json::Limits& json = config.api.json;
    const PublicUrl public_url{config.api.public_endpoint, config.api.believe_proxy_headers};
    const auto methods = import_methods(config, *backends);
    images_api = std::make_unique<ImagesApi>(
        *images,
        *locations,
        schema,
        ImagesApi::Options{
            {config.api.list_default, config.api.list_max},
            json,
            public_url,
            store_ids(*backends),
            words_of(methods)}
    );
    data_api = std::make_unique<ImageDataApi>(*data, *cache);
    members_api = std::make_unique<MembersApi>(*members, json);
    metadefs_api = std::make_unique<MetadefsApi>(
        *metadefs,
        MetadefsApi::Options{{config.api.list_default, config.api.list_max}, json, public_url}
    );
    info_api = std::make_unique<InfoApi>(
        schema, policy, store_infos(*backends), backends->multi_store(), words_of(methods), *usage
    );
    slipway_api = std::make_unique<SlipwayApi>(SlipwayApi::Dependencies{
        *clones,
        *images,
        *stores,
        *seeds,
        *copies,
        *objects,
        json,
        config.api.list_default,
        config.api.list_max});
    imports_api = std::make_unique<ImportsApi>(
        *imports, *data, *copies, ImportsApi::Options{methods, backends->multi_store(), json}
    );
    tasks_api = std::make_unique<TasksApi>(
        *imports,
        schema,
        TasksApi::Options{config.api.list_default, config.api.list_max, json, public_url}
    );
    images_api->add_routes(router);
    data_api->add_routes(router);
    members_api->add_routes(router);
    metadefs_api->add_routes(router);
    info_api->add_routes(router);
    add_openapi_route(router);
    slipway_api->add_routes(router);
    imports_api->add_routes(router);
    tasks_api->add_routes(router);
    cache_api = std::make_unique<CacheApi>(*cache);
    cache_api->add_routes(router);
    front = std::make_unique<Front>(Front::Parts{
        HealthCheck(config.api.health, [this] { return draining.load(); }),
        Versions(backends->multi_store(), config.cache.enabled, public_url),
        *identity,
        config.policy,
        router,
        config.api.face_by_token,
        config.api.face_by_listener,
        public_url});
}

Result<void> Application::Parts::listen() {
    http::Handler handler = [this](http::Request& request) { return front->handle(request); };
    if (!config.api.cors.empty()) handler = http::with_cors(config.api.cors, std::move(handler));
    server = std::make_unique<http::Server>(
        io.get_executor(),
        config.http,
        http::with_request_id(
            http::with_access_log(std::move(handler)), config.api.longest_request_id
        )
    );
    for (const http::ListenerOptions& listener : config.listeners) {
        SLIPWAY_TRY(const std::uint16_t port, server->listen(listener));
        ports.push_back(port);
        log::info(
            {},
            "server.listen.done",
            {{"address", listener.address},
             {"port", port},
             {"for", listener.kind == http::Listener::services ? "services" : "users"},
             {"tls", !listener.tls.certificate_file.empty()}}
        );
    }
    return {};
}

awaitable<void> Application::Parts::renew_lease() {
    while (true) {
        co_await sleep_for(kRenewEvery);
        const auto renewed = co_await catalog->renew_server(server_id);
        if (renewed) continue;
        log::error({}, "server.lease.failed", {{"error", renewed.error().message}});
        if (renewed.error().code == Errc::conflict) stop_asked.notify();
    }
}

awaitable<void> Application::Parts::shut_down() {
    log::info({}, "server.stop.started", {{"connections", server->connections()}});
    draining = true;
    co_await sleep_for(config.process.drain);
    server->stop_accepting();
    const Deadline deadline = after(config.process.shutdown_grace);
    if (!co_await server->drain(deadline)) log::warning({}, "server.stop.cut_connections");
    // Tasks go on from their checkpoints in the next process; nobody waits for them here.
    tasks.cancel(asio::cancellation_type::terminal);
    background.cancel(asio::cancellation_type::terminal);
    co_await tasks.wait(after(kEndLimit));
    co_await background.wait(after(kEndLimit));
    const auto ended = co_await catalog->end_server(server_id);
    if (!ended) log::warning({}, "server.stop.unrecorded", {{"error", ended.error().message}});
    co_await storage->close();
    log::info({}, "server.stop.done");
    io.stop();
}

awaitable<void> Application::Parts::supervise() {
    co_await stop_asked.wait(std::chrono::hours(24 * 365 * 100));
    co_await shut_down();
}

Application::Application(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Application::~Application() = default;

Result<std::unique_ptr<Application>> Application::create(const Config& config) {
    for (const std::string& warning : config.warnings)
        log::warning({}, "config.warning", {{"text", warning}});
    auto parts = std::make_unique<Parts>(config);
    store::CatalogOptions catalog = config.database.catalog_options();
    catalog.task_time_to_live = config.imports.task_time_to_live;
    SLIPWAY_TRY(parts->catalog, store::Catalog::open(catalog, parts->clock));
    SLIPWAY_TRY(parts->storage, Stores::create(config, parts->io.get_executor(), parts->pool));
    parts->backends = &parts->storage->backends();
    SLIPWAY_CHECK(parts->run_now(parts->catalog->begin_server(parts->server_id)));
    parts->build_identity();
    parts->build_services();
    parts->build_api();
    SLIPWAY_CHECK(parts->listen());
    return std::unique_ptr<Application>(new Application(std::move(parts)));
}

const std::vector<std::uint16_t>& Application::ports() const {
    return parts_->ports;
}

std::vector<std::string> Application::routes() const {
    std::vector<std::string> lines;
    for (const http::Route* route : parts_->router.routes())
        lines.push_back(route->method + " " + route->path);
    return lines;
}

void Application::stop() {
    parts_->stop_asked.notify();
}

void Application::run() {
    Parts& parts = *parts_;
    asio::signal_set signals(parts.io, SIGTERM, SIGINT);
    signals.async_wait([&](const boost::system::error_code& error, int) {
        if (error) return;
        stop();
        signals.async_wait([&](const boost::system::error_code& again, int) {
            if (!again) parts.io.stop();
        });
    });
    parts.background.spawn("collector", [&] { return parts.collector->run(); });
    parts.background.spawn("task runner", [&] { return parts.runner->run(); });
    parts.background.spawn("seeds", [&] { return parts.seeds->run(); });
    parts.storage->keep_alive(parts.background);
    parts.background.spawn("lease", [&] { return parts.renew_lease(); });
    asio::co_spawn(parts.io, parts.supervise(), [&](std::exception_ptr thrown) {
        if (!thrown) return;
        parts.io.stop();  // nobody else would
        std::rethrow_exception(thrown);
    });
    parts.server->start();
    log::info({}, "server.start.done", {{"server", parts.server_id}});

    parts.io.restart();
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < parts.config.process.io_threads; ++i)
        threads.emplace_back([&] { run_to_end(parts.io); });
    run_to_end(parts.io);
    threads.clear();
    parts.pool.join();
}

}  // namespace slipway::app
