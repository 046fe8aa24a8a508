#include "service/taps.h"

#include <algorithm>
#include <utility>

namespace slipway::service {

Result<HashTap> HashTap::create(const std::string& algorithm) {
    SLIPWAY_TRY(Digest md5, Digest::create("md5"));
    SLIPWAY_TRY(Digest other, Digest::create(algorithm));
    return HashTap(std::move(md5), std::move(other));
}

Result<void> HashTap::see(std::span<const std::byte> chunk) {
    md5_.update(chunk);
    other_.update(chunk);
    return {};
}

HashTap::Values HashTap::finish() {
    return {md5_.finish_hex(), other_.finish_hex()};
}

Result<void> SizeTap::see(std::span<const std::byte> chunk) {
    seen_ += chunk.size();
    if (seen_ > limit_) return refusal_;
    return {};
}

Result<void> WindowTap::see(std::span<const std::byte> chunk) {
    const std::uint64_t begin = std::max(first_, position_);
    const std::uint64_t end = std::min(end_, position_ + chunk.size());
    const std::uint64_t chunk_begin = std::exchange(position_, position_ + chunk.size());
    if (begin >= end) return {};
    const auto inside = chunk.subspan(begin - chunk_begin, end - begin);
    for (Tap* tap : inner_) SLIPWAY_CHECK(tap->see(inside));
    return {};
}

Result<void> StopTap::see(std::span<const std::byte>) {
    if (stop_->load(std::memory_order_relaxed)) return refusal_;
    return {};
}

}  // namespace slipway::service
