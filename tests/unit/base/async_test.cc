#include "base/async.h"

#include "tests/support/run.h"

#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <atomic>
#include <exception>
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
        Wakeup wakeup;
        wakeup.notify();
        co_await sleep_for(1ms);
        const auto start = std::chrono::steady_clock::now();
        co_await wakeup.wait(60s);
        EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
    };
    test::run(body());
}

TEST(Wakeup, EndsTheWaitThatHasBegun) {
    auto body = []() -> awaitable<void> {
        Wakeup wakeup;
        const auto start = std::chrono::steady_clock::now();
        std::jthread other([&] {
            std::this_thread::sleep_for(5ms);
            wakeup.notify();
        });
        co_await wakeup.wait(60s);
        co_await wakeup.wait(1ms);  // it was one notification
        EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
    };
    test::run(body());
}

TEST(Wakeup, CanBeLeftByACancellation) {
    auto body = []() -> awaitable<void> {
        Wakeup wakeup;
        EXPECT_FALSE(co_await run_until(after(1ms), wakeup.wait(60s)));
        wakeup.notify();
        EXPECT_TRUE(co_await run_until(after(5s), wakeup.wait(60s)));
    };
    test::run(body());
}

// Two event loops that the test turns by hand: where the caller runs, and where the operation does.
class RunOn : public testing::Test {
protected:
    void start(awaitable<void> operation) {
        auto caller = [](asio::any_io_executor executor, awaitable<void> work) -> awaitable<void> {
            co_await run_on(std::move(executor), std::move(work));
        };
        asio::co_spawn(
            here_,
            caller(there_.get_executor(), std::move(operation)),
            asio::bind_cancellation_slot(
                cut_.slot(),
                [this](std::exception_ptr thrown) {
                    ended_ = true;
                    thrown_ = std::move(thrown);
                }
            )
        );
        here_.poll();
    }
    // Until neither loop has anything to do that does not wait for a time.
    void turn_both() {
        while (there_.poll() + here_.poll() > 0) {
        }
    }

    asio::io_context here_;
    asio::io_context there_;
    asio::cancellation_signal cut_;
    std::exception_ptr thrown_;
    bool ended_ = false;
};

TEST_F(RunOn, RunsTheOperationThereAndGoesOnHere) {
    bool ran_there = false;
    auto operation = [](asio::io_context& there, bool& ran) -> awaitable<void> {
        co_await give_way();
        ran = there.get_executor().running_in_this_thread();
    };
    start(operation(there_, ran_there));
    there_.poll();
    EXPECT_TRUE(ran_there);
    EXPECT_FALSE(ended_);
    here_.poll();
    EXPECT_TRUE(ended_);
    EXPECT_FALSE(thrown_);
}

TEST_F(RunOn, ThrowsWhatTheOperationThrows) {
    auto operation = []() -> awaitable<void> {
        throw std::runtime_error("broken");
        co_return;
    };
    start(operation());
    turn_both();
    ASSERT_TRUE(ended_);
    EXPECT_THROW(std::rethrow_exception(thrown_), std::runtime_error);
}

TEST_F(RunOn, CancelsTheOperation) {
    bool unwound = false;
    auto operation = [](bool& out) -> awaitable<void> {
        struct Unwound {
            bool& out;
            ~Unwound() { out = true; }
        } const unwound_here{out};
        co_await sleep_for(1h);
    };
    start(operation(unwound));
    there_.poll();
    cut_.emit(asio::cancellation_type::terminal);
    turn_both();
    EXPECT_TRUE(unwound);
    EXPECT_TRUE(ended_);
    EXPECT_TRUE(thrown_);
}

// The cancellation is on its way to the operation's loop when the operation ends, and comes there
// when the caller has gone.
TEST_F(RunOn, TakesACancellationThatComesTooLate) {
    auto operation = []() -> awaitable<void> { co_return; };
    start(operation());
    there_.run_one();  // the operation has ended, and has still to say so
    cut_.emit(asio::cancellation_type::terminal);
    there_.run_one();
    here_.poll();
    EXPECT_TRUE(ended_);
    turn_both();
}

TEST_F(RunOn, TakesCancellationsAtAnyMoment) {
    BlockingPool pool(2);
    auto body = [](BlockingPool& workers) -> awaitable<void> {
        for (int round = 0; round < 2000; ++round) {
            auto operation = [](int steps) -> awaitable<void> {
                for (int step = 0; step < steps; ++step) co_await give_way();
            };
            static_cast<void>(co_await run_until(
                after(std::chrono::microseconds(round % 50)),
                run_on(workers.strand(), operation(round % 7))
            ));
        }
    };
    EXPECT_NO_THROW(test::run(body(pool)));
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
