#include "vsphere/retries.h"

#include "net/retry.h"
#include "vsphere/fault.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

namespace slipway::vsphere {
namespace {

using namespace std::chrono_literals;

struct Budget {
    net::RetryPolicy policy;
    std::chrono::seconds at_most;
};

constexpr int kAnyNumber = std::numeric_limits<int>::max();

constexpr Budget kLocked{{kAnyNumber, 500ms, 5s}, 2min};
constexpr Budget kNativeClones{{kAnyNumber, 10s, 60s}, 30min};
constexpr Budget kOnceMore{{2, 500ms, 10s}, 2min};
constexpr Budget kUsual{{4, 500ms, 10s}, 2min};

const Budget& budget_of(std::string_view reason) {
    constexpr std::array<std::string_view, 4> kFileTroubles = {
        "CannotAccessFile", "CannotCreateFile", "CannotDeleteFile", "FileFault"};
    if (reason == "FileLocked") return kLocked;
    if (reason == "TooManyConcurrentNativeClones") return kNativeClones;
    if (std::ranges::find(kFileTroubles, reason) != kFileTroubles.end()) return kOnceMore;
    return kUsual;
}

bool is_worth_it(const Error& error) {
    return error.reason == kOutcomeUnknown || error.reason == kTaskVanished ||
           retry_class(error) == RetryClass::retry;
}

}  // namespace

std::optional<std::chrono::milliseconds> Retries::next(
    const Error& error, double jitter, Deadline deadline, std::chrono::steady_clock::time_point now
) {
    if (!is_worth_it(error)) return std::nullopt;
    const Budget& budget = budget_of(error.reason);
    auto& spent = spent_[&budget];
    if (spent.failures++ == 0) spent.since = now;
    const auto end = std::min(deadline, spent.since + budget.at_most);
    return net::next_delay(budget.policy, spent.failures, jitter, end, now);
}

std::optional<std::chrono::milliseconds> Retries::next(const Error& error, Deadline deadline) {
    return next(error, net::random_jitter(), deadline, std::chrono::steady_clock::now());
}

}  // namespace slipway::vsphere
