#pragma once

#include "base/rate.h"
#include "base/stream.h"
#include "http/chunked.h"
#include "http/framing.h"
#include "http/server.h"
#include "http/transport.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace slipway::http {

// What has come from the client and was not used yet. Holds no memory while empty and released.
class ReceiveBuffer {
public:
    [[nodiscard]] std::string_view text() const;
    void consume(std::size_t bytes) { begin_ += bytes; }
    // Room for more, with all of `capacity` bytes in use; empty when the buffer is full.
    std::span<std::byte> room(std::size_t capacity);
    void filled(std::size_t bytes) { end_ += bytes; }
    // Gives the memory back, if nothing is held.
    void release();

private:
    std::vector<std::byte> storage_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

struct Gone {};  // the client has left, or was too slow

// The reading direction of a connection: heads, one after the other, and the bytes of bodies.
class Inbound {
public:
    Inbound(Transport& transport, const ServerLimits& limits);

    // Waits for the first byte of a request; false when none will come.
    awaitable<bool> wait_for_request(Deadline deadline);
    awaitable<std::variant<Head, Refusal, Gone>> read_head(Deadline deadline);
    // Whether bytes have come that nobody used.
    [[nodiscard]] bool has_buffered() const { return !buffer_.text().empty(); }

private:
    friend class RequestBody;

    Transport& transport_;
    const ServerLimits& limits_;
    HeadLimits head_limits_;
    ReceiveBuffer buffer_;
};

// A request's body as it comes. Memory: 64 KiB, whatever its length; large reads go from the socket
// straight into the caller's memory.
// Errors: invalid_argument for broken framing or a body that ends early, too_large, timeout.
class RequestBody final : public ByteSource {
public:
    RequestBody(Inbound& inbound, const Head& head);

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return announced_; }

    [[nodiscard]] bool has_more() const;
    [[nodiscard]] std::uint64_t bytes_read() const { return bytes_read_; }
    // Throws away what has already come. True when that was all, so that the next request may
    // follow.
    bool skip_buffered();
    // Whether so little is missing that it is cheaper to take it than to lose the connection.
    [[nodiscard]] bool little_is_missing() const;
    // Reads on to the end; false when that does not come by `deadline`.
    awaitable<bool> skip(Deadline deadline);

private:
    // Bytes of data that follow now; runs over the framing that is buffered.
    ChunkedDecoder::Kind advance();
    [[nodiscard]] std::uint64_t data_left() const;
    void took(std::size_t bytes);
    awaitable<Result<std::size_t>> receive(std::span<std::byte> into, Deadline deadline);
    awaitable<Result<void>> fill(Deadline deadline);
    awaitable<Result<void>> send_continue();
    awaitable<Result<std::size_t>> read_by(std::span<std::byte> into, Deadline deadline);

    Inbound& inbound_;
    BodyFraming framing_;
    std::optional<std::uint64_t> announced_;
    std::uint64_t left_ = 0;  // of a body of known length
    ChunkedDecoder decoder_;
    MinimumRate rate_;
    bool owes_continue_;
    bool ended_ = false;  // of a chunked one: its last chunk and trailers were read
    std::uint64_t bytes_read_ = 0;
    std::optional<Error> failure_;
};

}  // namespace slipway::http
