#pragma once

#include "base/result.h"
#include "format/descriptor.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slipway::format {

// One hosted sparse disk (monolithicSparse) with every grain allocated, so that the bytes of a raw
// disk lie in it in order:
//
//   sector 0     header                    64 KiB grains, version 1
//   sector 1     descriptor                20 sectors
//   sector 21    redundant directory and its tables
//                directory and its tables
//   prefix_bytes() the disk's bytes, then padding_bytes() zeros up to capacity_bytes()
//
// The capacity is `size_bytes` rounded up to a whole grain (64 KiB): the format wants a multiple of
// the grain, sizes in KiB come out whole (vSphere counts disks so), and no reader needs a rule for
// a last grain that is cut. A guest sees at most 65535 zeros behind its last byte. Source: VMware,
// Virtual Disk Format 5.0, "Hosted Sparse Extents".
class SparseLayout {
public:
    static constexpr std::uint64_t kGrainBytes = 64U << 10U;

    // Tables count sectors in 32 bits, so the whole file must stay below 2 TiB.
    // Errors: invalid_argument for an empty disk, too_large beyond max_size_bytes().
    static Result<SparseLayout> create(
        std::uint64_t size_bytes, AdapterType adapter, const DiskIdentity& identity
    );
    // About 2 TiB less 256 MiB of tables.
    static std::uint64_t max_size_bytes();

    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
    // Of the first byte of the disk in the file: Location::data_offset.
    [[nodiscard]] std::uint64_t prefix_bytes() const { return prefix_bytes_; }
    [[nodiscard]] std::uint64_t padding_bytes() const { return capacity_bytes_ - size_bytes_; }
    [[nodiscard]] std::uint64_t capacity_bytes() const { return capacity_bytes_; }
    [[nodiscard]] std::uint64_t file_bytes() const { return prefix_bytes_ + capacity_bytes_; }

    // Fills `into` with the bytes of the file from `offset` on; all of them below prefix_bytes().
    // Tables are computed, not held: 8 bytes for every grain of the disk.
    void read_prefix(std::uint64_t offset, std::span<std::byte> into) const;

private:
    // A run of 32-bit numbers: first, first + step, … `count` of them, then zeros up to end_bytes.
    struct Numbers {
        std::uint64_t begin_bytes = 0;
        std::uint64_t end_bytes = 0;
        std::uint64_t count = 0;
        std::uint64_t first = 0;
        std::uint64_t step = 0;
    };

    SparseLayout() = default;
    void write_header(std::uint64_t rgd_sector, std::uint64_t gd_sector);
    static void copy_numbers(const Numbers& run, std::uint64_t offset, std::span<std::byte> into);

    std::uint64_t size_bytes_ = 0;
    std::uint64_t capacity_bytes_ = 0;
    std::uint64_t prefix_bytes_ = 0;
    std::vector<std::byte> head_;  // header and descriptor
    std::vector<Numbers> runs_;    // in the order of the file
};

}  // namespace slipway::format
