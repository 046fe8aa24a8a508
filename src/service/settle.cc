#include "service/settle.h"

#include "base/log.h"

namespace slipway::service {

namespace {

constexpr std::chrono::seconds kAgain{2};

}  // namespace

bool may_pass(const Error& error) {
    switch (error.code) {
        case Errc::internal:
        case Errc::no_space:
        case Errc::unavailable:
        case Errc::timeout:
        case Errc::corrupt:
            return true;
        default:
            return false;
    }
}

Error error_of(const Call& call, const std::exception_ptr& thrown) {
    std::string what = "unknown";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
    }
    log::error(call, "work.threw", {{"error", what}});
    return {Errc::internal, "The work was ended by a failure of slipway."};
}

awaitable<Result<void>> settle(
    const Call& call, std::function<awaitable<Result<void>>()> step, std::function<bool()> lost
) {
    while (true) {
        auto done = co_await step();
        if (done || !may_pass(done.error()) || (lost && lost())) co_return done;
        log::warning(call, "catalogue.again", {{"error", done.error().message}});
        co_await sleep_for(kAgain);
    }
}

awaitable<void> drop_surely(store::Catalog& catalog, LocationId id, const Call& call) {
    const auto dropped =
        co_await settle(call, [&] { return catalog.drop_location(id, std::chrono::seconds(0)); });
    if (!dropped)
        log::warning(
            call,
            "location.not_given_up",
            {{"location", id.str()}, {"error", dropped.error().message}}
        );
}

}  // namespace slipway::service
