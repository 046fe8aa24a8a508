#pragma once

#include "base/rate.h"
#include "net/fetch_filter.h"
#include "net/http_client.h"

#include <boost/asio/ip/address.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::net {

// The addresses of a host name, or of an address itself. Errors: unavailable.
using Resolver = std::function<awaitable<Result<std::vector<asio::ip::address>>>(std::string host)>;

// By the system's resolver.
awaitable<Result<std::vector<asio::ip::address>>> resolve_host(std::string host);

// What is read from a URL. Lives by itself: its connection is its own.
struct FetchedBody {
    std::unique_ptr<ByteSource> bytes;
    // Of the whole resource, whatever part of it is read; absent when the server does not say.
    std::optional<std::uint64_t> size_bytes;
};

// The one door to what a client's URL names. Each hop, of which there are four at most, is checked
// by the filter; its host is resolved once, every address of it is checked, and one of them is
// connected to. Nothing of ours is sent along: no credentials, no cookies; and no proxy is asked.
// The text of an error does not tell a closed port from a silent or a forbidden one.
class GuardedFetch {
public:
    // `client` must outlive this. `trust` is for https. A body that comes below `rate` is given up.
    GuardedFetch(
        HttpClient& client,
        FetchFilter filter,
        TlsTrust trust = {},
        Resolver resolve = resolve_host,
        MinimumRate rate = {std::chrono::seconds(60), 1024}
    );

    // Whether `uri` may be fetched, as far as can be said without connecting.
    // Errors: invalid_argument, timeout.
    awaitable<Result<void>> check(std::string uri, const Call& call) const;

    // The resource from its begin, or `range` of it. The deadline of `call` covers everything up to
    // the head of the answer; reading a body says timeout when it comes too slowly.
    // Errors: invalid_argument (not permitted, here or at a redirect), not_found, unavailable,
    // unsupported (the server serves no ranges), timeout.
    awaitable<Result<FetchedBody>> open(
        std::string uri, std::optional<ByteRange> range, const Call& call
    ) const;

    // The size that the server announces, without its bytes; absent when it does not say.
    // Errors: as open().
    awaitable<Result<std::optional<std::uint64_t>>> size(std::string uri, const Call& call) const;

    [[nodiscard]] const FetchFilter& filter() const { return filter_; }

private:
    struct Target;

    awaitable<Result<Target>> admit(std::string uri, const Call& call) const;
    awaitable<Result<std::unique_ptr<HttpResponse>>> follow(
        std::string method, std::string uri, Headers headers, const Call& call
    ) const;

    HttpClient& client_;
    FetchFilter filter_;
    TlsTrust trust_;
    Resolver resolve_;
    MinimumRate rate_;
};

}  // namespace slipway::net
