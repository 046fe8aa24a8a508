#include "format/bytes.h"
#include "format/disk_formats.h"
#include "format/mapped_disk.h"
#include "format/vdi_header.h"

namespace slipway::format {

namespace {

// The two greatest: never written, and given back.
constexpr std::uint32_t kFirstHole = 0xFFFFFFFE;

class VdiDisk : public MappedDisk {
public:
    VdiDisk(RandomSource& source, const VdiHeader& header, std::uint64_t capacity_bytes)
        : MappedDisk(
              source,
              {.capacity_bytes = capacity_bytes, .unit_bytes = header.block_bytes, .entry_bytes = 4}
          ),
          header_(header) {}

protected:
    awaitable<Result<Entries>> entries_from(std::uint64_t unit) override {
        Entries entries;
        SLIPWAY_CO_TRY(
            entries.bytes,
            co_await tables().read(header_.map_at + unit * 4, header_.blocks - unit, 4)
        );
        entries.units = entries.bytes.size() / 4;
        co_return entries;
    }

    [[nodiscard]] Result<DiskUnit> decode(std::uint64_t unit, std::span<const std::byte> entry)
        const override {
        const auto block = little<std::uint32_t>(entry, 0);
        if (block >= kFirstHole) return DiskUnit{};
        const std::uint64_t at = header_.data_at + std::uint64_t{block} * header_.block_bytes;
        if (!lies_inside(at, bytes_of(unit)))
            return damaged("vdi", "its table names a block outside the file");
        return DiskUnit{.kind = DiskUnit::Kind::stored, .at = at};
    }

private:
    VdiHeader header_;
};

}  // namespace

awaitable<OpenedDisk> open_vdi(RandomSource& source) {
    SLIPWAY_CO_TRY(const auto bytes, co_await read_piece(source, "vdi", 0, VdiHeader::kBytes));
    if (!VdiHeader::has_magic(bytes)) co_return damaged("vdi", "it does not begin as one");
    const VdiHeader header = VdiHeader::parse(bytes);
    SLIPWAY_CO_CHECK(header.check());
    SLIPWAY_CO_CHECK(header.check_readable(source.size_bytes()));
    SLIPWAY_CO_TRY(const std::uint64_t capacity, checked_capacity("vdi", header.size_bytes));
    co_return std::make_unique<VdiDisk>(source, header, capacity);
}

}  // namespace slipway::format
