#pragma once

#include <chrono>
#include <string>

namespace slipway {

// A point on the monotonic clock by which an operation must be over.
using Deadline = std::chrono::steady_clock::time_point;

inline constexpr Deadline kNoDeadline = Deadline::max();

inline Deadline after(std::chrono::steady_clock::duration from_now) {
    return std::chrono::steady_clock::now() + from_now;
}

// Handed down through every layer: whose work this is (for logs, and vCenter's operation id) and
// until when it may take. Nobody invents a longer deadline on the way.
struct Call {
    std::string request_id;
    Deadline deadline = kNoDeadline;

    // The same call, to be over by `other` if that is earlier.
    [[nodiscard]] Call within(std::chrono::steady_clock::duration limit) const {
        Call shorter = *this;
        shorter.deadline = std::min(deadline, after(limit));
        return shorter;
    }
};

}  // namespace slipway
