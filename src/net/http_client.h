#pragma once

#include "base/async.h"
#include "base/stream.h"
#include "net/tls.h"
#include "net/url.h"

#include <boost/asio/ip/address.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
    std::string method = "GET";
    Url url;
    Headers headers;
    // Sent with Content-Length when its size is known, else chunked. May be null. Exactly the
    // announced number of bytes is written: a source that gives more or less is an error of the
    // source.
    ByteSource* body = nullptr;
    // A connection of its own, closed afterwards: for large transfers and for hosts that ask for
    // it.
    bool fresh_connection = false;
    // Where to connect, tried in order; empty: wherever url.host resolves to. With any, ask for a
    // fresh connection: the pool goes by names.
    std::vector<asio::ip::address> addresses;
};

// The head of an answer, and its body as it comes. Destroying it before the end of the body closes
// the connection; at the end of the body the connection goes back to the pool.
class HttpResponse {
public:
    virtual ~HttpResponse() = default;
    [[nodiscard]] virtual int status() const = 0;
    // First field of that name, in any case; empty when absent.
    [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;
    [[nodiscard]] virtual std::vector<std::string> header_values(std::string_view name) const = 0;
    [[nodiscard]] virtual std::optional<std::uint64_t> content_length() const = 0;
    virtual ByteSource& body() = 0;

    // The whole body; too_large when it is longer than `limit` bytes.
    awaitable<Result<std::string>> read_text(std::size_t limit);
};

struct HttpClientOptions {
    std::chrono::seconds connect_timeout{10};
    std::chrono::seconds stall_limit{60};  // without a byte moving, either way
    std::size_t idle_connections_per_host = 8;
    std::chrono::seconds idle_timeout{60};
};

// Pooled HTTP/1.1 connections, with or without TLS, to targets that the configuration names.
class HttpClient {
public:
    HttpClient(asio::any_io_executor executor, HttpClientOptions options);
    ~HttpClient();

    // Sends `request` and returns when the head of the answer is there; `trust` says which peers
    // are believed (https only). Reads while it writes: an early answer, such as a 401 with a
    // closed connection, is returned as the answer. Never follows redirects, never sends Expect. A
    // pooled connection that turns out closed before any byte of the answer is replaced once when
    // the request has no body.
    // Time: the call's deadline covers connecting, a request of at most 1 MiB and the head of its
    // answer. A longer request, the wait for its answer, and the answer's body are bounded by the
    // stall limit alone.
    // To be called on a strand: it reads and writes side by side.
    // Errors: unavailable (connect, reset, TLS), timeout, corrupt (not HTTP), or the source's own.
    awaitable<Result<std::unique_ptr<HttpResponse>>> send(
        HttpRequest request, const TlsTrust& trust, const Call& call
    );

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace slipway::net
