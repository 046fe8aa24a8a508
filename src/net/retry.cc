#include "net/retry.h"

#include <algorithm>
#include <random>

namespace slipway::net {

std::optional<std::chrono::milliseconds> next_delay(
    const RetryPolicy& policy,
    int failures,
    double jitter,
    Deadline deadline,
    std::chrono::steady_clock::time_point now
) {
    if (failures >= policy.attempts) return std::nullopt;
    const int doublings = std::clamp(failures - 1, 0, 20);
    const auto ceiling = std::min(policy.base_delay * (1 << doublings), policy.max_delay);
    const double share = 0.5 + 0.5 * std::clamp(jitter, 0.0, 1.0);
    const std::chrono::milliseconds delay(
        static_cast<std::int64_t>(static_cast<double>(ceiling.count()) * share)
    );
    if (deadline != kNoDeadline && deadline - now <= delay) return std::nullopt;
    return delay;
}

double random_jitter() {
    thread_local std::minstd_rand engine{std::random_device{}()};
    return std::uniform_real_distribution<double>(0, 1)(engine);
}

}  // namespace slipway::net
