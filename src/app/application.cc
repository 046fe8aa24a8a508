#include "app/application.h"

#include "app/application_parts.h"
#include "base/log.h"
#include "base/loops.h"
#include "http/cors.h"
#include "http/dispatch.h"

#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <thread>

namespace slipway::app {

namespace {

constexpr std::chrono::seconds kRenewEvery{10};  // a third of the catalogue's lease
constexpr std::chrono::seconds kEndLimit{
    10};  // for what must still be written when all else has ended

}  // namespace

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

awaitable<Result<void>> Application::Parts::claim_stores() {
    const Call call{"start"};
    SLIPWAY_CO_TRY(const std::string id, co_await catalog->catalog_id());
    for (const auto& backend : backends->all()) {
        const BackendId name = backend->info().id;
        const auto held = [this, &name] { return catalog->locations_of(name); };
        const auto claimed = co_await backend->claim(id, held, call);
        if (!claimed) co_return claimed.error().while_doing("store " + name.str());
    }
    co_return Result<void>();
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
    SLIPWAY_CHECK(parts->run_now(parts->claim_stores()));
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
    keep_running(parts.background, "collector", [&] { return parts.collector->run(); });
    keep_running(parts.background, "task runner", [&] { return parts.runner->run(); });
    keep_running(parts.background, "seeds", [&] { return parts.seeds->run(); });
    parts.storage->keep_alive(parts.background);
    keep_running(parts.background, "lease", [&] { return parts.renew_lease(); });
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
