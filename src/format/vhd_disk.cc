#include "format/bytes.h"
#include "format/disk_formats.h"
#include "format/mapped_disk.h"
#include "format/vhd_header.h"

#include <algorithm>

namespace slipway::format {

namespace {

constexpr std::uint32_t kNoBlock = 0xFFFFFFFF;

// Table -> bitmap of the block's sectors, and behind it the block. Sectors without their bit were
// never written.
class DynamicVhd : public MappedDisk {
public:
    DynamicVhd(RandomSource& source, const VhdDynamicHeader& header, std::uint64_t capacity_bytes)
        : MappedDisk(
              source,
              {.capacity_bytes = capacity_bytes, .unit_bytes = header.block_bytes, .entry_bytes = 4}
          ),
          header_(header),
          bitmap_bytes_(
              (header.block_bytes / kSectorBytes / 8 + kSectorBytes - 1) / kSectorBytes *
              kSectorBytes
          ) {}

protected:
    awaitable<Result<Entries>> entries_from(std::uint64_t unit) override {
        Entries entries;
        SLIPWAY_CO_TRY(
            entries.bytes,
            co_await tables().read(header_.table_at + unit * 4, header_.blocks - unit, 4)
        );
        entries.units = entries.bytes.size() / 4;
        co_return entries;
    }

    [[nodiscard]] Result<DiskUnit> decode(std::uint64_t unit, std::span<const std::byte> entry)
        const override {
        const auto sector = big<std::uint32_t>(entry, 0);
        if (sector == kNoBlock) return DiskUnit{};
        const std::uint64_t at = sector * kSectorBytes + bitmap_bytes_;
        if (sector == 0 || !lies_inside(at, bytes_of(unit)))
            return damaged("vhd", "its table names a block outside the file");
        return DiskUnit{.kind = DiskUnit::Kind::stored, .at = at};
    }

    awaitable<Result<void>> read_stored(
        const DiskUnit& unit, std::uint64_t skip, std::span<std::byte> into
    ) override {
        if (bitmap_at_ != unit.at - bitmap_bytes_) {
            bitmap_at_.reset();
            SLIPWAY_CO_TRY(
                bitmap_,
                co_await read_piece(
                    source(),
                    "vhd",
                    unit.at - bitmap_bytes_,
                    static_cast<std::size_t>(bitmap_bytes_)
                )
            );
            bitmap_at_ = unit.at - bitmap_bytes_;
        }
        SLIPWAY_CO_CHECK(co_await source().read_at(unit.at + skip, into));
        for (std::size_t done = 0; done < into.size(); done += kSectorBytes) {
            if (is_written((skip + done) / kSectorBytes)) continue;
            const auto sector =
                into.subspan(done, std::min<std::size_t>(kSectorBytes, into.size() - done));
            std::fill(sector.begin(), sector.end(), std::byte{0});
        }
        co_return Result<void>();
    }

private:
    [[nodiscard]] bool is_written(std::uint64_t sector) const {
        const auto byte = std::to_integer<unsigned>(bitmap_[static_cast<std::size_t>(sector / 8)]);
        return (byte >> (7 - sector % 8) & 1U) != 0;
    }

    VhdDynamicHeader header_;
    std::uint64_t bitmap_bytes_;
    std::vector<std::byte> bitmap_;
    std::optional<std::uint64_t> bitmap_at_;
};

awaitable<OpenedDisk> open_dynamic(
    RandomSource& source, const VhdFooter& footer, std::uint64_t capacity
) {
    if (footer.dynamic_header_at < VhdFooter::kBytes)
        co_return damaged("vhd", "its dynamic header lies out of range");
    SLIPWAY_CO_TRY(
        const auto bytes,
        co_await read_piece(source, "vhd", footer.dynamic_header_at, VhdDynamicHeader::kBytes)
    );
    const VhdDynamicHeader header = VhdDynamicHeader::parse(bytes);
    SLIPWAY_CO_CHECK(header.check(footer.current_bytes, source.size_bytes()));
    if (!header.has_right_checksum)
        co_return damaged("vhd", "the checksum of its dynamic header is wrong");
    if (header.table_at % kSectorBytes != 0) co_return damaged("vhd", "its table is out of place");
    co_return std::make_unique<DynamicVhd>(source, header, capacity);
}

}  // namespace

awaitable<OpenedDisk> open_vhd(RandomSource& source) {
    SLIPWAY_CO_TRY(const auto head, co_await read_piece(source, "vhd", 0, VhdFooter::kBytes));
    const std::uint64_t tail_at = source.size_bytes() - VhdFooter::kBytes;
    VhdFooter footer = VhdFooter::parse(head);
    const bool is_at_front = footer.has_magic;
    if (!is_at_front) {
        SLIPWAY_CO_TRY(
            const auto tail, co_await read_piece(source, "vhd", tail_at, VhdFooter::kBytes)
        );
        footer = VhdFooter::parse(tail);
    }
    if (!footer.has_magic) co_return damaged("vhd", "it has no footer, or is cut off");
    if (!footer.has_right_checksum) co_return damaged("vhd", "the checksum of its footer is wrong");
    SLIPWAY_CO_CHECK(footer.check());
    if (is_at_front != (footer.type == VhdFooter::kDynamic))
        co_return damaged("vhd", "its footer stands in the wrong place");
    SLIPWAY_CO_TRY(const std::uint64_t capacity, checked_capacity("vhd", footer.current_bytes));
    if (footer.type == VhdFooter::kDynamic)
        co_return co_await open_dynamic(source, footer, capacity);
    if (footer.current_bytes > tail_at) co_return damaged("vhd", "it is cut off");
    const FlatExtent extent{
        .offset = 0, .length = footer.current_bytes, .capacity_bytes = capacity};
    co_return make_flat_disk(source, extent);
}

}  // namespace slipway::format
