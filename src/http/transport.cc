#include "http/transport.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace slipway::http {

namespace {

using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// One timer for the reading and the writing deadline. It is armed again only when it fires too
// early or a deadline comes closer, so that an operation costs no timer of its own.
class Watch : public std::enable_shared_from_this<Watch> {
public:
    // Owned by the transport and by the timer's pending handler: the handler may run after the
    // transport has gone.
    explicit Watch(tcp::socket& socket) : socket_(&socket), timer_(socket.get_executor()) {}

    void set(Deadline& which, Deadline deadline) {
        which = deadline;
        const Deadline next = std::min(read, write);
        if (next >= armed_) return;
        armed_ = next;
        timer_.expires_at(next);
        timer_.async_wait([self = shared_from_this()](error_code ec) {
            if (!ec) self->on_timer();
        });
    }

    void forget() {
        socket_ = nullptr;
        timer_.cancel();
    }

    Deadline read = kNoDeadline;
    Deadline write = kNoDeadline;
    bool expired = false;

private:
    void on_timer() {
        if (socket_ == nullptr) return;
        armed_ = kNoDeadline;
        const Deadline next = std::min(read, write);
        if (next <= std::chrono::steady_clock::now()) {
            expired = true;
            error_code ignored;
            socket_->close(ignored);
        } else if (next != kNoDeadline) {
            set(read, read);
        }
    }

    tcp::socket* socket_;
    asio::steady_timer timer_;
    Deadline armed_ = kNoDeadline;
};

// Sets a deadline of a watch for as long as it lives.
class Guard {
public:
    Guard(Watch& watch, Deadline& which, Deadline deadline) : watch_(watch), which_(which) {
        watch_.set(which_, deadline);
    }
    ~Guard() { watch_.set(which_, kNoDeadline); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

private:
    Watch& watch_;
    Deadline& which_;
};

}  // namespace

struct Transport::Impl {
    Impl(tcp::socket s, asio::ssl::context* context, std::atomic<std::uint64_t>& counter)
        : socket(std::move(s)), watch(std::make_shared<Watch>(socket)), reads(counter) {
        if (context != nullptr) tls.emplace(socket, *context);
    }
    ~Impl() { watch->forget(); }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    [[nodiscard]] Error lost() const {
        if (watch->expired)
            return {Errc::timeout, "The client did not move the connection on in time."};
        return {Errc::unavailable, "The connection to the client is lost."};
    }

    // Reads the socket itself and throws the bytes away.
    awaitable<void> drain(std::size_t limit, Deadline deadline) {
        const Guard guard(*watch, watch->read, deadline);
        std::array<std::byte, 4096> scrap;
        while (true) {
            const auto piece = asio::buffer(scrap.data(), std::min(limit, scrap.size()));
            if (piece.size() == 0) break;
            const auto [ec, bytes] = co_await socket.async_read_some(piece, kToken);
            if (ec) co_return;
            limit -= bytes;
        }
        // Enough was taken: nothing more is read, but the peer keeps its chance to read our answer.
        asio::steady_timer rest(socket.get_executor(), deadline);
        co_await rest.async_wait(kToken);
    }

    tcp::socket socket;
    std::optional<asio::ssl::stream<tcp::socket&>> tls;
    std::shared_ptr<Watch> watch;
    std::atomic<std::uint64_t>& reads;
};

Transport::Transport(tcp::socket socket, asio::ssl::context* tls, std::atomic<std::uint64_t>& reads)
    : impl_(std::make_unique<Impl>(std::move(socket), tls, reads)) {}

Transport::~Transport() = default;

bool Transport::is_tls() const {
    return impl_->tls.has_value();
}

awaitable<Result<void>> Transport::handshake(Deadline deadline) {
    if (!impl_->tls) co_return Result<void>();
    const Guard guard(*impl_->watch, impl_->watch->read, deadline);
    const auto [ec] = co_await impl_->tls->async_handshake(asio::ssl::stream_base::server, kToken);
    if (ec) co_return impl_->lost();
    co_return Result<void>();
}

awaitable<Result<std::size_t>> Transport::read_some(std::span<std::byte> into, Deadline deadline) {
    impl_->reads.fetch_add(1, std::memory_order_relaxed);
    const Guard guard(*impl_->watch, impl_->watch->read, deadline);
    const auto buffer = asio::buffer(into.data(), into.size());
    error_code ec;
    std::size_t bytes = 0;
    if (impl_->tls)
        std::tie(ec, bytes) = co_await impl_->tls->async_read_some(buffer, kToken);
    else
        std::tie(ec, bytes) = co_await impl_->socket.async_read_some(buffer, kToken);
    if (ec == asio::error::eof) co_return std::size_t{0};
    if (ec) co_return impl_->lost();
    co_return bytes;
}

awaitable<Result<std::size_t>> Transport::write_some(
    std::span<const std::byte> bytes, Deadline deadline
) {
    const Guard guard(*impl_->watch, impl_->watch->write, deadline);
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    error_code ec;
    std::size_t written = 0;
    if (impl_->tls)
        std::tie(ec, written) = co_await impl_->tls->async_write_some(buffer, kToken);
    else
        std::tie(ec, written) = co_await impl_->socket.async_write_some(buffer, kToken);
    if (ec) co_return impl_->lost();
    co_return written;
}

awaitable<void> Transport::close_gracefully(std::size_t drain_bytes, Deadline deadline) {
    if (impl_->tls) {
        const Guard guard(*impl_->watch, impl_->watch->read, deadline);
        co_await impl_->tls->async_shutdown(kToken);
    }
    error_code ec;
    impl_->socket.shutdown(tcp::socket::shutdown_send, ec);
    if (!ec && drain_bytes > 0) co_await impl_->drain(drain_bytes, deadline);
    close();
}

void Transport::close() {
    error_code ignored;
    impl_->socket.close(ignored);
}

void Transport::abort() {
    error_code ignored;
    impl_->socket.set_option(asio::socket_base::linger(true, 0), ignored);
    close();
}

}  // namespace slipway::http
