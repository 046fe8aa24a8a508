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
// A directory is held while its tables pass: 512 KiB, 4 TiB at the usual grain.
inline constexpr std::uint64_t kMaxTables = 128U << 10U;

// SparseHeader::flags
inline constexpr std::uint32_t kNewlineTest = 1U << 0U;
inline constexpr std::uint32_t kRedundantTables = 1U << 1U;
inline constexpr std::uint32_t kZeroGrains = 1U << 2U;
inline constexpr std::uint32_t kCompressed = 1U << 16U;
inline constexpr std::uint32_t kMarkers = 1U << 17U;
// SparseHeader::compression
inline constexpr std::uint16_t kDeflate = 1;

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
    // Fills one sector; magic and newlines as they have to be.
    void write(std::span<std::byte> sector) const;

    // What the format allows and no more. Errors: unsupported.
    [[nodiscard]] Result<void> check(const InspectionLimits& limits) const;
    // The same, but the last grain may be cut by the capacity. Hosts do not take such files,
    // readers can.
    [[nodiscard]] Result<void> check_readable(const InspectionLimits& limits) const;
    // The embedded descriptor must be safe, and say what the header says. Errors: unsupported.
    [[nodiscard]] Result<void> check_descriptor(std::span<const std::byte> text) const;

    [[nodiscard]] VmdkKind kind() const;
    [[nodiscard]] bool has_redundant_directory() const { return (flags & kRedundantTables) != 0; }
    [[nodiscard]] bool has_zero_grains() const { return (flags & kZeroGrains) != 0; }
    [[nodiscard]] bool has_footer() const { return directory_at == kDirectoryAtEnd; }
    [[nodiscard]] std::uint64_t grains() const {
        return capacity / grain + (capacity % grain == 0 ? 0 : 1);
    }
    [[nodiscard]] std::uint64_t tables() const {
        return (grains() + kEntriesPerTable - 1) / kEntriesPerTable;
    }
    [[nodiscard]] std::uint64_t directory_sectors() const {
        return (tables() * 4 + kSectorBytes - 1) / kSectorBytes;
    }
};

// Whether a footer is its file's header again, apart from the places of the directories.
bool is_footer_of(std::span<const std::byte> header, std::span<const std::byte> footer);

}  // namespace slipway::format
