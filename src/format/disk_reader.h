#pragma once

#include "format/random_source.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace slipway::format {

// The unit in which disks are read and written here: a grain of the sparse files that we write.
inline constexpr std::uint64_t kDiskGrainBytes = 64U << 10U;

// Which grains of a disk hold data; the others read as zeros. One bit each, and only near grains
// that are used: a disk of 62 TiB takes 1 MiB while it is empty, and 125 MiB at most.
class GrainMap {
public:
    explicit GrainMap(std::uint64_t grains);

    [[nodiscard]] std::uint64_t grains() const { return grains_; }
    // How many are used.
    [[nodiscard]] std::uint64_t used() const { return used_before(grains_); }
    // How many below `grain` are used; one page is counted, the others are known.
    [[nodiscard]] std::uint64_t used_before(std::uint64_t grain) const;
    // The first used grain from `grain` on, or grains().
    [[nodiscard]] std::uint64_t next_used(std::uint64_t grain) const;
    [[nodiscard]] bool is_used(std::uint64_t grain) const;
    void mark(std::uint64_t grain);
    void mark_all();

private:
    static constexpr std::uint64_t kPageGrains = 1U << 16U;
    struct Page {
        std::vector<bool> bits;  // empty while none is used
        std::uint64_t used = 0;
    };

    std::uint64_t grains_;
    std::vector<Page> pages_;
};

// The contents of a virtual disk, whatever file format holds them.
//
//   SLIPWAY_CO_TRY(auto disk, co_await open_disk(source, "qcow2", "bare"));
//   SLIPWAY_CO_TRY(const GrainMap map, co_await disk->used_grains());
//
// Memory: a few MiB, whatever the disk's size; tables are read as they are needed. Compressed data
// are unpacked where it runs, 2 MiB at most at a time. From one strand at a time.
//
// Errors of both reads: corrupt for what breaks the format; those of the source.
class DiskReader {
public:
    virtual ~DiskReader() = default;

    // As the format says, a multiple of 512.
    [[nodiscard]] virtual std::uint64_t capacity_bytes() const = 0;
    // Of the whole capacity; the last grain may be cut. By the tables alone: what is stored counts
    // as used, also where it is zeros.
    virtual awaitable<Result<GrainMap>> used_grains() = 0;
    // Fills `into` with the grain; zeros beyond the capacity. Ascending order is cheap.
    virtual awaitable<Result<void>> read_grain(
        std::uint64_t grain, std::span<std::byte, kDiskGrainBytes> into
    ) = 0;
};

// Reads the disk in `source` as what the image's record says it is: raw, vmdk (sparse,
// stream-optimised, or a bare extent), qcow2, vhd, vhdx, vdi in a bare container; for an ova
// container the first disk of its OVF. `source` must outlive the reader.
// Errors: unsupported, with why no disk can be made of it: encrypted, a backing or data file, a
// parent, a log that was not replayed, more than 62 TiB, a format without a reader; corrupt for
// what breaks its own format.
awaitable<Result<std::unique_ptr<DiskReader>>> open_disk(
    RandomSource& source, std::string_view disk_format, std::string_view container_format
);

}  // namespace slipway::format
