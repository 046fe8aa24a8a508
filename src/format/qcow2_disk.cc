#include "format/bytes.h"
#include "format/compression.h"
#include "format/disk_formats.h"
#include "format/mapped_disk.h"
#include "format/qcow2_header.h"

#include <algorithm>

namespace slipway::format {

namespace {

constexpr std::uint64_t kOffset = 0x00FFFFFFFFFFFE00;
constexpr std::uint64_t kReservedL1 = 0x7F000000000001FF;
constexpr std::uint64_t kReservedL2 = 0x3F000000000001FE;
constexpr std::uint64_t kZeros = 1U << 0U;
constexpr std::uint64_t kPacked = 1ULL << 62U;

// First table -> second table -> cluster. What lies behind the end of the file, but in its last
// cluster, reads as zeros. Source: QEMU, docs/interop/qcow2.txt, "Cluster mapping".
class Qcow2Disk : public MappedDisk {
public:
    using Compression = Qcow2Header::Compression;

    Qcow2Disk(
        RandomSource& source,
        const Qcow2Header& header,
        std::uint64_t capacity_bytes,
        Compression compression
    )
        : MappedDisk(
              source,
              {.capacity_bytes = capacity_bytes,
               .unit_bytes = header.cluster_bytes(),
               .entry_bytes = 8}
          ),
          header_(header),
          compression_(compression),
          file_bytes_(source.size_bytes()) {}

protected:
    awaitable<Result<Entries>> entries_from(std::uint64_t unit) override {
        const std::uint64_t per_table = header_.cluster_bytes() / 8;
        const std::uint64_t index = unit % per_table;
        SLIPWAY_CO_TRY(
            const auto entry, co_await tables().read(header_.l1_at + unit / per_table * 8, 1, 8)
        );
        const auto l1 = big<std::uint64_t>(entry, 0);
        const std::uint64_t table = l1 & kOffset;
        if ((l1 & kReservedL1) != 0 || table % header_.cluster_bytes() != 0)
            co_return damaged("qcow2", "an entry of its first table is out of range");
        Entries entries{.units = per_table - index, .bytes = {}};
        if (table == 0) co_return entries;
        SLIPWAY_CO_TRY(
            entries.bytes, co_await tables().read(table + index * 8, per_table - index, 8)
        );
        entries.units = entries.bytes.size() / 8;
        co_return entries;
    }

    [[nodiscard]] Result<DiskUnit> decode(std::uint64_t, std::span<const std::byte> entry)
        const override {
        const auto l2 = big<std::uint64_t>(entry, 0);
        const DiskUnit found = (l2 & kPacked) != 0 ? decode_packed(l2) : decode_plain(l2);
        if ((l2 & kPacked) == 0) {
            if ((l2 & kReservedL2) != 0 || ((l2 & kZeros) != 0 && header_.version == 2) ||
                found.at % header_.cluster_bytes() != 0)
                return damaged("qcow2", "an entry of a table is out of range");
        }
        if (found.kind != DiskUnit::Kind::hole && found.at >= file_bytes_)
            return damaged("qcow2", "a table names a cluster behind the end of the file");
        return found;
    }

    awaitable<Result<void>> read_stored(
        const DiskUnit& unit, std::uint64_t skip, std::span<std::byte> into
    ) override {
        const std::uint64_t at = unit.at + skip;
        if (at >= file_bytes_) co_return Result<void>();
        const auto there = std::min<std::uint64_t>(into.size(), file_bytes_ - at);
        co_return co_await source().read_at(at, into.first(static_cast<std::size_t>(there)));
    }

    awaitable<Result<void>> unpack(
        std::uint64_t, const DiskUnit& unit, std::span<std::byte> into, std::size_t needed
    ) override {
        SLIPWAY_CO_TRY(
            const auto packed,
            co_await read_piece(source(), "qcow2", unit.at, static_cast<std::size_t>(unit.length))
        );
        const auto unpacked = compression_ == Compression::zstd ? unpack_zstd(packed, into)
                                                                : unpack_deflate(packed, into);
        SLIPWAY_CO_CHECK(unpacked);
        if (*unpacked < needed) co_return damaged("qcow2", "a compressed cluster is too short");
        co_return Result<void>();
    }

private:
    [[nodiscard]] DiskUnit decode_plain(std::uint64_t l2) const {
        const std::uint64_t at = l2 & kOffset;
        if ((l2 & kZeros) != 0 || at == 0) return {.kind = DiskUnit::Kind::hole, .at = at};
        return {.kind = DiskUnit::Kind::stored, .at = at};
    }

    // The place, and above it the number of further sectors that the bytes reach into.
    [[nodiscard]] DiskUnit decode_packed(std::uint64_t l2) const {
        const unsigned place_bits = 62 - (header_.cluster_bits - 8);
        const std::uint64_t at = l2 & ((1ULL << place_bits) - 1);
        const std::uint64_t sectors = ((l2 & (kPacked - 1)) >> place_bits) + 1;
        const std::uint64_t length = sectors * kSectorBytes - at % kSectorBytes;
        // The last one ends where the file does.
        const std::uint64_t left = at < file_bytes_ ? file_bytes_ - at : 0;
        return {.kind = DiskUnit::Kind::packed, .at = at, .length = std::min(length, left)};
    }

    Qcow2Header header_;
    Compression compression_;
    std::uint64_t file_bytes_;
};

awaitable<Result<Qcow2Header::Compression>> compression_of(
    RandomSource& source, const Qcow2Header& header
) {
    using Compression = Qcow2Header::Compression;
    if (header.header_bytes <= Qcow2Header::kCompressionTypeAt) {
        if (header.names_compression()) co_return damaged("qcow2", "its header is too short");
        co_return Compression::zlib;
    }
    SLIPWAY_CO_TRY(
        const auto byte, co_await read_piece(source, "qcow2", Qcow2Header::kCompressionTypeAt, 1)
    );
    const auto type = std::to_integer<unsigned>(byte[0]);
    if ((type != 0) != header.names_compression())
        co_return damaged("qcow2", "its header contradicts itself about the compression");
    if (type > static_cast<unsigned>(Compression::zstd))
        co_return not_accepted("qcow2", "its compression is unknown");
    co_return static_cast<Compression>(type);
}

}  // namespace

awaitable<OpenedDisk> open_qcow2(RandomSource& source) {
    SLIPWAY_CO_TRY(const auto bytes, co_await read_piece(source, "qcow2", 0, Qcow2Header::kBytes));
    if (!starts_with(bytes, "QFI\xfb")) co_return damaged("qcow2", "it does not begin as one");
    const Qcow2Header header = Qcow2Header::parse(bytes);
    SLIPWAY_CO_CHECK(header.check(source.size_bytes()));
    SLIPWAY_CO_CHECK(header.check_readable());
    SLIPWAY_CO_TRY(const std::uint64_t capacity, checked_capacity("qcow2", header.size_bytes));
    SLIPWAY_CO_TRY(const auto compression, co_await compression_of(source, header));
    co_return std::make_unique<Qcow2Disk>(source, header, capacity, compression);
}

}  // namespace slipway::format
