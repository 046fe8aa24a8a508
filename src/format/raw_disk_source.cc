#include "format/raw_disk_source.h"

#include <algorithm>

namespace slipway::format {

awaitable<Result<std::size_t>> RawDiskSource::read_some(std::span<std::byte> into) {
    const std::uint64_t end = disk_.capacity_bytes();
    if (position_ == end) co_return std::size_t{0};
    const std::uint64_t grain = position_ / kDiskGrainBytes;
    const std::uint64_t within = position_ % kDiskGrainBytes;
    if (within == 0) {
        grain_.fill(std::byte{0});
        if (used_.is_used(grain)) SLIPWAY_CO_CHECK(co_await disk_.read_grain(grain, grain_));
    }
    const std::uint64_t left = std::min(kDiskGrainBytes - within, end - position_);
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, into.size()));
    std::copy_n(grain_.begin() + static_cast<std::ptrdiff_t>(within), count, into.begin());
    position_ += count;
    co_return count;
}

}  // namespace slipway::format
