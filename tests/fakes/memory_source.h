#pragma once

#include "format/random_source.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace slipway::test {

// A stored file in memory. The bytes must outlive it.
class MemorySource : public format::RandomSource {
public:
    explicit MemorySource(std::span<const std::byte> bytes) : bytes_(bytes) {}

    // The n-th read from now on, counted from 0, and all after it report `unavailable`.
    void fail_from(std::size_t n) { reads_left_ = n; }
    [[nodiscard]] std::size_t reads() const { return reads_; }

    [[nodiscard]] std::uint64_t size_bytes() const override { return bytes_.size(); }

    awaitable<Result<void>> read_at(std::uint64_t offset, std::span<std::byte> into) override {
        ++reads_;
        if (reads_left_ == 0) co_return Error(Errc::unavailable, "the store does not answer");
        --reads_left_;
        if (offset > bytes_.size() || into.size() > bytes_.size() - offset)
            co_return Error(Errc::corrupt, "the read goes beyond the end");
        std::copy_n(
            bytes_.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin()
        );
        co_return Result<void>();
    }

private:
    std::span<const std::byte> bytes_;
    std::size_t reads_ = 0;
    std::size_t reads_left_ = static_cast<std::size_t>(-1);
};

}  // namespace slipway::test
