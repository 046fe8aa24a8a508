#include "base/async.h"

#include "tests/support/run.h"

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace slipway {
namespace {

using namespace std::chrono_literals;

TEST(Offload, RunsOnAnotherThreadAndReturnsTheResult) {
    BlockingPool pool(1);
    const auto here = std::this_thread::get_id();
    auto work = [&] { return std::this_thread::get_id() != here; };
    EXPECT_TRUE(test::run(offload(pool, work)));
}

TEST(Offload, ThrowsWhatTheWorkThrows) {
    BlockingPool pool(1);
    auto work = []() -> int { throw std::runtime_error("broken"); };
    EXPECT_THROW(test::run(offload(pool, work)), std::runtime_error);
}

awaitable<Result<int>> answer_after(std::chrono::milliseconds delay) {
    co_await sleep_for(delay);
    co_return 42;
}

TEST(WithDeadline, ReturnsTheResultInTime) {
    EXPECT_EQ(test::run(with_deadline(after(5s), answer_after(1ms))).value(), 42);
}

TEST(WithDeadline, SaysTimeoutWhenTheOperationTakesTooLong) {
    const auto result = test::run(with_deadline(after(10ms), answer_after(60s)));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::timeout);
}

awaitable<Result<int>> cancelled_by_value() {
    asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    co_return Error(Errc::cancelled, "the operation was cancelled");
}

TEST(WithDeadline, SaysTimeoutWhenTheOperationReportsItsCancellation) {
    const auto result = test::run(with_deadline(after(10ms), cancelled_by_value()));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST(Semaphore, GrantsInTheOrderOfAsking) {
    auto body = []() -> awaitable<void> {
        Semaphore semaphore(1);
        TaskGroup group(co_await asio::this_coro::executor);
        std::vector<int> order;
        auto first = (co_await semaphore.acquire()).value();
        for (int i = 0; i < 3; ++i) {
            group.spawn("waiter", [&, i]() -> awaitable<void> {
                auto permit = (co_await semaphore.acquire()).value();
                order.push_back(i);
            });
            co_await sleep_for(1ms);
        }
        EXPECT_TRUE(order.empty());
        first = Semaphore::Permit();
        EXPECT_TRUE(co_await group.wait(after(5s)));
        EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
    };
    test::run(body());
}

TEST(Semaphore, GivesUpAtTheDeadline) {
    auto body = []() -> awaitable<void> {
        Semaphore semaphore(1);
        auto held = (co_await semaphore.acquire()).value();
        const auto refused = co_await semaphore.acquire(after(5ms));
        EXPECT_FALSE(refused);
        held = Semaphore::Permit();
        EXPECT_TRUE(co_await semaphore.acquire(after(1s)));
    };
    test::run(body());
}

TEST(Wakeup, RemembersANotificationThatCameBeforeTheWait) {
    auto body = []() -> awaitable<void> {
        Wakeup wakeup(co_await asio::this_coro::executor);
        wakeup.notify();
        co_await sleep_for(1ms);
        const auto start = std::chrono::steady_clock::now();
        co_await wakeup.wait(60s);
        EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
    };
    test::run(body());
}

TEST(TaskGroup, LogsWhateverATaskThrew) {
    testing::internal::CaptureStderr();
    auto body = []() -> awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        group.spawn("first", []() -> awaitable<void> {
            throw 7;
            co_return;
        });
        group.spawn("second", []() -> awaitable<void> {
            throw std::runtime_error("broken");
            co_return;
        });
        EXPECT_TRUE(co_await group.wait(after(5s)));
    };
    test::run(body());
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_NE(log.find("task=first error=unknown"), std::string::npos) << log;
    EXPECT_NE(log.find("task=second error=broken"), std::string::npos) << log;
}

TEST(RunToEnd, GoesOnAfterAHandlerThrew) {
    asio::io_context io;
    bool reached = false;
    asio::post(io, [] { throw std::runtime_error("broken"); });
    asio::post(io, [] { throw 7; });
    asio::post(io, [&] { reached = true; });
    testing::internal::CaptureStderr();
    run_to_end(io);
    const std::string log = testing::internal::GetCapturedStderr();
    EXPECT_TRUE(reached);
    EXPECT_NE(log.find("error=broken"), std::string::npos) << log;
    EXPECT_NE(log.find("error=unknown"), std::string::npos) << log;
}

TEST(TaskGroup, EndsItsTasksWhenCancelled) {
    auto body = []() -> awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        group.spawn("sleeper", []() -> awaitable<void> { co_await sleep_for(1h); });
        co_await sleep_for(1ms);
        EXPECT_EQ(group.size(), 1U);
        group.cancel(asio::cancellation_type::terminal);
        EXPECT_TRUE(co_await group.wait(after(5s)));
    };
    test::run(body());
}

}  // namespace
}  // namespace slipway
