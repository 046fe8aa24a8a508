#include "format/sparse_layout.h"

#include "format/bytes.h"
#include "format/vmdk_head.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace slipway::format {

namespace {

constexpr std::uint64_t kGrainSectors = SparseLayout::kGrainBytes / kSectorBytes;
constexpr std::uint64_t kEntryBytes = 4;
constexpr std::uint64_t kMaxFileSectors = 1ULL << 32U;

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by == 0 ? 0 : 1);
}

struct Sectors {
    std::uint64_t tables = 0;  // how many
    std::uint64_t directory = 0;
    std::uint64_t redundant_directory_at = 0;
    std::uint64_t directory_at = 0;
    std::uint64_t overhead = 0;
};

constexpr Sectors sectors_for(std::uint64_t grains) {
    Sectors sectors;
    sectors.tables = divide_up(grains, kEntriesPerTable);
    sectors.directory = divide_up(sectors.tables * kEntryBytes, kSectorBytes);
    const std::uint64_t one_copy = sectors.directory + sectors.tables * kTableSectors;
    sectors.redundant_directory_at = kHeadSectors;
    sectors.directory_at = sectors.redundant_directory_at + one_copy;
    sectors.overhead = divide_up(sectors.directory_at + one_copy, kGrainSectors) * kGrainSectors;
    return sectors;
}

constexpr std::uint64_t most_grains() {
    std::uint64_t grains = kMaxFileSectors / kGrainSectors;
    while (sectors_for(grains).overhead + grains * kGrainSectors > kMaxFileSectors) --grains;
    return grains;
}

constexpr std::uint64_t kMostGrains = most_grains();

}  // namespace

std::uint64_t SparseLayout::max_size_bytes() {
    return kMostGrains * kGrainBytes;
}

Result<SparseLayout> SparseLayout::create(
    std::uint64_t size_bytes, AdapterType adapter, const DiskIdentity& identity
) {
    return make(size_bytes, std::nullopt, adapter, identity);
}

Result<SparseLayout> SparseLayout::create_for(
    std::uint64_t size_bytes, GrainMap used, AdapterType adapter, const DiskIdentity& identity
) {
    assert(used.grains() == divide_up(size_bytes, kGrainBytes));
    return make(size_bytes, std::move(used), adapter, identity);
}

Result<SparseLayout> SparseLayout::make(
    std::uint64_t size_bytes,
    std::optional<GrainMap> used,
    AdapterType adapter,
    const DiskIdentity& identity
) {
    if (size_bytes == 0)
        return Error(Errc::invalid_argument, "a disk of 0 bytes can not be stored");
    if (size_bytes > max_size_bytes())
        return Error(Errc::too_large, "a sparse vmdk file holds less than 2 TiB");

    const std::uint64_t grains = divide_up(size_bytes, kGrainBytes);
    const Sectors sectors = sectors_for(grains);
    SparseLayout layout;
    layout.size_bytes_ = size_bytes;
    layout.capacity_bytes_ = grains * kGrainBytes;
    layout.prefix_bytes_ = sectors.overhead * kSectorBytes;
    layout.data_bytes_ = (used ? used->used() : grains) * kGrainBytes;
    layout.used_ = std::move(used);

    SparseHeader header = our_header(layout.capacity_bytes_);
    header.version = 1;
    header.flags = kNewlineTest | kRedundantTables;
    header.redundant_directory_at = sectors.redundant_directory_at;
    header.directory_at = sectors.directory_at;
    header.overhead = sectors.overhead;
    layout.head_ = vmdk_head(header, adapter, identity);

    for (const std::uint64_t directory : {sectors.redundant_directory_at, sectors.directory_at}) {
        const std::uint64_t tables = directory + sectors.directory;
        const std::uint64_t end = tables + sectors.tables * kTableSectors;
        layout.runs_.push_back(
            {.begin_bytes = directory * kSectorBytes,
             .end_bytes = tables * kSectorBytes,
             .count = sectors.tables,
             .first = tables,
             .step = kTableSectors}
        );
        layout.runs_.push_back(
            {.begin_bytes = tables * kSectorBytes,
             .end_bytes = end * kSectorBytes,
             .count = grains,
             .first = sectors.overhead,
             .step = kGrainSectors,
             .is_of_grains = true}
        );
    }
    return layout;
}

void SparseLayout::read_prefix(std::uint64_t offset, std::span<std::byte> into) const {
    assert(offset + into.size() <= prefix_bytes_);
    std::fill(into.begin(), into.end(), std::byte{0});
    if (offset < head_.size()) {
        const auto count = std::min<std::uint64_t>(head_.size() - offset, into.size());
        std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(offset), count, into.begin());
    }
    const std::uint64_t end = offset + into.size();
    for (const Numbers& run : runs_) {
        const std::uint64_t from = std::max(offset, run.begin_bytes);
        const std::uint64_t to = std::min(end, run.end_bytes);
        if (from < to)
            copy_numbers(run, from - run.begin_bytes, into.subspan(from - offset, to - from));
    }
}

void SparseLayout::copy_numbers(const Numbers& run, std::uint64_t offset, std::span<std::byte> into)
    const {
    const bool has_gaps = run.is_of_grains && used_;
    const std::uint64_t begin = offset / kEntryBytes;
    // Counted from the beginning once, then along.
    std::uint64_t steps = has_gaps && begin < run.count ? used_->used_before(begin) : begin;
    std::array<std::byte, kEntryBytes> number{};
    for (std::size_t done = 0; done < into.size();) {
        const std::uint64_t index = (offset + done) / kEntryBytes;
        if (index >= run.count) return;
        const auto skip = static_cast<std::size_t>((offset + done) % kEntryBytes);
        const bool is_there = !has_gaps || used_->is_used(index);
        const std::uint64_t value = is_there ? run.first + steps * run.step : 0;
        put_little(std::span<std::byte>(number), 0, static_cast<std::uint32_t>(value));
        const std::size_t count = std::min(kEntryBytes - skip, into.size() - done);
        std::copy_n(
            number.begin() + static_cast<std::ptrdiff_t>(skip),
            count,
            into.begin() + static_cast<std::ptrdiff_t>(done)
        );
        done += count;
        if (is_there) ++steps;
    }
}

}  // namespace slipway::format
