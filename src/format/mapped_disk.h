#pragma once

#include "format/disk_reader.h"
#include "format/table_cache.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace slipway::format {

// What a table says about one unit of a disk (cluster, grain, block).
struct DiskUnit {
    enum class Kind { hole, stored, packed };

    Kind kind = Kind::hole;
    std::uint64_t at = 0;      // in the file
    std::uint64_t length = 0;  // in the file, of a packed one where the table says so
};

// A disk whose format keeps it in units of one size, and their places in tables. Formats say where
// their tables are and what an entry means; this does the rest.
class MappedDisk : public DiskReader {
public:
    [[nodiscard]] std::uint64_t capacity_bytes() const override { return shape_.capacity_bytes; }
    awaitable<Result<GrainMap>> used_grains() override;
    awaitable<Result<void>> read_grain(
        std::uint64_t grain, std::span<std::byte, kDiskGrainBytes> into
    ) override;

protected:
    struct Shape {
        std::uint64_t capacity_bytes = 0;
        std::uint64_t unit_bytes = 0;  // a power of two
        std::size_t entry_bytes = 0;
    };
    // Of units that follow each other. No bytes: all of them are holes.
    struct Entries {
        std::uint64_t units = 0;  // at least 1
        std::span<const std::byte> bytes;
    };

    MappedDisk(RandomSource& source, const Shape& shape)
        : source_(source), shape_(shape), tables_(source) {}

    // The entries from that of `unit` on. Valid until the next call.
    virtual awaitable<Result<Entries>> entries_from(std::uint64_t unit) = 0;
    // Errors: corrupt, unsupported.
    [[nodiscard]] virtual Result<DiskUnit> decode(
        std::uint64_t unit, std::span<const std::byte> entry
    ) const = 0;
    // Bytes of a stored unit from `skip` on; `into` holds zeros.
    virtual awaitable<Result<void>> read_stored(
        const DiskUnit& unit, std::uint64_t skip, std::span<std::byte> into
    );
    // Fills `into` with a whole packed unit, of which the first `needed` bytes must be there.
    virtual awaitable<Result<void>> unpack(
        std::uint64_t index, const DiskUnit& unit, std::span<std::byte> into, std::size_t needed
    );

    [[nodiscard]] std::uint64_t units() const;
    // Of the unit, what lies below the capacity.
    [[nodiscard]] std::uint64_t bytes_of(std::uint64_t unit) const;
    // Whether the file has all these bytes.
    [[nodiscard]] bool lies_inside(std::uint64_t at, std::uint64_t length) const;
    [[nodiscard]] RandomSource& source() { return source_; }
    [[nodiscard]] TableCache& tables() { return tables_; }

private:
    awaitable<Result<void>> read_unit(
        std::uint64_t index, std::uint64_t skip, std::span<std::byte> into
    );
    void mark(GrainMap& map, std::uint64_t unit) const;

    RandomSource& source_;
    Shape shape_;
    TableCache tables_;
    std::vector<std::byte> unpacked_;
    std::optional<std::uint64_t> unpacked_index_;
};

// A disk whose bytes lie in the file as they are, from `offset` on, all of them used. Behind
// `length` it is zeros up to `capacity_bytes`.
struct FlatExtent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint64_t capacity_bytes = 0;
};
std::unique_ptr<DiskReader> make_flat_disk(RandomSource& source, const FlatExtent& extent);

}  // namespace slipway::format
