#pragma once

#include "base/stream.h"
#include "model/caller.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::http {

// Which door a request came in by; the one for services shows them their face of an image.
enum class Listener { users, services };

// A parsed request. The body is read by whoever wants it, as it comes; what nobody reads is drained
// (a little) or the connection is closed.
class Request {
public:
    virtual ~Request() = default;

    [[nodiscard]] virtual std::string_view method() const = 0;
    // Path as it came, without the query.
    [[nodiscard]] virtual std::string_view raw_path() const = 0;
    // The query, decoded, in order, repeats kept. Empty when it cannot be decoded: dispatch()
    // answers such a request with 400.
    [[nodiscard]] virtual const std::vector<std::pair<std::string, std::string>>& query() const = 0;
    // Query as it came, without '?'.
    [[nodiscard]] virtual std::string_view raw_query() const = 0;
    // First field of that name, in any case; empty when absent. Never a trailer.
    [[nodiscard]] virtual std::string_view header(std::string_view name) const = 0;
    [[nodiscard]] virtual bool has_header(std::string_view name) const = 0;
    [[nodiscard]] virtual std::optional<std::uint64_t> content_length() const = 0;
    // Content-Length above 0, or a chunked body.
    [[nodiscard]] virtual bool has_body() const = 0;
    // Sends "100 Continue" before the first read, where the client waits for it.
    virtual ByteSource& body() = 0;
    [[nodiscard]] virtual Listener listener() const = 0;
    [[nodiscard]] virtual std::string_view peer() const = 0;  // address of the client
    [[nodiscard]] virtual bool is_tls() const = 0;

    // The whole body as text; too_large beyond `limit`.
    awaitable<Result<std::string>> read_text(std::size_t limit);

    // Set by the router and the filters.
    std::string routed_path;  // in place of raw_path(), where a filter rewrote it (/v2.7/images)
    std::map<std::string, std::string, std::less<>> params;  // of the path template, decoded
    std::string route;                                       // the template, for logs and metrics
    Caller caller;
};

}  // namespace slipway::http
