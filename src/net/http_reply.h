#pragma once

#include "base/result.h"
#include "net/http_client.h"
#include "net/http_connection.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace slipway::net {

struct ReplyHead {
    int status = 0;
    Headers headers;
    std::optional<std::uint64_t> content_length;  // as announced, also to HEAD
    bool keep_alive = false;
};

// First field of that name, in any case; empty when absent.
std::string_view find_header(const Headers& headers, std::string_view name);

// Reads one answer from `connection`, which must outlive it: the head, then the body by its
// framing. The end of a body is its Content-Length or its last chunk, never the end of the
// connection.
class ReplyReader {
public:
    // `body_expected` is false for the answer to HEAD.
    ReplyReader(Connection& connection, bool body_expected);
    ~ReplyReader();

    // Skips interim (1xx) answers. Errors: unavailable when the connection ends, corrupt for what
    // is not HTTP/1.x, is framed in two ways or has a head of more than 64 KiB.
    awaitable<Result<ReplyHead>> read_head();

    // Reads at least one byte of the body, or returns 0 at its end. Waits for the peer until `by`.
    awaitable<Result<std::size_t>> read_body(std::span<std::byte> into, Deadline by);

    [[nodiscard]] bool at_end() const;
    // A byte of the answer has come.
    [[nodiscard]] bool has_begun() const;
    // Bytes have come that do not belong to the answer.
    [[nodiscard]] bool has_surplus() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::net
