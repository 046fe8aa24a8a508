#pragma once

#include "format/vmdk_tables.h"

#include <cstdint>
#include <span>
#include <vector>

namespace slipway::format {

inline constexpr std::size_t kMarkerBytes = 16;
inline constexpr std::uint64_t kGrainHeadBytes = 12;
// Deflate adds a little to what it can not compress; writers are generous.
inline constexpr std::uint64_t kMaxGrowthBytes = 64U << 10U;

// Types of markers.
inline constexpr std::uint32_t kEndOfStream = 0;
inline constexpr std::uint32_t kGrainTable = 1;
inline constexpr std::uint32_t kGrainDirectory = 2;
inline constexpr std::uint32_t kFooter = 3;

// The data of a stream-optimised file: a chain of grains and metadata, each behind a marker.
//
//   u64 sector of the disk, u32 size of the compressed grain, then the grain     or
//   u64 sectors of payload, u32 0, u32 type, zeros up to the sector, then the payload
//
// Two kinds of writers are known. With the directory before the grains, the chain is grains alone;
// an end-of-stream marker may follow, then zeros. With the directory at the end, tables and
// directory come as metadata, then a footer, then the end-of-stream marker as the last sector.
// Memory: the directory, and the places of the tables (at most 1 MiB).
class MarkerReader {
public:
    MarkerReader(const SparseHeader& header, std::span<const std::byte> header_sector);

    // Errors: unsupported.
    Result<void> see(std::uint64_t offset, std::span<const std::byte> chunk);
    // Whether the chain is whole.
    [[nodiscard]] Result<void> finish(std::uint64_t file_bytes) const;

private:
    enum class State { marker, metadata, ended };

    Result<void> read_marker();
    Result<void> read_grain(std::uint64_t disk_sector, std::uint64_t size);
    Result<void> begin_metadata(std::uint64_t payload_sectors, std::uint32_t type);
    Result<void> read_metadata();
    Result<void> read_table(std::span<const std::byte> table);
    Result<void> read_directory(std::span<const std::byte> directory);
    Result<void> read_footer(std::span<const std::byte> sector) const;
    [[nodiscard]] Result<void> check_tail(std::uint64_t offset, std::span<const std::byte> chunk)
        const;
    void expect_marker(std::uint64_t at);

    SparseHeader header_;
    std::vector<std::byte> header_sector_;
    State state_ = State::marker;
    Window window_;
    std::uint32_t type_ = 0;
    std::uint64_t next_disk_sector_ = 0;
    std::uint64_t end_ = 0;              // of the last complete item, in bytes
    std::vector<std::uint32_t> tables_;  // sectors of the tables seen
    std::uint64_t directory_at_ = 0;
    bool has_seen_footer_ = false;
    GrainEntries entries_;
};

}  // namespace slipway::format
