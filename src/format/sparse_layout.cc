#include "format/sparse_layout.h"

#include "format/bytes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>

namespace slipway::format {

namespace {

constexpr std::uint64_t kGrainSectors = SparseLayout::kGrainBytes / kSectorBytes;
constexpr std::uint64_t kEntriesPerTable = 512;
constexpr std::uint64_t kEntryBytes = 4;
constexpr std::uint64_t kTableSectors = kEntriesPerTable * kEntryBytes / kSectorBytes;
constexpr std::uint64_t kDescriptorSector = 1;
constexpr std::uint64_t kDescriptorSectors = 20;
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
    sectors.redundant_directory_at = kDescriptorSector + kDescriptorSectors;
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

    layout.head_.resize(sectors.redundant_directory_at * kSectorBytes);
    layout.write_header(sectors.redundant_directory_at, sectors.directory_at);
    const std::string text =
        embedded_descriptor(layout.capacity_bytes_ / kSectorBytes, adapter, identity);
    assert(text.size() < kDescriptorSectors * kSectorBytes);
    std::transform(
        text.begin(),
        text.end(),
        layout.head_.begin() + kDescriptorSector * kSectorBytes,
        [](char c) { return static_cast<std::byte>(c); }
    );

    for (const std::uint64_t directory : {sectors.redundant_directory_at, sectors.directory_at}) {
        const std::uint64_t tables = directory + sectors.directory;
        const std::uint64_t end = tables + sectors.tables * kTableSectors;
        layout.runs_.push_back(
            {directory * kSectorBytes, tables * kSectorBytes, sectors.tables, tables, kTableSectors}
        );
        layout.runs_.push_back(
            {tables * kSectorBytes, end * kSectorBytes, grains, sectors.overhead, kGrainSectors}
        );
    }
    return layout;
}

void SparseLayout::write_header(std::uint64_t rgd_sector, std::uint64_t gd_sector) {
    constexpr std::uint32_t kMagic = 0x564D444B;
    constexpr std::uint32_t kNewlineTest = 1U << 0U;
    constexpr std::uint32_t kRedundantTables = 1U << 1U;
    const std::span<std::byte> head(head_);
    put_little<std::uint32_t>(head, 0, kMagic);
    put_little<std::uint32_t>(head, 4, 1);
    put_little<std::uint32_t>(head, 8, kNewlineTest | kRedundantTables);
    put_little<std::uint64_t>(head, 12, capacity_bytes_ / kSectorBytes);
    put_little<std::uint64_t>(head, 20, kGrainSectors);
    put_little<std::uint64_t>(head, 28, kDescriptorSector);
    put_little<std::uint64_t>(head, 36, kDescriptorSectors);
    put_little<std::uint32_t>(head, 44, kEntriesPerTable);
    put_little<std::uint64_t>(head, 48, rgd_sector);
    put_little<std::uint64_t>(head, 56, gd_sector);
    put_little<std::uint64_t>(head, 64, prefix_bytes_ / kSectorBytes);
    // Damaged by every transfer that takes the file for text.
    head[73] = std::byte{'\n'};
    head[74] = std::byte{' '};
    head[75] = std::byte{'\r'};
    head[76] = std::byte{'\n'};
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

void SparseLayout::copy_numbers(
    const Numbers& run, std::uint64_t offset, std::span<std::byte> into
) {
    std::array<std::byte, kEntryBytes> number{};
    for (std::size_t done = 0; done < into.size();) {
        const std::uint64_t index = (offset + done) / kEntryBytes;
        if (index >= run.count) return;
        const auto skip = static_cast<std::size_t>((offset + done) % kEntryBytes);
        put_little(
            std::span<std::byte>(number),
            0,
            static_cast<std::uint32_t>(run.first + index * run.step)
        );
        const std::size_t count = std::min(kEntryBytes - skip, into.size() - done);
        std::copy_n(
            number.begin() + static_cast<std::ptrdiff_t>(skip),
            count,
            into.begin() + static_cast<std::ptrdiff_t>(done)
        );
        done += count;
    }
}

}  // namespace slipway::format
