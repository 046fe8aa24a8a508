#include "store/http_backend.h"

#include "base/text.h"

namespace slipway::store {
namespace {

// The head of an answer, and the size of a file, are there within this time.
constexpr std::chrono::seconds kAnswerLimit{60};

// A fragment is for whoever looks at the file; it is not sent.
std::string without_fragment(const std::string& url) {
    return url.substr(0, url.find('#'));
}

// The bytes that were asked for, no more and no less.
class FetchedSource final : public ByteSource {
public:
    FetchedSource(net::FetchedBody body, std::uint64_t bytes)
        : body_(std::move(body)), bytes_(bytes) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        SLIPWAY_CO_TRY(const std::size_t got, co_await body_.bytes->read_some(into));
        const std::uint64_t left = bytes_ - read_;
        if (got > left || (got == 0 && left > 0))
            co_return Error(Errc::corrupt, "the web server sent another size than it announced");
        read_ += got;
        co_return got;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return bytes_; }

private:
    net::FetchedBody body_;
    std::uint64_t bytes_;
    std::uint64_t read_ = 0;
};

}  // namespace

HttpBackend::HttpBackend(HttpBackendOptions options, const net::GuardedFetch& fetch)
    : fetch_(fetch) {
    info_.id = std::move(options.id);
    info_.type = "http";
    info_.description = std::move(options.description);
    info_.weight = options.weight;
    info_.read_only = true;
    info_.boot_form = BootFormMode::off;
}

Error HttpBackend::read_only() const {
    return Error(
        Errc::gone,
        "The store " + info_.id.str() + " is read-only: it holds locations, and takes no data."
    );
}

awaitable<Result<Placement>> HttpBackend::place(const PlaceRequest&, const Call&) {
    co_return read_only();
}

awaitable<Result<std::unique_ptr<ObjectWriter>>>
HttpBackend::open_writer(const Location&, std::optional<std::uint64_t>, const Call&) {
    co_return read_only();
}

awaitable<Result<std::unique_ptr<ByteSource>>> HttpBackend::open_reader(
    const Location& location, ByteRange range, const Call& call
) {
    if (range.first > location.stored_bytes || range.length > location.stored_bytes - range.first)
        co_return Error(Errc::invalid_argument, "the range lies outside of the file");
    if (range.length == 0) co_return std::make_unique<TextSource>("");
    std::optional<ByteRange> part;
    if (range.length < location.stored_bytes) part = range;
    SLIPWAY_CO_TRY(
        auto body,
        co_await fetch_.open(without_fragment(location.url), part, call.within(kAnswerLimit))
    );
    if (body.size_bytes.value_or(location.stored_bytes) != location.stored_bytes)
        co_return Error(
            Errc::corrupt, "the file on the web server does not have the size that it had"
        );
    co_return std::make_unique<FetchedSource>(std::move(body), range.length);
}

awaitable<Result<std::uint64_t>> HttpBackend::stat(const Location& location, const Call& call) {
    SLIPWAY_CO_TRY(
        const auto size,
        co_await fetch_.size(without_fragment(location.url), call.within(kAnswerLimit))
    );
    if (!size)
        co_return Error(
            Errc::invalid_argument, "the web server does not say how large the file at the URL is"
        );
    co_return *size;
}

awaitable<Result<void>> HttpBackend::remove(const Location&, const Call&) {
    co_return Result<void>();
}

Result<std::optional<Location>> HttpBackend::foreign_location(const std::string& url) const {
    const std::string scheme = lower_case(url.substr(0, std::min(url.find(':'), url.size())));
    if (scheme != "http" && scheme != "https") return std::optional<Location>();
    SLIPWAY_CHECK(net::check_uri(fetch_.filter(), without_fragment(url)));
    Location location;
    location.backend = info_.id;
    location.url = url;
    return std::optional(std::move(location));
}

awaitable<Result<std::vector<Placement>>> HttpBackend::list(const Call&) {
    co_return std::vector<Placement>();
}

std::string HttpBackend::location_url(const Location& location) const {
    return location.url;
}

awaitable<Result<void>> HttpBackend::check_clone(const CloneRequest&, const Call&) {
    co_return Error(
        Errc::unsupported, "This copy of the image lies on a web server, which makes no clones."
    );
}

awaitable<Result<Account>> HttpBackend::clone(
    const CloneRequest& request,
    const std::string& /*checkpoint*/,
    CloneProgress& /*progress*/,
    const Call& call
) {
    SLIPWAY_CO_CHECK(co_await check_clone(request, call));
    co_return Account();
}

awaitable<Result<std::vector<DatastoreStatus>>> HttpBackend::datastores(const Call&) {
    co_return std::vector<DatastoreStatus>();
}

}  // namespace slipway::store
