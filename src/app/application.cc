#include "app/application.h"

#include "app/stores.h"
#include "auth/identity_service.h"
#include "base/async.h"
#include "base/log.h"
#include "http/api/front.h"
#include "http/api/image_data.h"
#include "http/api/images.h"
#include "http/api/info.h"
#include "http/api/members.h"
#include "http/api/slipway.h"
#include "http/dispatch.h"
#include "service/clone_service.h"
#include "service/collector.h"
#include "service/image_data_service.h"
#include "service/image_service.h"
#include "service/member_service.h"
#include "service/store_service.h"
#include "service/task_runner.h"
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

service::DataRules data_rules(const ImageRules& rules) {
    service::DataRules data;
    data.image_size_cap = static_cast<std::int64_t>(rules.size_cap_bytes);
    if (rules.project_quota_bytes > 0)
        data.user_storage_quota = static_cast<std::int64_t>(rules.project_quota_bytes);
    data.hashing_algorithm = rules.hashing_algorithm;
    data.require_image_format_match = rules.require_format_match;
    return data;
}

std::vector<BackendInfo> store_infos(const store::BackendSet& backends) {
    std::vector<BackendInfo> infos;
    for (const auto& backend : backends.all()) infos.push_back(backend->info());
    return infos;
}

std::vector<std::string> store_ids(const store::BackendSet& backends) {
    std::vector<std::string> ids;
    if (!backends.multi_store()) return ids;
    for (const auto& backend : backends.all()) ids.push_back(backend->info().id.str());
    return ids;
}

}  // namespace

// In the order in which they need each other; destroyed the other way round.
struct Application::Parts {
    explicit Parts(const Config& c)
        : config(c),
          schema(config.images.disk_formats, config.images.container_formats),
          io(static_cast<int>(config.process.io_threads)),
          pool(config.process.blocking_threads),
          background(io.get_executor()),
          tasks(io.get_executor()) {}

    Config config;
    SystemClock clock;
    ImageSchema schema;
    std::string server_id = new_uuid();
    asio::io_context io;
    BlockingPool pool;
    std::unique_ptr<store::Catalog> catalog;
    std::unique_ptr<Stores> storage;
    store::BackendSet* backends = nullptr;  // of `storage`
    TaskGroup background;                   // loops, and records of finished transfers
    TaskGroup tasks;                        // clones
    service::Transfers transfers;
    auth::NoIdentityService identity;
    std::unique_ptr<service::Collector> collector;
    std::unique_ptr<service::TaskRunner> runner;
    std::unique_ptr<service::ImageService> images;
    std::unique_ptr<service::ImageDataService> data;
    std::unique_ptr<service::MemberService> members;
    std::unique_ptr<service::CloneService> clones;
    std::unique_ptr<service::StoreService> stores;
    std::unique_ptr<http::api::ImagesApi> images_api;
    std::unique_ptr<http::api::ImageDataApi> data_api;
    std::unique_ptr<http::api::MembersApi> members_api;
    std::unique_ptr<http::api::InfoApi> info_api;
    std::unique_ptr<http::api::SlipwayApi> slipway_api;
    http::Router router;
    std::atomic<bool> draining = false;
    std::unique_ptr<http::api::Front> front;
    std::unique_ptr<http::Server> server;
    std::vector<std::uint16_t> ports;
    std::unique_ptr<Wakeup> stop_asked = std::make_unique<Wakeup>(io.get_executor());

    // Runs `operation` on the event loop, which nobody else runs yet or any more.
    template <class T>
    Result<T> run_now(awaitable<Result<T>> operation) {
        auto future = asio::co_spawn(io, std::move(operation), asio::use_future);
        io.restart();
        while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io.run_one();
        return future.get();
    }

    void build_services();
    void build_api();
    Result<void> listen();
    awaitable<void> renew_lease();
    awaitable<void> supervise();
    awaitable<void> shut_down();
};

void Application::Parts::build_services() {
    using namespace service;
    auto executor = io.get_executor();
    collector = std::make_unique<Collector>(*catalog, *backends, transfers, executor);
    runner = std::make_unique<TaskRunner>(
        TaskRunner::Dependencies{*catalog, *backends, tasks, server_id}, executor
    );
    const service::LocationVisibility visibility{
        config.api.locations.services,
        config.api.locations.users_locations,
        config.api.locations.users_direct_url};
    auto on_deleted = [this](const ImageId& id) {
        transfers.stop_uploads(id);
        collector->notify();
    };
    images = std::make_unique<ImageService>(ImageService::Dependencies{
        *catalog, *backends, schema, visibility, on_deleted});
    data = std::make_unique<ImageDataService>(ImageDataService::Dependencies{
        *catalog,
        *backends,
        transfers,
        pool,
        background,
        server_id,
        data_rules(config.images),
        [this] { collector->notify(); }});
    members = std::make_unique<MemberService>(*catalog);
    clones = std::make_unique<CloneService>(*catalog, *backends, *runner);
    stores = std::make_unique<StoreService>(*backends);
}

void Application::Parts::build_api() {
    using namespace http::api;
    const json::Limits& json = config.api.json;
    const PublicUrl public_url{config.api.public_endpoint, config.api.believe_proxy_headers};
    images_api = std::make_unique<ImagesApi>(
        *images,
        schema,
        ImagesApi::Options{
            {config.api.list_default, config.api.list_max}, json, public_url, store_ids(*backends)}
    );
    data_api = std::make_unique<ImageDataApi>(*data);
    members_api = std::make_unique<MembersApi>(*members, json.bytes);
    info_api = std::make_unique<InfoApi>(schema, store_infos(*backends), backends->multi_store());
    slipway_api = std::make_unique<SlipwayApi>(SlipwayApi::Dependencies{
        *clones, *images, *stores, json.bytes, config.api.list_default, config.api.list_max});
    images_api->add_routes(router);
    data_api->add_routes(router);
    members_api->add_routes(router);
    info_api->add_routes(router);
    slipway_api->add_routes(router);
    front = std::make_unique<Front>(Front::Parts{
        HealthCheck(config.api.healthcheck_disable_file, [this] { return draining.load(); }),
        Versions(backends->multi_store(), public_url),
        identity,
        router,
        config.api.face_by_token,
        config.api.face_by_listener});
}

Result<void> Application::Parts::listen() {
    auto handler = [this](http::Request& request) { return front->handle(request); };
    server = std::make_unique<http::Server>(
        io.get_executor(), config.http, http::with_request_id(http::with_access_log(handler))
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
        if (renewed.error().code == Errc::conflict) stop_asked->notify();
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
    co_await stop_asked->wait(std::chrono::hours(24 * 365 * 100));
    co_await shut_down();
}

Application::Application(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Application::~Application() = default;

Result<std::unique_ptr<Application>> Application::create(const Config& config) {
    for (const std::string& warning : config.warnings)
        log::warning({}, "config.warning", {{"text", warning}});
    auto parts = std::make_unique<Parts>(config);
    SLIPWAY_TRY(
        parts->catalog, store::Catalog::open(config.database.catalog_options(), parts->clock)
    );
    SLIPWAY_TRY(parts->storage, Stores::create(config, parts->io.get_executor(), parts->pool));
    parts->backends = &parts->storage->backends();
    SLIPWAY_CHECK(parts->run_now(parts->catalog->begin_server(parts->server_id)));
    parts->build_services();
    parts->build_api();
    SLIPWAY_CHECK(parts->listen());
    return std::unique_ptr<Application>(new Application(std::move(parts)));
}

const std::vector<std::uint16_t>& Application::ports() const {
    return parts_->ports;
}

void Application::stop() {
    parts_->stop_asked->notify();
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
    parts.storage->keep_alive(parts.background);
    parts.background.spawn("lease", [&] { return parts.renew_lease(); });
    asio::co_spawn(parts.io, parts.supervise(), [](std::exception_ptr thrown) {
        if (thrown) std::rethrow_exception(thrown);
    });
    parts.server->start();
    log::info({}, "server.start.done", {{"server", parts.server_id}});

    parts.io.restart();
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < parts.config.process.io_threads; ++i)
        threads.emplace_back([&] { parts.io.run(); });
    parts.io.run();
    threads.clear();
    parts.pool.join();
}

}  // namespace slipway::app
