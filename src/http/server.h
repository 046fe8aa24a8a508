#pragma once

#include "base/async.h"
#include "http/request.h"
#include "http/response.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace slipway::http {

struct ServerLimits {
    std::size_t header_bytes = 32U << 10U;
    std::size_t header_fields = 100;
    std::size_t header_name_bytes = 128;
    std::size_t header_value_bytes = 16U << 10U;
    std::size_t connections = 1024;
    std::size_t connections_per_address = 256;
    std::chrono::milliseconds handshake_timeout{10'000};  // of TLS
    std::chrono::milliseconds header_timeout{
        10'000};  // from accept, and from the first byte of a later one
    std::chrono::milliseconds idle_timeout{60'000};  // between requests
    std::chrono::milliseconds stall_limit{60'000};   // window of the minimum rate, either way
    std::uint64_t min_bytes_per_second = 1024;       // over that window
    std::uint64_t max_body_bytes = std::uint64_t{1} << 62U;
};

struct TlsFiles {
    std::string certificate_file;  // PEM chain; empty: plain HTTP
    std::string key_file;
};

struct ListenerOptions {
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  // 0: any free one
    Listener kind = Listener::users;
    TlsFiles tls;
};

// Answers one request. Never throws for what can be expected; what it throws is logged and answered
// 500.
using Handler = std::function<awaitable<Response>(Request&)>;

// Accepts connections and speaks HTTP/1.1 on them, one request at a time each, each connection on a
// strand of its own. At the limit of connections nothing is accepted until one ends; a connection
// above the limit of its address is closed at once.
//
// Lifetime: what `handler` refers to must live until drain() has returned.
class Server {
public:
    Server(asio::any_io_executor executor, ServerLimits limits, Handler handler);
    ~Server();

    // Binds and listens; returns the port. Errors: unavailable with the address and the reason,
    // invalid_argument for unusable TLS files.
    Result<std::uint16_t> listen(const ListenerOptions& options);
    // Starts accepting on everything listened to. Called once, after the last listen().
    void start();

    // Stops accepting and closes idle connections; requests in flight go on.
    void stop_accepting();
    // Waits for the requests in flight; at `deadline` their connections are cut and their handlers
    // cancelled. False if some were.
    awaitable<bool> drain(Deadline deadline);

    [[nodiscard]] std::size_t connections() const;
    // Reads from sockets so far, over all connections: few per byte, or buffers are too small.
    [[nodiscard]] std::uint64_t read_calls() const;

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace slipway::http
