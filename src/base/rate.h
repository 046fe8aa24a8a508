#pragma once

#include "base/call.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace slipway {

// Time a peer may still take for its share of a window: it has to move `bytes_per_second` over each
// `window` of waiting for it. Time that we spend elsewhere does not count against it.
class MinimumRate {
public:
    MinimumRate(std::chrono::milliseconds window, std::uint64_t bytes_per_second);

    // The wait for the peer begins: until when it may last.
    Deadline begin();
    // It ended with so many bytes.
    void end(std::size_t bytes);

private:
    std::chrono::steady_clock::duration window_;
    std::uint64_t window_bytes_;
    std::chrono::steady_clock::duration left_;
    std::uint64_t bytes_ = 0;
    Deadline started_{};
};

}  // namespace slipway
