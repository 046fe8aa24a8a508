#include "format/mapped_disk.h"

#include "base/async.h"

#include <algorithm>
#include <cassert>

namespace slipway::format {

namespace {

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by == 0 ? 0 : 1);
}

}  // namespace

std::uint64_t MappedDisk::units() const {
    return divide_up(shape_.capacity_bytes, shape_.unit_bytes);
}

std::uint64_t MappedDisk::bytes_of(std::uint64_t unit) const {
    return std::min(shape_.unit_bytes, shape_.capacity_bytes - unit * shape_.unit_bytes);
}

bool MappedDisk::lies_inside(std::uint64_t at, std::uint64_t length) const {
    return at <= source_.size_bytes() && length <= source_.size_bytes() - at;
}

void MappedDisk::mark(GrainMap& map, std::uint64_t unit) const {
    const std::uint64_t first = unit * shape_.unit_bytes;
    const std::uint64_t end = divide_up(first + bytes_of(unit), kDiskGrainBytes);
    for (std::uint64_t grain = first / kDiskGrainBytes; grain < end; ++grain) map.mark(grain);
}

awaitable<Result<GrainMap>> MappedDisk::used_grains() {
    constexpr unsigned kStretchesAtATime = 256;
    GrainMap map(divide_up(shape_.capacity_bytes, kDiskGrainBytes));
    unsigned stretches = 0;
    for (std::uint64_t unit = 0; unit < units();) {
        // Tables that are in the cache, or missing, take no time to read.
        if (++stretches % kStretchesAtATime == 0) co_await give_way();
        SLIPWAY_CO_TRY(const Entries entries, co_await entries_from(unit));
        const std::uint64_t count = std::min(entries.units, units() - unit);
        for (std::uint64_t i = 0; i < count && !entries.bytes.empty(); ++i) {
            const auto entry = entries.bytes.subspan(
                static_cast<std::size_t>(i) * shape_.entry_bytes, shape_.entry_bytes
            );
            SLIPWAY_CO_TRY(const DiskUnit found, decode(unit + i, entry));
            if (found.kind != DiskUnit::Kind::hole) mark(map, unit + i);
        }
        unit += count;
    }
    co_return map;
}

awaitable<Result<void>> MappedDisk::read_grain(
    std::uint64_t grain, std::span<std::byte, kDiskGrainBytes> into
) {
    std::fill(into.begin(), into.end(), std::byte{0});
    std::uint64_t at = grain * kDiskGrainBytes;
    assert(at < shape_.capacity_bytes);
    std::span<std::byte> left = into;
    left =
        left.first(static_cast<std::size_t>(std::min(kDiskGrainBytes, shape_.capacity_bytes - at)));
    while (!left.empty()) {
        const std::uint64_t skip = at % shape_.unit_bytes;
        const auto count =
            static_cast<std::size_t>(std::min<std::uint64_t>(left.size(), shape_.unit_bytes - skip)
            );
        SLIPWAY_CO_CHECK(co_await read_unit(at / shape_.unit_bytes, skip, left.first(count)));
        at += count;
        left = left.subspan(count);
    }
    co_return Result<void>();
}

awaitable<Result<void>> MappedDisk::read_unit(
    std::uint64_t index, std::uint64_t skip, std::span<std::byte> into
) {
    if (unpacked_index_ != index) {
        SLIPWAY_CO_TRY(const Entries entries, co_await entries_from(index));
        if (entries.bytes.empty()) co_return Result<void>();
        SLIPWAY_CO_TRY(const DiskUnit unit, decode(index, entries.bytes.first(shape_.entry_bytes)));
        if (unit.kind == DiskUnit::Kind::hole) co_return Result<void>();
        if (unit.kind == DiskUnit::Kind::stored) co_return co_await read_stored(unit, skip, into);
        unpacked_index_.reset();
        unpacked_.assign(static_cast<std::size_t>(shape_.unit_bytes), std::byte{0});
        const auto needed = static_cast<std::size_t>(bytes_of(index));
        SLIPWAY_CO_CHECK(co_await unpack(index, unit, unpacked_, needed));
        unpacked_index_ = index;
    }
    std::copy_n(unpacked_.begin() + static_cast<std::ptrdiff_t>(skip), into.size(), into.begin());
    co_return Result<void>();
}

awaitable<Result<void>> MappedDisk::read_stored(
    const DiskUnit& unit, std::uint64_t skip, std::span<std::byte> into
) {
    return source_.read_at(unit.at + skip, into);
}

awaitable<Result<void>> MappedDisk::unpack(
    std::uint64_t, const DiskUnit&, std::span<std::byte>, std::size_t
) {
    co_return Error(Errc::internal, "the format has no compression");
}

namespace {

class FlatDisk : public DiskReader {
public:
    FlatDisk(RandomSource& source, const FlatExtent& extent) : source_(source), extent_(extent) {}

    [[nodiscard]] std::uint64_t capacity_bytes() const override { return extent_.capacity_bytes; }

    awaitable<Result<GrainMap>> used_grains() override {
        GrainMap map(divide_up(extent_.capacity_bytes, kDiskGrainBytes));
        map.mark_all();
        co_return map;
    }

    awaitable<Result<void>> read_grain(
        std::uint64_t grain, std::span<std::byte, kDiskGrainBytes> into
    ) override {
        std::fill(into.begin(), into.end(), std::byte{0});
        const std::uint64_t at = grain * kDiskGrainBytes;
        if (at >= extent_.length) co_return Result<void>();
        const auto count = static_cast<std::size_t>(std::min(kDiskGrainBytes, extent_.length - at));
        co_return co_await source_.read_at(extent_.offset + at, into.first(count));
    }

private:
    RandomSource& source_;
    FlatExtent extent_;
};

}  // namespace

std::unique_ptr<DiskReader> make_flat_disk(RandomSource& source, const FlatExtent& extent) {
    return std::make_unique<FlatDisk>(source, extent);
}

}  // namespace slipway::format
