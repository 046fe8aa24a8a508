#pragma once

#include "base/result.h"
#include "format/descriptor.h"
#include "format/disk_reader.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace slipway::format {

// One hosted sparse disk (monolithicSparse). With every grain allocated, so that the bytes of a raw
// disk lie in it in order:
//
//   sector 0     header                    64 KiB grains, version 1
//   sector 1     descriptor                20 sectors
//   sector 21    redundant directory and its tables
//                directory and its tables
//   prefix_bytes() the disk's bytes, then padding_bytes() zeros up to capacity_bytes()
//
// or with the used grains alone: whole ones, in ascending order, from prefix_bytes() on. All tables
// are there, also those that name no grain.
//
// The capacity is `size_bytes` rounded up to a whole grain (64 KiB): the format wants a multiple of
// the grain, sizes in KiB come out whole (vSphere counts disks so), and no reader needs a rule for
// a last grain that is cut. A guest sees at most 65535 zeros behind its last byte. Source: VMware,
// Virtual Disk Format 5.0, "Hosted Sparse Extents".
class SparseLayout {
public:
    static constexpr std::uint64_t kGrainBytes = kDiskGrainBytes;

    // Tables count sectors in 32 bits, so the whole file must stay below 2 TiB.
    // Errors: invalid_argument for an empty disk, too_large beyond max_size_bytes().
    static Result<SparseLayout> create(
        std::uint64_t size_bytes, AdapterType adapter, const DiskIdentity& identity
    );
    // The same for a disk of which only the used grains lie in the file. Size and offset of an
    // upload mean nothing then.
    static Result<SparseLayout> create_for(
        std::uint64_t size_bytes, GrainMap used, AdapterType adapter, const DiskIdentity& identity
    );
    // About 2 TiB less 256 MiB of tables.
    static std::uint64_t max_size_bytes();

    [[nodiscard]] std::uint64_t size_bytes() const { return size_bytes_; }
    // Of the first byte of the disk in the file: Location::data_offset.
    [[nodiscard]] std::uint64_t prefix_bytes() const { return prefix_bytes_; }
    [[nodiscard]] std::uint64_t padding_bytes() const { return capacity_bytes_ - size_bytes_; }
    [[nodiscard]] std::uint64_t capacity_bytes() const { return capacity_bytes_; }
    [[nodiscard]] std::uint64_t file_bytes() const { return prefix_bytes_ + data_bytes_; }
    // What create_for() was given.
    [[nodiscard]] const std::optional<GrainMap>& used() const { return used_; }

    // Fills `into` with the bytes of the file from `offset` on; all of them below prefix_bytes().
    // Tables are computed, not held: 8 bytes for every grain of the disk.
    void read_prefix(std::uint64_t offset, std::span<std::byte> into) const;

private:
    // A run of 32-bit numbers: first, first + step, … `count` of them, then zeros up to end_bytes.
    // Those of unused grains are 0, and are not counted by the steps.
    struct Numbers {
        std::uint64_t begin_bytes = 0;
        std::uint64_t end_bytes = 0;
        std::uint64_t count = 0;
        std::uint64_t first = 0;
        std::uint64_t step = 0;
        bool is_of_grains = false;
    };

    SparseLayout() = default;
    static Result<SparseLayout> make(
        std::uint64_t size_bytes,
        std::optional<GrainMap> used,
        AdapterType adapter,
        const DiskIdentity& identity
    );
    void copy_numbers(const Numbers& run, std::uint64_t offset, std::span<std::byte> into) const;

    std::uint64_t size_bytes_ = 0;
    std::uint64_t capacity_bytes_ = 0;
    std::uint64_t prefix_bytes_ = 0;
    std::uint64_t data_bytes_ = 0;
    std::optional<GrainMap> used_;
    std::vector<std::byte> head_;  // header and descriptor
    std::vector<Numbers> runs_;    // in the order of the file
};

}  // namespace slipway::format
