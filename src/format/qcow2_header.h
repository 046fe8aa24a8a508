#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace slipway::format {

// The header of a qcow2 file. Source: QEMU, docs/interop/qcow2.txt.
struct Qcow2Header {
    // Enough for version 2, and for the fixed part of version 3.
    static constexpr std::size_t kBytes = 104;
    // Version 3 may go on; this one byte is looked at.
    static constexpr std::size_t kCompressionTypeAt = 104;

    enum class Compression : std::uint8_t { zlib = 0, zstd = 1 };

    std::uint32_t version = 0;
    std::uint64_t backing_file_at = 0;
    std::uint32_t cluster_bits = 0;
    std::uint64_t size_bytes = 0;
    std::uint32_t encryption = 0;
    std::uint32_t l1_entries = 0;
    std::uint64_t l1_at = 0;
    std::uint64_t refcounts_at = 0;
    std::uint32_t refcount_clusters = 0;
    std::uint32_t snapshots = 0;
    std::uint64_t snapshots_at = 0;
    std::uint64_t features = 0;  // incompatible ones
    std::uint32_t header_bytes = 0;

    static Qcow2Header parse(std::span<const std::byte> bytes);
    // Whether it may be stored; the file's length is absent while it is not known.
    // Errors: unsupported.
    [[nodiscard]] Result<void> check(std::optional<std::uint64_t> file_bytes) const;
    // Whether its data can be read as well. Errors: unsupported.
    [[nodiscard]] Result<void> check_readable() const;

    [[nodiscard]] std::uint64_t cluster_bytes() const { return 1ULL << cluster_bits; }
    [[nodiscard]] bool names_compression() const;

private:
    [[nodiscard]] Result<void> check_tables(std::optional<std::uint64_t> file_bytes) const;
};

}  // namespace slipway::format
