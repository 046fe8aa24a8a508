#include "http/server.h"

#include "base/log.h"
#include "http/connection.h"
#include "http/server_tls.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

namespace slipway::http {

namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;

// After the system refused to accept (no descriptors, no memory): clients wait in the backlog
// meanwhile.
constexpr std::chrono::milliseconds kAcceptPause{100};
constexpr std::chrono::seconds kUnwindTime{5};

Error cannot_listen(const ListenerOptions& options, const error_code& ec) {
    return {
        Errc::unavailable,
        "cannot listen on " + options.address + " port " + std::to_string(options.port) + ": " +
            ec.message()};
}

struct ListenSocket {
    ListenSocket(const asio::any_io_executor& executor, ConnectionContext shared)
        : acceptor(asio::make_strand(executor)), context(shared) {}

    tcp::acceptor acceptor;  // used on its strand
    Wakeup slot_free;
    ConnectionContext context;
    std::unique_ptr<asio::ssl::context> tls;  // null: plain
};

}  // namespace

struct Server::Impl : std::enable_shared_from_this<Server::Impl> {
    // Owned by the Server and by the tasks it spawned, which may end after it.
    Impl(asio::any_io_executor ex, ServerLimits l, Handler h)
        : executor(ex), limits(l), handler(std::move(h)), accepting(ex), serving(ex) {}

    // A connection's place in the counts; left when its task ends.
    struct Slot {
        Slot(std::shared_ptr<Impl> owner, std::uint64_t key, std::string peer)
            : impl(std::move(owner)), id(key), address(std::move(peer)) {}
        ~Slot() { impl->leave(id, address); }
        Slot(const Slot&) = delete;
        Slot& operator=(const Slot&) = delete;

        std::shared_ptr<Impl> impl;
        std::uint64_t id;
        std::string address;
        std::shared_ptr<Connection> connection;
    };

    struct Open {
        asio::any_io_executor strand;
        std::weak_ptr<Connection> connection;
    };

    [[nodiscard]] std::size_t open_connections() const {
        const std::lock_guard lock(mutex);
        return open.size();
    }

    // Takes a place for a connection from `address`; false when that has as many as it may.
    bool enter(std::uint64_t id, const std::string& address, const asio::any_io_executor& strand) {
        const std::lock_guard lock(mutex);
        std::size_t& here = per_address[address];
        if (here >= limits.connections_per_address) return false;
        ++here;
        open.emplace(id, Open{strand, {}});
        return true;
    }

    void leave(std::uint64_t id, const std::string& address) {
        {
            const std::lock_guard lock(mutex);
            open.erase(id);
            if (const auto found = per_address.find(address); --found->second == 0)
                per_address.erase(found);
        }
        for (const auto& listener : listeners) listener->slot_free.notify();
    }

    void admit(ListenSocket& listener, tcp::socket socket) {
        error_code ec;
        const auto endpoint = socket.remote_endpoint(ec);
        if (ec) return;  // it has left already
        socket.set_option(tcp::no_delay(true), ec);
        const auto address = endpoint.address().to_string();
        const asio::any_io_executor strand = socket.get_executor();
        const std::uint64_t id = next_id++;
        if (!enter(id, address, strand)) {
            if (refusals.take()) log::warning({}, "http.connection.refused", {{"peer", address}});
            return;
        }
        auto slot = std::make_shared<Slot>(shared_from_this(), id, address);
        slot->connection = std::make_shared<Connection>(
            listener.context, std::move(socket), listener.tls.get(), reads, address
        );
        {
            const std::lock_guard lock(mutex);
            open.at(id).connection = slot->connection;
        }
        if (stopping) asio::post(strand, [connection = slot->connection] { connection->stop(); });
        serving.spawn_on(strand, "http.connection", [slot] { return slot->connection->run(); });
    }

    awaitable<void> accept_loop(ListenSocket& listener) {
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        while (!stopping) {
            if (open_connections() >= limits.connections) {
                co_await listener.slot_free.wait(std::chrono::seconds(1));
                continue;
            }
            const asio::any_io_executor strand = asio::make_strand(executor);
            auto [ec, socket] = co_await listener.acceptor.async_accept(strand, token);
            if (stopping) co_return;
            if (!ec) {
                admit(listener, std::move(socket));
            } else if (ec != asio::error::connection_aborted) {
                if (refusals.take())
                    log::warning({}, "http.accept.paused", {{"error", ec.message()}});
                co_await sleep_for(kAcceptPause);
            }
        }
    }

    void stop() {
        stopping = true;
        for (const auto& listener : listeners) {
            asio::post(
                listener->acceptor.get_executor(),
                [self = shared_from_this(), socket = listener.get()] {
                    error_code ignored;
                    socket->acceptor.close(ignored);
                }
            );
            listener->slot_free.notify();
        }
        const std::lock_guard lock(mutex);
        for (const auto& [id, entry] : open) {
            asio::post(entry.strand, [connection = entry.connection] {
                if (const auto alive = connection.lock()) alive->stop();
            });
        }
    }

    asio::any_io_executor executor;
    const ServerLimits limits;
    const Handler handler;
    LogBudget refusals;
    std::atomic<std::uint64_t> reads = 0;
    std::atomic<std::uint64_t> next_id = 0;
    std::atomic<bool> stopping = false;
    std::vector<std::unique_ptr<ListenSocket>> listeners;  // fixed once start() was called

    mutable std::mutex mutex;
    std::map<std::uint64_t, Open> open;              // guarded by mutex
    std::map<std::string, std::size_t> per_address;  // guarded by mutex

    TaskGroup accepting;
    TaskGroup serving;
};

Server::Server(asio::any_io_executor executor, ServerLimits limits, Handler handler)
    : impl_(std::make_shared<Impl>(std::move(executor), limits, std::move(handler))) {}

Server::~Server() {
    impl_->stop();
    impl_->accepting.cancel(asio::cancellation_type::terminal);
    impl_->serving.cancel(asio::cancellation_type::terminal);
}

Result<std::uint16_t> Server::listen(const ListenerOptions& options) {
    const ConnectionContext context{impl_->limits, impl_->handler, options.kind, impl_->refusals};
    auto listener = std::make_unique<ListenSocket>(impl_->executor, context);
    if (!options.tls.certificate_file.empty()) {
        SLIPWAY_TRY(listener->tls, make_server_tls(options.tls));
    }
    error_code ec;
    const auto address = asio::ip::make_address(options.address, ec);
    if (ec)
        return Error(Errc::invalid_argument, options.address + " is no IP address to listen on");
    const tcp::endpoint endpoint(address, options.port);
    auto& acceptor = listener->acceptor;
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec) return cannot_listen(options, ec);
    const auto local = acceptor.local_endpoint(ec);
    if (ec) return cannot_listen(options, ec);
    impl_->listeners.push_back(std::move(listener));
    return local.port();
}

void Server::start() {
    for (const auto& listener : impl_->listeners) {
        impl_->accepting.spawn_on(
            listener->acceptor.get_executor(),
            "http.accept",
            [impl = impl_, socket = listener.get()] { return impl->accept_loop(*socket); }
        );
    }
}

void Server::stop_accepting() {
    impl_->stop();
}

awaitable<bool> Server::drain(Deadline deadline) {
    const auto impl = impl_;
    const bool finished = co_await impl->serving.wait(deadline);
    if (!finished) {
        impl->serving.cancel(asio::cancellation_type::terminal);
        co_await impl->serving.wait(after(kUnwindTime));
    }
    co_await impl->accepting.wait(after(kUnwindTime));
    co_return finished;
}

std::size_t Server::connections() const {
    return impl_->open_connections();
}

std::uint64_t Server::read_calls() const {
    return impl_->reads;
}

}  // namespace slipway::http
