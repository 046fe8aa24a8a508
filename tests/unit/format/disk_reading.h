#pragma once

#include "format/disk_reader.h"
#include "tests/support/run.h"
#include "tests/unit/format/disk_builder.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>

// Reads disks and files by the code under test.
namespace slipway::test {

// What a guest reads from the first `most_grains` grains. Errors: also internal when a grain that
// is said to be unused holds something.
inline Result<Bytes> read_disk(
    format::RandomSource& source,
    const std::string& disk_format,
    const std::string& container_format,
    std::uint64_t most_grains = 1U << 20U
) {
    SLIPWAY_TRY(const auto disk, run(format::open_disk(source, disk_format, container_format)));
    SLIPWAY_TRY(const format::GrainMap used, run(disk->used_grains()));
    Bytes content;
    std::array<std::byte, format::kDiskGrainBytes> grain{};
    for (std::uint64_t i = 0; i < std::min(used.grains(), most_grains); ++i) {
        SLIPWAY_CHECK(run(disk->read_grain(i, grain)));
        const bool holds_zeros =
            std::all_of(grain.begin(), grain.end(), [](std::byte b) { return b == std::byte{0}; });
        if (!used.is_used(i) && !holds_zeros)
            return Error(Errc::internal, "the map leaves out grain " + std::to_string(i));
        content.insert(content.end(), grain.begin(), grain.end());
    }
    content.resize(std::min<std::uint64_t>(content.size(), disk->capacity_bytes()));
    return content;
}

// The whole of a source, read in pieces of `piece`.
inline Result<Bytes> read_source(ByteSource& source, std::size_t piece) {
    Bytes content;
    Bytes buffer(piece);
    for (;;) {
        SLIPWAY_TRY(const std::size_t got, run(source.read_some(buffer)));
        if (got == 0) return content;
        content.insert(
            content.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got)
        );
    }
}

}  // namespace slipway::test
