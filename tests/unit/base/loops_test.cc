#include "base/loops.h"

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>

#include <new>

namespace slipway {
namespace {

TEST(Loops, AreStartedAgainAfterAnException) {
    asio::io_context io;
    TaskGroup group(io.get_executor());
    int starts = 0;
    keep_running(group, "loop", [&starts]() -> awaitable<void> {
        co_await give_way();
        if (++starts < 2) throw std::bad_alloc();
    });
    io.run();
    EXPECT_EQ(starts, 2);
    EXPECT_EQ(group.size(), 0U);
}

TEST(Loops, EndWhenTheyAreCancelled) {
    asio::io_context io;
    TaskGroup group(io.get_executor());
    int starts = 0;
    keep_running(group, "loop", [&]() -> awaitable<void> {
        ++starts;
        group.cancel(asio::cancellation_type::terminal);
        co_await sleep_for(std::chrono::hours(1));
    });
    io.run();
    EXPECT_EQ(starts, 1);
    EXPECT_EQ(group.size(), 0U);
}

}  // namespace
}  // namespace slipway
