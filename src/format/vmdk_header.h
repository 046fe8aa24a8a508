#pragma once

#include "base/result.h"
#include "format/descriptor.h"
#include "format/inspector.h"

#include <cstdint>
#include <span>

namespace slipway::format {

inline constexpr std::uint64_t kSparseHeaderBytes = 512;
inline constexpr std::uint64_t kEntriesPerTable = 512;
inline constexpr std::uint64_t kTableBytes = kEntriesPerTable * 4;
inline constexpr std::uint64_t kTableSectors = kTableBytes / kSectorBytes;
inline constexpr std::uint64_t kDirectoryAtEnd = ~0ULL;

// The header of a hosted sparse file. Offsets are sectors.
// Source: VMware, Virtual Disk Format 5.0, "Hosted Sparse Extents".
struct SparseHeader {
    std::uint32_t version = 0;
    std::uint32_t flags = 0;
    std::uint64_t capacity = 0;
    std::uint64_t grain = 0;
    std::uint64_t descriptor_at = 0;
    std::uint64_t descriptor_sectors = 0;
    std::uint32_t entries_per_table = 0;
    std::uint64_t redundant_directory_at = 0;
    std::uint64_t directory_at = 0;
    std::uint64_t overhead = 0;
    std::uint16_t compression = 0;
    bool has_intact_newlines = false;

    static SparseHeader parse(std::span<const std::byte> sector);
    // What the format allows and no more. Errors: unsupported.
    [[nodiscard]] Result<void> check(const InspectionLimits& limits) const;

    [[nodiscard]] VmdkKind kind() const;
    [[nodiscard]] bool has_redundant_directory() const { return (flags & 2U) != 0; }
    [[nodiscard]] bool has_zero_grains() const { return (flags & 4U) != 0; }
    [[nodiscard]] bool has_footer() const { return directory_at == kDirectoryAtEnd; }
    [[nodiscard]] std::uint64_t grains() const { return capacity / grain; }
    [[nodiscard]] std::uint64_t tables() const {
        return (grains() + kEntriesPerTable - 1) / kEntriesPerTable;
    }
    [[nodiscard]] std::uint64_t directory_sectors() const {
        return (tables() * 4 + kSectorBytes - 1) / kSectorBytes;
    }
};

}  // namespace slipway::format
