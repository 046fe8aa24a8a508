#pragma once

#include "base/async.h"
#include "base/call.h"
#include "base/result.h"

#include <chrono>
#include <optional>

namespace slipway::net {

// How often something is tried, and how long is waited in between.
struct RetryPolicy {
    int attempts = 4;  // in all, the first included
    std::chrono::milliseconds base_delay{200};
    std::chrono::milliseconds max_delay{5000};
};

// How long to wait after `failures` failed attempts, or nothing when it is time to give up: the
// attempts are spent, or the wait would end after `deadline`.
// The wait doubles from base_delay to max_delay; `jitter`, from 0 to 1, chooses a point in its
// upper half, so that many who failed together do not come back together.
std::optional<std::chrono::milliseconds> next_delay(
    const RetryPolicy& policy,
    int failures,
    double jitter,
    Deadline deadline,
    std::chrono::steady_clock::time_point now
);

// A number from 0 to 1 for next_delay().
double random_jitter();

// Calls `op` until it succeeds, fails with an error that `is_retriable` refuses, or next_delay()
// says to give up; returns the last result. `op` is a named callable that returns
// awaitable<Result<T>>.
template <class Op, class IsRetriable>
std::invoke_result_t<Op&> with_retries(
    RetryPolicy policy, const Call& call, Op& op, IsRetriable is_retriable
) {
    for (int failures = 1;; ++failures) {
        auto result = co_await op();
        if (result || !is_retriable(result.error())) co_return result;
        const auto delay = next_delay(
            policy, failures, random_jitter(), call.deadline, std::chrono::steady_clock::now()
        );
        if (!delay) co_return result;
        co_await sleep_for(*delay);
    }
}

}  // namespace slipway::net
