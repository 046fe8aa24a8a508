#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/result.h"

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace boost::asio::ssl {
class context;
}

namespace slipway::http {

// One client's byte stream, plain or TLS: the only place that knows the difference, so that Asio's
// templates are instantiated once.
//
// Every operation has a deadline; when one passes, the socket is closed and whatever waits on it
// ends. One read and one write may run at the same time. All calls are made on the executor of the
// socket.
class Transport {
public:
    // With `tls`, bytes go through it once handshake() is over; it must outlive the transport.
    // `reads` counts the calls of read_some().
    Transport(
        asio::ip::tcp::socket socket, asio::ssl::context* tls, std::atomic<std::uint64_t>& reads
    );
    ~Transport();
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    // Does nothing without TLS. Errors: unavailable, timeout.
    awaitable<Result<void>> handshake(Deadline deadline);
    // At least one byte, or 0 when the peer has ended its side. Errors: timeout when `deadline`
    // passed, else unavailable: the link is lost.
    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into, Deadline deadline);
    // Writes at least one byte; returns how many. Errors as for reading.
    awaitable<Result<std::size_t>> write_some(std::span<const std::byte> bytes, Deadline deadline);

    // Ends our side, and closes. With `drain_bytes`, takes at most so much of what still comes
    // before, and waits for the peer to end its side, until `deadline`: a peer that is still
    // sending gets to see the answer, which a reset would take from it.
    awaitable<void> close_gracefully(std::size_t drain_bytes, Deadline deadline);
    void close();
    // Closes at once, with a reset, so that the peer cannot take what it has for the whole.
    void abort();
    [[nodiscard]] bool is_tls() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::http
