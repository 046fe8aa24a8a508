#include "net/retry.h"

#include "tests/support/run.h"

#include <gtest/gtest.h>

namespace slipway::net {
namespace {

using namespace std::chrono_literals;

constexpr RetryPolicy kPolicy{.attempts = 5, .base_delay = 100ms, .max_delay = 500ms};
constexpr std::chrono::steady_clock::time_point kNow{1h};

TEST(NextDelay, DoublesUpToItsLimit) {
    EXPECT_EQ(next_delay(kPolicy, 1, 1.0, kNoDeadline, kNow), 100ms);
    EXPECT_EQ(next_delay(kPolicy, 2, 1.0, kNoDeadline, kNow), 200ms);
    EXPECT_EQ(next_delay(kPolicy, 3, 1.0, kNoDeadline, kNow), 400ms);
    EXPECT_EQ(next_delay(kPolicy, 4, 1.0, kNoDeadline, kNow), 500ms);
}

TEST(NextDelay, IsSpreadOverTheUpperHalf) {
    EXPECT_EQ(next_delay(kPolicy, 2, 0.0, kNoDeadline, kNow), 100ms);
    EXPECT_EQ(next_delay(kPolicy, 2, 0.5, kNoDeadline, kNow), 150ms);
}

TEST(NextDelay, GivesUpWhenTheAttemptsAreSpent) {
    EXPECT_FALSE(next_delay(kPolicy, 5, 0.5, kNoDeadline, kNow));
    EXPECT_FALSE(next_delay({.attempts = 1}, 1, 0.5, kNoDeadline, kNow));
}

TEST(NextDelay, GivesUpWhenTheDeadlineComesFirst) {
    EXPECT_FALSE(next_delay(kPolicy, 1, 1.0, kNow + 100ms, kNow));
    EXPECT_EQ(next_delay(kPolicy, 1, 1.0, kNow + 101ms, kNow), 100ms);
}

TEST(NextDelay, DoesNotOverflow) {
    const RetryPolicy patient{.attempts = 1'000'000, .base_delay = 1h, .max_delay = 2h};
    EXPECT_EQ(next_delay(patient, 999'999, 1.0, kNoDeadline, kNow), 2h);
}

// Counts its calls; fails the first `failures` of them.
struct Flaky {
    int failures;
    Errc code = Errc::unavailable;
    int calls = 0;

    awaitable<Result<int>> operator()() {
        if (++calls <= failures) co_return Error(code, "not now");
        co_return calls;
    }
};

bool is_unavailable(const Error& error) {
    return error.code == Errc::unavailable;
}
constexpr RetryPolicy kFast{.attempts = 4, .base_delay = 1ms, .max_delay = 2ms};

TEST(WithRetries, TriesUntilItSucceeds) {
    Flaky op{.failures = 3};
    EXPECT_EQ(test::run(with_retries(kFast, Call{}, op, is_unavailable)).value(), 4);
}

TEST(WithRetries, ReturnsTheLastErrorWhenTheAttemptsAreSpent) {
    Flaky op{.failures = 9};
    EXPECT_EQ(
        test::run(with_retries(kFast, Call{}, op, is_unavailable)).error().code, Errc::unavailable
    );
    EXPECT_EQ(op.calls, 4);
}

TEST(WithRetries, StopsAtAnErrorThatWillNotGoAway) {
    Flaky op{.failures = 9, .code = Errc::forbidden};
    EXPECT_FALSE(test::run(with_retries(kFast, Call{}, op, is_unavailable)));
    EXPECT_EQ(op.calls, 1);
}

}  // namespace
}  // namespace slipway::net
