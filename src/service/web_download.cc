#include "service/web_download.h"

namespace slipway::service {

namespace {

constexpr std::chrono::seconds kCheckLimit{20};
constexpr std::chrono::seconds kAnswerLimit{60};  // up to the head of the answer, redirects and all

// A body with the connection that it comes from.
class WebBody final : public ByteSource {
public:
    explicit WebBody(net::FetchedBody fetched) : fetched_(std::move(fetched)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        auto got = co_await fetched_.bytes->read_some(into);
        if (!got && got.error().code != Errc::cancelled)
            co_return Error(
                Errc::unavailable, "The data at this URL broke off, or stopped coming; try again."
            );
        co_return got;
    }

private:
    net::FetchedBody fetched_;
};

}  // namespace

awaitable<Result<void>> WebDownload::check(
    const Caller& caller, const ImportRequest& request, TaskRecord& /*task*/
) {
    if (request.uri.empty())
        co_return Error(Errc::invalid_argument, "web-download needs a uri to download from.");
    co_return co_await fetch_.check(request.uri, caller.call.within(kCheckLimit));
}

awaitable<Result<FetchedData>> WebDownload::fetch(
    const TaskRecord& /*task*/, const ImportRequest& request, const Call& call
) {
    SLIPWAY_CO_TRY(
        net::FetchedBody fetched,
        co_await fetch_.open(request.uri, std::nullopt, call.within(kAnswerLimit))
    );
    FetchedData data;
    data.size_bytes = fetched.size_bytes;
    data.body = std::make_unique<WebBody>(std::move(fetched));
    co_return data;
}

}  // namespace slipway::service
