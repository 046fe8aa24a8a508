#pragma once

#include "base/stream.h"
#include "format/disk_reader.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>

namespace slipway::format {

// The contents of a disk as a raw file: every byte of its capacity, in order.
//
// Lifetime: `disk` must outlive it. Memory: the map, and one grain.
class RawDiskSource : public ByteSource {
public:
    // `used` is that of the disk.
    RawDiskSource(DiskReader& disk, GrainMap used) : disk_(disk), used_(std::move(used)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return disk_.capacity_bytes();
    }

private:
    DiskReader& disk_;
    GrainMap used_;
    std::uint64_t position_ = 0;
    std::array<std::byte, kDiskGrainBytes> grain_{};
};

}  // namespace slipway::format
