#include "format/disk_reader.h"

#include "format/disk_formats.h"
#include "format/inspector.h"
#include "format/mapped_disk.h"

#include <algorithm>
#include <cassert>

namespace slipway::format {

GrainMap::GrainMap(std::uint64_t grains)
    : grains_(grains), pages_((grains + kPageGrains - 1) / kPageGrains) {}

std::uint64_t GrainMap::used_before(std::uint64_t grain) const {
    std::uint64_t count = 0;
    const std::uint64_t whole = grain / kPageGrains;
    for (std::uint64_t i = 0; i < whole; ++i) count += pages_[i].used;
    if (grain % kPageGrains == 0 || pages_[whole].used == 0) return count;
    const auto& bits = pages_[whole].bits;
    const auto end = bits.begin() + static_cast<std::ptrdiff_t>(grain % kPageGrains);
    return count + static_cast<std::uint64_t>(std::count(bits.begin(), end, true));
}

std::uint64_t GrainMap::next_used(std::uint64_t grain) const {
    while (grain < grains_) {
        const Page& page = pages_[grain / kPageGrains];
        const std::uint64_t first = grain / kPageGrains * kPageGrains;
        if (page.used != 0) {
            const auto from = page.bits.begin() + static_cast<std::ptrdiff_t>(grain - first);
            const auto found = std::find(from, page.bits.end(), true);
            if (found != page.bits.end())
                return first + static_cast<std::uint64_t>(found - page.bits.begin());
        }
        grain = first + kPageGrains;
    }
    return grains_;
}

bool GrainMap::is_used(std::uint64_t grain) const {
    assert(grain < grains_);
    const Page& page = pages_[grain / kPageGrains];
    return page.used != 0 && page.bits[grain % kPageGrains];
}

void GrainMap::mark(std::uint64_t grain) {
    assert(grain < grains_);
    Page& page = pages_[grain / kPageGrains];
    if (page.bits.empty()) page.bits.resize(kPageGrains);
    const auto bit = page.bits[grain % kPageGrains];
    if (!bit) ++page.used;
    page.bits[grain % kPageGrains] = true;
}

void GrainMap::mark_all() {
    for (std::uint64_t i = 0; i < pages_.size(); ++i) {
        Page& page = pages_[i];
        page.used = std::min(kPageGrains, grains_ - i * kPageGrains);
        page.bits.assign(kPageGrains, false);
        std::fill_n(page.bits.begin(), page.used, true);
    }
}

Error damaged(std::string_view format, std::string_view what) {
    return {
        Errc::corrupt, "the " + std::string(format) + " image is damaged: " + std::string(what)};
}

Result<std::uint64_t> checked_capacity(std::string_view format, std::uint64_t bytes) {
    if (bytes == 0) return not_accepted(format, "its disk has 0 bytes");
    if (bytes > InspectionLimits().max_virtual_bytes)
        return not_accepted(format, "its disk is above the limit of 62 TiB");
    return (bytes + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

awaitable<Result<std::vector<std::byte>>> read_piece(
    RandomSource& source, std::string_view format, std::uint64_t offset, std::size_t length
) {
    if (offset > source.size_bytes() || length > source.size_bytes() - offset)
        co_return damaged(format, "it is cut off");
    std::vector<std::byte> bytes(length);
    SLIPWAY_CO_CHECK(co_await source.read_at(offset, bytes));
    co_return bytes;
}

namespace {

awaitable<OpenedDisk> open_raw(RandomSource& source) {
    SLIPWAY_CO_TRY(const std::uint64_t capacity, checked_capacity("raw", source.size_bytes()));
    const FlatExtent extent{.offset = 0, .length = source.size_bytes(), .capacity_bytes = capacity};
    co_return make_flat_disk(source, extent);
}

// A bare extent is a disk as well, unless it is one of the files that belong to others.
awaitable<OpenedDisk> open_any_vmdk(RandomSource& source) {
    const auto early = std::min<std::uint64_t>(source.size_bytes(), Inspector::kEarlyBytes);
    SLIPWAY_CO_TRY(
        const auto bytes, co_await read_piece(source, "vmdk", 0, static_cast<std::size_t>(early))
    );
    const auto foreign = make_foreign_vmdk_detector();
    foreign->see(0, bytes);
    if (foreign->matches()) SLIPWAY_CO_CHECK(foreign->safety(source.size_bytes()));
    if (starts_with(bytes, "KDMV")) co_return co_await open_vmdk(source);
    co_return co_await open_raw(source);
}

}  // namespace

awaitable<Result<std::unique_ptr<DiskReader>>> open_disk(
    RandomSource& source, std::string_view disk_format, std::string_view container_format
) {
    if (container_format == "ova") co_return co_await open_ova(source);
    if (container_format != "bare")
        co_return Error(
            Errc::unsupported,
            "no disk can be made of an image in the container format " +
                std::string(container_format.substr(0, 64))
        );
    if (disk_format == "raw") co_return co_await open_raw(source);
    if (disk_format == "vmdk") co_return co_await open_any_vmdk(source);
    if (disk_format == "qcow2") co_return co_await open_qcow2(source);
    if (disk_format == "vhd") co_return co_await open_vhd(source);
    if (disk_format == "vhdx") co_return co_await open_vhdx(source);
    if (disk_format == "vdi") co_return co_await open_vdi(source);
    co_return Error(
        Errc::unsupported,
        "no disk can be made of an image in the format " + std::string(disk_format.substr(0, 64))
    );
}

}  // namespace slipway::format
