#include "net/guarded_fetch.h"

#include "base/async.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <charconv>

namespace slipway::net {
namespace {

constexpr int kRedirects = 3;

Error not_reached() {
    return Error(Errc::unavailable, "the data can not be fetched from this URL");
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Result<void> check_status(int status, bool part_wanted) {
    if (status == (part_wanted ? 206 : 200)) return {};
    if (status == 404 || status == 410)
        return Error(Errc::not_found, "there is no data at this URL");
    if (part_wanted && status == 200)
        return Error(Errc::unsupported, "the server at this URL does not serve parts of its data");
    return Error(
        Errc::unavailable, "the server at this URL answered with status " + std::to_string(status)
    );
}

// "bytes 0-99/1000" or "bytes 0-99/*"
struct ContentRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::optional<std::uint64_t> size;
};

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view kUnit = "bytes ";
    if (!text.starts_with(kUnit)) return std::nullopt;
    const char* at = text.data() + kUnit.size();
    const char* const end = text.data() + text.size();
    const auto number = [&](std::uint64_t& value, char next) {
        const auto [stop, failed] = std::from_chars(at, end, value);
        at = stop;
        if (failed != std::errc()) return false;
        if (next == '\0') return at == end;
        return at != end && *at++ == next;
    };
    ContentRange range;
    if (!number(range.first, '-') || !number(range.last, '/')) return std::nullopt;
    if (std::string_view(at, end) == "*") return range;
    std::uint64_t size = 0;
    if (!number(size, '\0')) return std::nullopt;
    range.size = size;
    return range;
}

class SteadyBody final : public ByteSource {
public:
    SteadyBody(std::unique_ptr<HttpResponse> response, MinimumRate rate)
        : response_(std::move(response)), rate_(rate) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        auto got = co_await with_deadline(rate_.begin(), response_->body().read_some(into));
        rate_.end(got ? *got : 0);
        co_return got;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return response_->body().size_bytes();
    }

private:
    std::unique_ptr<HttpResponse> response_;
    MinimumRate rate_;
};

}  // namespace

awaitable<Result<std::vector<asio::ip::address>>> resolve_host(std::string host) {
    boost::system::error_code no_address;
    const auto literal = asio::ip::make_address(host, no_address);
    if (!no_address) co_return std::vector<asio::ip::address>{literal};

    asio::ip::tcp::resolver resolver(co_await asio::this_coro::executor);
    auto [failed, endpoints] =
        co_await resolver.async_resolve(host, "", asio::as_tuple(asio::use_awaitable));
    if (failed == asio::error::operation_aborted)
        co_return Error(Errc::cancelled, "the operation was cancelled");
    if (failed) co_return not_reached();
    std::vector<asio::ip::address> addresses;
    for (const auto& entry : endpoints) addresses.push_back(entry.endpoint().address());
    co_return addresses;
}

struct GuardedFetch::Target {
    Url url;
    std::vector<asio::ip::address> addresses;
};

GuardedFetch::GuardedFetch(
    HttpClient& client, FetchFilter filter, TlsTrust trust, Resolver resolve, MinimumRate rate
)
    : client_(client),
      filter_(std::move(filter)),
      trust_(std::move(trust)),
      resolve_(std::move(resolve)),
      rate_(rate) {}

awaitable<Result<GuardedFetch::Target>> GuardedFetch::admit(std::string uri, const Call& call)
    const {
    Target target;
    SLIPWAY_CO_TRY(target.url, check_uri(filter_, uri));
    auto addresses = co_await with_deadline(call.deadline, resolve_(target.url.host));
    if (!addresses && addresses.error().code != Errc::unavailable)
        co_return std::move(addresses).error();
    const bool is_open = addresses && !addresses->empty() &&
                         std::ranges::all_of(*addresses, [&](const asio::ip::address& address) {
                             return may_be_at(filter_, target.url.host, address);
                         });
    if (!is_open)
        co_return Error(
            Errc::invalid_argument,
            "the URL does not pass filtering: its host is not known, or not allowed here"
        );
    target.addresses = std::move(*addresses);
    co_return target;
}

awaitable<Result<void>> GuardedFetch::check(std::string uri, const Call& call) const {
    SLIPWAY_CO_CHECK(co_await admit(std::move(uri), call));
    co_return Result<void>();
}

awaitable<Result<std::unique_ptr<HttpResponse>>> GuardedFetch::follow(
    std::string method, std::string uri, Headers headers, const Call& call
) const {
    for (int redirects = 0;; ++redirects) {
        SLIPWAY_CO_TRY(auto target, co_await admit(uri, call));
        HttpRequest request;
        request.method = method;
        request.url = target.url;
        request.headers = headers;
        request.fresh_connection = true;
        request.addresses = std::move(target.addresses);
        auto response = co_await client_.send(std::move(request), trust_, call);
        if (!response && response.error().code == Errc::cancelled)
            co_return std::move(response).error();
        if (!response) co_return not_reached();
        if (!is_redirect((*response)->status())) co_return std::move(*response);
        if (redirects == kRedirects)
            co_return Error(Errc::unavailable, "this URL leads to more than three redirects");
        SLIPWAY_CO_TRY(uri, redirected(target.url, (*response)->header("Location")));
    }
}

awaitable<Result<FetchedBody>> GuardedFetch::open(
    std::string uri, std::optional<ByteRange> range, const Call& call
) const {
    Headers headers;
    // A size and a digest are of the bytes as they are stored.
    headers.emplace_back("Accept-Encoding", "identity");
    if (range)
        headers.emplace_back(
            "Range",
            "bytes=" + std::to_string(range->first) + '-' +
                std::to_string(range->first + range->length - 1)
        );
    SLIPWAY_CO_TRY(auto response, co_await follow("GET", std::move(uri), std::move(headers), call));
    SLIPWAY_CO_CHECK(check_status(response->status(), range.has_value()));
    FetchedBody fetched;
    fetched.size_bytes = response->content_length();
    const auto got = parse_content_range(response->header("Content-Range"));
    fetched.bytes = std::make_unique<SteadyBody>(std::move(response), rate_);
    if (!range) co_return fetched;
    const bool is_wanted = got && got->first == range->first && got->last >= got->first &&
                           got->last - got->first + 1 == range->length;
    if (!is_wanted)
        co_return Error(
            Errc::unavailable, "the server at this URL sent another part of its data than asked for"
        );
    fetched.size_bytes = got->size;
    co_return fetched;
}

awaitable<Result<std::optional<std::uint64_t>>> GuardedFetch::size(
    std::string uri, const Call& call
) const {
    Headers headers;
    headers.emplace_back("Accept-Encoding", "identity");
    SLIPWAY_CO_TRY(
        const auto response, co_await follow("HEAD", std::move(uri), std::move(headers), call)
    );
    SLIPWAY_CO_CHECK(check_status(response->status(), false));
    co_return response->content_length();
}

}  // namespace slipway::net
