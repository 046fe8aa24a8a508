#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/result.h"
#include "net/tls_session.h"
#include "net/url.h"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace slipway::net {

// One TCP connection, plain or TLS, behind one type. At most one read and one write at a time, both
// from coroutines of the same strand; it may move to another strand while neither is under way.
class Connection {
public:
    // Connects to one of `addresses`, or, when there is none, of those that the name resolves to;
    // shakes hands, and makes sure of the peer. `context` is null for http. The caller bounds the
    // time. Errors: unavailable, and those of check_peer().
    static awaitable<Result<std::unique_ptr<Connection>>> open(
        asio::any_io_executor executor,
        const Url& url,
        const std::vector<asio::ip::address>& addresses,
        const TlsTrust& trust,
        SSL_CTX* context
    );

    // Reads at least one byte, or returns 0 when the peer has closed, in whichever way.
    // Errors: unavailable, timeout. After a timeout the connection is closed.
    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into, Deadline by);

    // Writes all of `bytes`, each part of it within `stall_limit`, and the whole by `by`.
    awaitable<Result<void>> write_all(
        std::span<const std::byte> bytes,
        std::chrono::steady_clock::duration stall_limit,
        Deadline by
    );

    // Nothing was sent to us and the peer has not closed, as far as this machine knows.
    [[nodiscard]] bool is_idle();
    // A read or write was not over in time.
    [[nodiscard]] bool timed_out() const { return timed_out_; }

private:
    using Socket = asio::ip::tcp::socket;
    class Alarm;

    explicit Connection(const asio::any_io_executor& executor) : socket_(executor) {}
    awaitable<Result<void>> connect(
        const Url& url, const std::vector<asio::ip::address>& addresses
    );
    awaitable<Result<void>> shake_hands(const Url& url, const TlsTrust& trust, SSL_CTX* context);

    Socket socket_;
    std::optional<asio::ssl::stream<Socket&>> tls_;
    bool timed_out_ = false;
};

}  // namespace slipway::net
