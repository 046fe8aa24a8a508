#include "format/bytes.h"
#include "format/disk_formats.h"
#include "format/mapped_disk.h"
#include "format/vhdx_tables.h"

#include <boost/crc.hpp>

#include <array>

namespace slipway::format {

namespace {

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::array<std::uint64_t, 2> kHeadersAt = {64U << 10U, 128U << 10U};
constexpr std::array<std::uint64_t, 2> kRegionTablesAt = {kVhdxRegionTableAt, 256U << 10U};
constexpr std::uint64_t kMebibyte = 1U << 20U;

// Identifiers of metadata that a disk without a parent may require of its readers.
constexpr Guid kPhysicalSectorSize = {
    0xC7, 0x48, 0xA3, 0xCD, 0x5D, 0x44, 0x71, 0x44, 0x9C, 0xC9, 0xE9, 0x88, 0x52, 0x51, 0xC5, 0x56};
constexpr Guid kDiskIdentifier = {
    0xAB, 0x12, 0xCA, 0xBE, 0xE6, 0xB2, 0x23, 0x45, 0x93, 0xEF, 0xC3, 0x09, 0xE0, 0x00, 0xC7, 0x46};
constexpr std::array<Guid, 5> kKnownItems = {
    kVhdxFileParameters,
    kVhdxVirtualDiskSize,
    kVhdxLogicalSectorSize,
    kPhysicalSectorSize,
    kDiskIdentifier};
constexpr std::array<Guid, 2> kKnownRegions = {kVhdxBatRegion, kVhdxMetadataRegion};

// CRC-32C of all bytes, its own place counted as zeros.
bool has_right_checksum(std::span<const std::byte> bytes) {
    constexpr std::size_t kAt = 4;
    constexpr std::array<std::byte, 4> kZeros{};
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
    crc.process_bytes(bytes.data(), kAt);
    crc.process_bytes(kZeros.data(), kZeros.size());
    crc.process_bytes(bytes.data() + kAt + kZeros.size(), bytes.size() - kAt - kZeros.size());
    return crc.checksum() == little<std::uint32_t>(bytes, kAt);
}

// Of the two headers the newer one that is whole. Only its log is of interest.
awaitable<Result<void>> check_headers(RandomSource& source) {
    std::vector<std::byte> newest;
    for (const std::uint64_t at : kHeadersAt) {
        SLIPWAY_CO_TRY(auto header, co_await read_piece(source, "vhdx", at, kHeaderBytes));
        if (!starts_with(header, "head") || !has_right_checksum(header)) continue;
        if (newest.empty() || little<std::uint64_t>(newest, 8) < little<std::uint64_t>(header, 8))
            newest = std::move(header);
    }
    if (newest.empty()) co_return damaged("vhdx", "neither of its headers is whole");
    if (little<std::uint16_t>(newest, 66) != 1)
        co_return not_accepted("vhdx", "its version is unknown");
    if (!all_zero(std::span<const std::byte>(newest).subspan(48, 16)))
        co_return not_accepted(
            "vhdx",
            "it was not closed cleanly, and its log holds changes; mount it once on Windows, or "
            "run "
            "qemu-img check -r all on it, and upload it again"
        );
    co_return Result<void>();
}

struct Regions {
    VhdxPlace bat;
    VhdxPlace metadata;
};

Result<VhdxPlace> find_region(
    const RandomSource& source, const VhdxTable& table, const Guid& guid
) {
    const auto region = table.find(guid);
    if (!region || region->at < kMebibyte || region->at % kMebibyte != 0 ||
        region->at > source.size_bytes() || region->length > source.size_bytes() - region->at)
        return damaged("vhdx", "a region is missing or lies outside the file");
    return *region;
}

awaitable<Result<Regions>> read_regions(RandomSource& source) {
    for (const std::uint64_t at : kRegionTablesAt) {
        SLIPWAY_CO_TRY(const auto bytes, co_await read_piece(source, "vhdx", at, kVhdxTableBytes));
        const auto table = VhdxTable::regions(bytes);
        if (!table || !has_right_checksum(bytes)) continue;
        if (!table->requires_only(kKnownRegions))
            co_return not_accepted("vhdx", "it uses unknown features");
        Regions regions;
        SLIPWAY_CO_TRY(regions.bat, find_region(source, *table, kVhdxBatRegion));
        SLIPWAY_CO_TRY(regions.metadata, find_region(source, *table, kVhdxMetadataRegion));
        co_return regions;
    }
    co_return damaged("vhdx", "neither of its region tables is whole");
}

struct DiskShape {
    std::uint64_t block_bytes = 0;
    std::uint64_t size_bytes = 0;
    std::uint64_t sector_bytes = 0;
};

awaitable<Result<std::uint64_t>> read_item(
    RandomSource& source,
    const VhdxPlace& region,
    const VhdxTable& table,
    const Guid& guid,
    std::size_t length
) {
    const auto item = table.find(guid);
    if (!item || item->length != length || item->at < kVhdxTableBytes || item->at > region.length ||
        length > region.length - item->at)
        co_return damaged("vhdx", "its metadata are incomplete");
    SLIPWAY_CO_TRY(
        const auto bytes, co_await read_piece(source, "vhdx", region.at + item->at, length)
    );
    co_return length == 8 ? little<std::uint64_t>(bytes, 0) : little<std::uint32_t>(bytes, 0);
}

awaitable<Result<DiskShape>> read_metadata(RandomSource& source, const VhdxPlace& region) {
    SLIPWAY_CO_TRY(
        const auto bytes, co_await read_piece(source, "vhdx", region.at, kVhdxTableBytes)
    );
    const auto table = VhdxTable::metadata(bytes);
    if (!table) co_return damaged("vhdx", "its metadata table is damaged");
    if (!table->requires_only(kKnownItems))
        co_return not_accepted("vhdx", "it has a parent, or uses unknown features");
    SLIPWAY_CO_TRY(
        const std::uint64_t parameters,
        co_await read_item(source, region, *table, kVhdxFileParameters, 8)
    );
    if ((parameters >> 32U & kVhdxHasParent) != 0)
        co_return not_accepted("vhdx", "it has a parent");
    DiskShape shape{.block_bytes = parameters & 0xFFFFFFFF};
    SLIPWAY_CO_TRY(
        shape.size_bytes, co_await read_item(source, region, *table, kVhdxVirtualDiskSize, 8)
    );
    SLIPWAY_CO_TRY(
        shape.sector_bytes, co_await read_item(source, region, *table, kVhdxLogicalSectorSize, 4)
    );
    co_return shape;
}

// Blocks of 1 to 256 MiB; after every chunk of them the table has one entry that is of no use to
// disks without a parent.
class VhdxDisk : public MappedDisk {
public:
    VhdxDisk(
        RandomSource& source,
        const VhdxPlace& bat,
        const DiskShape& shape,
        std::uint64_t capacity_bytes
    )
        : MappedDisk(
              source,
              {.capacity_bytes = capacity_bytes, .unit_bytes = shape.block_bytes, .entry_bytes = 8}
          ),
          bat_(bat),
          chunk_units_(chunk_units(shape)) {}

    // By 2.5.1 of the specification.
    static std::uint64_t chunk_units(const DiskShape& shape) {
        return (1ULL << 23U) * shape.sector_bytes / shape.block_bytes;
    }

    // Whether the table has an entry for every block.
    [[nodiscard]] bool fits() const { return place_of(units() - 1) + 8 <= bat_.length; }

protected:
    awaitable<Result<Entries>> entries_from(std::uint64_t unit) override {
        const std::uint64_t left = chunk_units_ - unit % chunk_units_;
        Entries entries;
        SLIPWAY_CO_TRY(entries.bytes, co_await tables().read(bat_.at + place_of(unit), left, 8));
        entries.units = entries.bytes.size() / 8;
        co_return entries;
    }

    [[nodiscard]] Result<DiskUnit> decode(std::uint64_t unit, std::span<const std::byte> entry)
        const override {
        constexpr std::uint64_t kUnmapped = 3;
        constexpr std::uint64_t kPresent = 6;
        const auto bits = little<std::uint64_t>(entry, 0);
        const std::uint64_t state = bits & 7U;
        // Not present, undefined, zero, unmapped.
        if (state <= kUnmapped) return DiskUnit{};
        const std::uint64_t at = (bits >> 20U) * kMebibyte;
        if (state != kPresent || at < kMebibyte || !lies_inside(at, bytes_of(unit)))
            return damaged("vhdx", "its table names a block outside the file");
        return DiskUnit{.kind = DiskUnit::Kind::stored, .at = at};
    }

private:
    [[nodiscard]] std::uint64_t place_of(std::uint64_t unit) const {
        return (unit + unit / chunk_units_) * 8;
    }

    VhdxPlace bat_;
    std::uint64_t chunk_units_;
};

Result<void> check_shape(const DiskShape& shape) {
    constexpr std::uint64_t kMaxBlockBytes = 256 * kMebibyte;
    if (shape.block_bytes < kMebibyte || shape.block_bytes > kMaxBlockBytes ||
        (shape.block_bytes & (shape.block_bytes - 1)) != 0)
        return damaged("vhdx", "its block size is out of range");
    if (shape.sector_bytes != 512 && shape.sector_bytes != 4096)
        return damaged("vhdx", "its sector size is out of range");
    return {};
}

}  // namespace

awaitable<OpenedDisk> open_vhdx(RandomSource& source) {
    SLIPWAY_CO_TRY(const auto magic, co_await read_piece(source, "vhdx", 0, 8));
    if (!starts_with(magic, "vhdxfile")) co_return damaged("vhdx", "it does not begin as one");
    SLIPWAY_CO_CHECK(co_await check_headers(source));
    SLIPWAY_CO_TRY(const Regions regions, co_await read_regions(source));
    SLIPWAY_CO_TRY(const DiskShape shape, co_await read_metadata(source, regions.metadata));
    SLIPWAY_CO_CHECK(check_shape(shape));
    SLIPWAY_CO_TRY(const std::uint64_t capacity, checked_capacity("vhdx", shape.size_bytes));
    auto disk = std::make_unique<VhdxDisk>(source, regions.bat, shape, capacity);
    if (!disk->fits()) co_return damaged("vhdx", "its table does not fit its size");
    co_return disk;
}

}  // namespace slipway::format
