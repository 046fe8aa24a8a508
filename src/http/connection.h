#pragma once

#include "http/inbound.h"
#include "http/outbound.h"
#include "http/server.h"
#include "http/transport.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace slipway::http {

// Lets a few log lines a second through, so that a flood of bad requests does not become a flood of
// logs. Shared by all connections.
class LogBudget {
public:
    static constexpr std::size_t kPerSecond = 10;

    bool take();

private:
    std::mutex mutex_;
    std::chrono::steady_clock::time_point second_{};  // guarded by mutex_
    std::size_t used_ = 0;                            // guarded by mutex_
};

// What connections of one listener have in common; outlives them.
struct ConnectionContext {
    const ServerLimits& limits;
    const Handler& handler;
    Listener listener = Listener::users;
    LogBudget& refusals;
};

// One client's connection: TLS, then requests one after the other until either side has had enough.
class Connection {
public:
    Connection(
        const ConnectionContext& context,
        asio::ip::tcp::socket socket,
        asio::ssl::context* tls,
        std::atomic<std::uint64_t>& reads,
        std::string peer
    );

    // Runs on the socket's strand until the connection is closed.
    awaitable<void> run();
    // Ends the connection after the request in flight, at once when there is none. On the strand.
    void stop();

private:
    awaitable<bool> serve(const Head& head);
    awaitable<void> refuse(const Refusal& refusal);
    awaitable<bool> send(
        Request& request, Response& response, const SendOptions& options, Transfer& transfer
    );
    awaitable<void> close_gracefully(bool unread_bytes);

    const ConnectionContext& context_;
    std::string peer_;
    Transport transport_;
    Inbound inbound_;
    Outbound outbound_;
    bool idle_ = false;
    bool stopping_ = false;
};

}  // namespace slipway::http
