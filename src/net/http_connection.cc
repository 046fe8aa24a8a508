#include "net/http_connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <sys/socket.h>

#include <cerrno>

namespace slipway::net {
namespace {

constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);

Error broken_link(const boost::system::error_code& code) {
    if (code == asio::error::operation_aborted)
        return Error(Errc::cancelled, "the operation was cancelled");
    return Error(Errc::unavailable, "the connection to the server broke: " + code.message());
}

Error stalled() {
    return Error(Errc::timeout, "the server did not take or send a byte within the time limit");
}

awaitable<Result<std::vector<asio::ip::tcp::endpoint>>> resolved(const Url& url) {
    asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
    auto [failed, endpoints] =
        co_await resolver.async_resolve(url.host, std::to_string(url.port), kTuple);
    if (failed) {
        if (failed == asio::error::operation_aborted) co_return broken_link(failed);
        co_return Error(
            Errc::unavailable, "the server's name can not be resolved: " + failed.message()
        );
    }
    std::vector<asio::ip::tcp::endpoint> found;
    for (const auto& entry : endpoints) found.push_back(entry.endpoint());
    co_return found;
}

}  // namespace

// Closes the socket when a read or write is not over in time: both ends of a connection that stalls
// are useless. Lives in the frame of the operation, so it runs on that coroutine's strand.
class Connection::Alarm {
public:
    Alarm(asio::any_io_executor executor, Connection& connection, Deadline by) : timer_(executor) {
        if (by == kNoDeadline) return;
        armed_ = std::make_shared<Connection*>(&connection);
        timer_.expires_at(by);
        timer_.async_wait([armed = std::weak_ptr(armed_)](boost::system::error_code code) {
            const auto target = armed.lock();
            if (code || !target) return;
            (*target)->timed_out_ = true;
            boost::system::error_code ignored;
            (*target)->socket_.close(ignored);
        });
    }

private:
    asio::steady_timer timer_;
    // Only this owns it: the timer's handler, which may be queued already, finds out that we are
    // gone.
    std::shared_ptr<Connection*> armed_;
};

awaitable<Result<std::unique_ptr<Connection>>> Connection::open(
    asio::any_io_executor executor,
    const Url& url,
    const std::vector<asio::ip::address>& addresses,
    const TlsTrust& trust,
    SSL_CTX* context
) {
    std::unique_ptr<Connection> connection(new Connection(executor));
    SLIPWAY_CO_CHECK(co_await connection->connect(url, addresses));
    if (context) SLIPWAY_CO_CHECK(co_await connection->shake_hands(url, trust, context));
    co_return connection;
}

awaitable<Result<void>> Connection::connect(
    const Url& url, const std::vector<asio::ip::address>& addresses
) {
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const auto& address : addresses) endpoints.emplace_back(address, url.port);
    if (addresses.empty()) {
        SLIPWAY_CO_TRY(endpoints, co_await resolved(url));
    }
    boost::system::error_code last = asio::error::host_not_found;
    for (const auto& endpoint : endpoints) {
        boost::system::error_code ignored;
        socket_.close(ignored);
        auto [refused] = co_await socket_.async_connect(endpoint, kTuple);
        last = refused;
        if (!refused || refused == asio::error::operation_aborted) break;
    }
    if (last == asio::error::operation_aborted) co_return broken_link(last);
    if (last)
        co_return Error(Errc::unavailable, "the server can not be reached: " + last.message());
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    co_return Result<void>();
}

awaitable<Result<void>> Connection::shake_hands(
    const Url& url, const TlsTrust& trust, SSL_CTX* context
) {
    // The stream's context shares the SSL_CTX, which counts its owners.
    SSL_CTX_up_ref(context);
    asio::ssl::context shared(context);
    tls_.emplace(socket_, shared);
    SSL* session = tls_->native_handle();
    SLIPWAY_CO_CHECK(expect_peer(session, url.host, trust));
    auto [failed] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kTuple);
    if (failed == asio::error::operation_aborted) co_return broken_link(failed);
    if (failed) co_return handshake_error(session);
    co_return check_peer(session, trust);
}

awaitable<Result<std::size_t>> Connection::read_some(std::span<std::byte> into, Deadline by) {
    const Alarm alarm(co_await asio::this_coro::executor, *this, by);
    const asio::mutable_buffer buffer(into.data(), into.size());
    boost::system::error_code failed;
    std::size_t got = 0;
    if (tls_) {
        std::tie(failed, got) = co_await tls_->async_read_some(buffer, kTuple);
    } else {
        std::tie(failed, got) = co_await socket_.async_read_some(buffer, kTuple);
    }
    if (!failed) co_return got;
    if (timed_out_) co_return stalled();
    if (failed == asio::error::eof || failed == asio::ssl::error::stream_truncated) co_return 0U;
    co_return broken_link(failed);
}

awaitable<Result<void>> Connection::write_all(
    std::span<const std::byte> bytes, std::chrono::steady_clock::duration stall_limit, Deadline by
) {
    while (!bytes.empty()) {
        const Alarm alarm(
            co_await asio::this_coro::executor, *this, std::min(by, after(stall_limit))
        );
        const asio::const_buffer buffer(bytes.data(), bytes.size());
        boost::system::error_code failed;
        std::size_t put = 0;
        if (tls_) {
            std::tie(failed, put) = co_await tls_->async_write_some(buffer, kTuple);
        } else {
            std::tie(failed, put) = co_await socket_.async_write_some(buffer, kTuple);
        }
        if (failed && timed_out_) co_return stalled();
        if (failed) co_return broken_link(failed);
        bytes = bytes.subspan(put);
    }
    co_return Result<void>();
}

bool Connection::is_idle() {
    std::byte byte{};
    const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

}  // namespace slipway::net
