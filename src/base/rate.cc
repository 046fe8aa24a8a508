#include "base/rate.h"

namespace slipway {

MinimumRate::MinimumRate(std::chrono::milliseconds window, std::uint64_t bytes_per_second)
    : window_(window),
      window_bytes_(bytes_per_second * static_cast<std::uint64_t>(window.count()) / 1000),
      left_(window_) {}

Deadline MinimumRate::begin() {
    started_ = std::chrono::steady_clock::now();
    return started_ + left_;
}

void MinimumRate::end(std::size_t bytes) {
    left_ -= std::chrono::steady_clock::now() - started_;
    bytes_ += bytes;
    if (bytes_ < window_bytes_) return;
    left_ = window_;
    bytes_ = 0;
}

}  // namespace slipway
