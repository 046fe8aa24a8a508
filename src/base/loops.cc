#include "base/loops.h"

#include "base/log.h"

#include <boost/asio/this_coro.hpp>

#include <exception>

namespace slipway {

namespace {

constexpr std::chrono::seconds kPause{1};

awaitable<void> run_again(std::string name, std::function<awaitable<void>()> body) {
    while (true) {
        std::exception_ptr thrown;
        std::string why = "unknown";
        try {
            co_await body();
            co_return;
        } catch (const std::exception& error) {
            thrown = std::current_exception();
            why = error.what();
        } catch (...) {
            thrown = std::current_exception();
        }
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none) std::rethrow_exception(thrown);
        log::error({}, "loop.threw", {{"task", name}, {"error", why}});
        co_await sleep_for(kPause);
    }
}

}  // namespace

void keep_running(TaskGroup& group, std::string name, std::function<awaitable<void>()> body) {
    group.spawn(name, [name, body = std::move(body)] { return run_again(name, body); });
}

}  // namespace slipway
