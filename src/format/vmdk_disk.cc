#include "format/bytes.h"
#include "format/compression.h"
#include "format/disk_formats.h"
#include "format/mapped_disk.h"
#include "format/vmdk_header.h"
#include "format/vmdk_markers.h"

#include <algorithm>

namespace slipway::format {

namespace {

// Directory -> table -> grain. Source: VMware, Virtual Disk Format 5.0, "Hosted Sparse Extents",
// "Stream-Optimized Compressed Sparse Extents".
class VmdkDisk : public MappedDisk {
public:
    VmdkDisk(RandomSource& source, const SparseHeader& header)
        : MappedDisk(
              source,
              {.capacity_bytes = header.capacity * kSectorBytes,
               .unit_bytes = header.grain * kSectorBytes,
               .entry_bytes = 4}
          ),
          header_(header) {}

protected:
    awaitable<Result<Entries>> entries_from(std::uint64_t unit) override {
        const std::uint64_t index = unit % kEntriesPerTable;
        const std::uint64_t left = kEntriesPerTable - index;
        const std::uint64_t place =
            header_.directory_at * kSectorBytes + unit / kEntriesPerTable * 4;
        SLIPWAY_CO_TRY(const auto entry, co_await tables().read(place, 1, 4));
        const std::uint64_t table = little<std::uint32_t>(entry, 0);
        Entries entries{.units = left, .bytes = {}};
        if (table == 0) co_return entries;
        SLIPWAY_CO_TRY(
            entries.bytes, co_await tables().read(table * kSectorBytes + index * 4, left, 4)
        );
        entries.units = entries.bytes.size() / 4;
        co_return entries;
    }

    [[nodiscard]] Result<DiskUnit> decode(std::uint64_t unit, std::span<const std::byte> entry)
        const override {
        const std::uint64_t sector = little<std::uint32_t>(entry, 0);
        if (sector == 0 || (sector == 1 && header_.has_zero_grains())) return DiskUnit{};
        const bool is_packed = header_.kind() == VmdkKind::stream_optimized;
        const DiskUnit found{
            .kind = is_packed ? DiskUnit::Kind::packed : DiskUnit::Kind::stored,
            .at = sector * kSectorBytes};
        if (sector < header_.overhead ||
            !lies_inside(found.at, is_packed ? kGrainHeadBytes : bytes_of(unit)))
            return damaged("vmdk", "a table names a grain outside the data");
        return found;
    }

    // u64 first sector of the disk, u32 length, then so many bytes.
    awaitable<Result<void>> unpack(
        std::uint64_t index, const DiskUnit& unit, std::span<std::byte> into, std::size_t needed
    ) override {
        SLIPWAY_CO_TRY(
            const auto marker, co_await read_piece(source(), "vmdk", unit.at, kGrainHeadBytes)
        );
        const auto length = little<std::uint32_t>(marker, 8);
        if (little<std::uint64_t>(marker, 0) != index * header_.grain)
            co_return damaged("vmdk", "a grain is not the one that its table names");
        if (length == 0 || length > into.size() + kMaxGrowthBytes)
            co_return damaged("vmdk", "a grain has an unusual length");
        SLIPWAY_CO_TRY(
            const auto packed,
            co_await read_piece(source(), "vmdk", unit.at + kGrainHeadBytes, length)
        );
        SLIPWAY_CO_TRY(const std::size_t got, unpack_zlib(packed, into));
        if (got < needed) co_return damaged("vmdk", "a grain is too short");
        co_return Result<void>();
    }

private:
    SparseHeader header_;
};

// The footer is the last sector of the file but one: an end-of-stream marker, which is all zeros,
// follows it. Some writers pad the file with more zeros.
awaitable<Result<SparseHeader>> read_footer(
    RandomSource& source, const SparseHeader& header, std::span<const std::byte> header_sector
) {
    constexpr std::uint64_t kTailBytes = 64U << 10U;
    const std::uint64_t size = source.size_bytes() / kSectorBytes * kSectorBytes;
    const std::uint64_t first = size - std::min(size, kTailBytes);
    SLIPWAY_CO_TRY(
        const auto tail,
        co_await read_piece(source, "vmdk", first, static_cast<std::size_t>(size - first))
    );
    std::span<const std::byte> left(tail);
    while (!left.empty() && all_zero(left.last(kSectorBytes)))
        left = left.first(left.size() - kSectorBytes);
    if (left.size() < 2 * kSectorBytes || left.size() == tail.size())
        co_return damaged("vmdk", "it is cut off, its footer is missing");
    const auto footer = left.last(kSectorBytes);
    const auto marker = left.last(2 * kSectorBytes).first(kMarkerBytes);
    if (little<std::uint64_t>(marker, 0) != 1 || little<std::uint32_t>(marker, 8) != 0 ||
        little<std::uint32_t>(marker, 12) != kFooter || !is_footer_of(header_sector, footer))
        co_return damaged("vmdk", "its footer is missing, or contradicts its header");
    SparseHeader whole = header;
    whole.directory_at = SparseHeader::parse(footer).directory_at;
    co_return whole;
}

}  // namespace

awaitable<OpenedDisk> open_vmdk(RandomSource& source) {
    SLIPWAY_CO_TRY(const auto sector, co_await read_piece(source, "vmdk", 0, kSparseHeaderBytes));
    SparseHeader header = SparseHeader::parse(sector);
    SLIPWAY_CO_CHECK(header.check_readable(InspectionLimits()));
    SLIPWAY_CO_TRY(
        const auto descriptor,
        co_await read_piece(
            source,
            "vmdk",
            header.descriptor_at * kSectorBytes,
            static_cast<std::size_t>(header.descriptor_sectors * kSectorBytes)
        )
    );
    SLIPWAY_CO_CHECK(header.check_descriptor(descriptor));
    if (header.has_footer()) {
        SLIPWAY_CO_TRY(header, co_await read_footer(source, header, sector));
    }
    if (header.directory_at > source.size_bytes() / kSectorBytes ||
        header.directory_sectors() > source.size_bytes() / kSectorBytes - header.directory_at)
        co_return damaged("vmdk", "its grain directory lies outside the file");
    co_return std::make_unique<VmdkDisk>(source, header);
}

}  // namespace slipway::format
