#pragma once

#include "format/disk_reader.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace slipway::test {

// A disk in memory. Grains that are not in the map must be zeros.
class MemoryDisk : public format::DiskReader {
public:
    MemoryDisk(std::vector<std::byte> bytes, format::GrainMap used)
        : bytes_(std::move(bytes)), used_(std::move(used)) {}

    [[nodiscard]] std::uint64_t capacity_bytes() const override { return bytes_.size(); }
    awaitable<Result<format::GrainMap>> used_grains() override { co_return used_; }

    awaitable<Result<void>> read_grain(
        std::uint64_t grain, std::span<std::byte, format::kDiskGrainBytes> into
    ) override {
        std::fill(into.begin(), into.end(), std::byte{0});
        const std::uint64_t at = grain * format::kDiskGrainBytes;
        const auto count = std::min(format::kDiskGrainBytes, bytes_.size() - at);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
        co_return Result<void>();
    }

private:
    std::vector<std::byte> bytes_;
    format::GrainMap used_;
};

}  // namespace slipway::test
