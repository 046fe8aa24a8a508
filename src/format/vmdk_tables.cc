#include "format/vmdk_tables.h"

#include "format/bytes.h"
#include "format/detector.h"

#include <algorithm>
#include <array>

namespace slipway::format {

namespace {

Error refused(std::string_view why) {
    return not_accepted("vmdk", why);
}

}  // namespace

Result<void> GrainEntries::check(
    std::span<const std::byte> table, std::uint64_t index, std::uint64_t limit
) {
    // Compressed grains are of any length; at least one sector.
    const std::uint64_t length = header_.kind() == VmdkKind::sparse ? header_.grain : 1;
    for (std::uint64_t i = 0; i < kEntriesPerTable; ++i) {
        const std::uint64_t sector = little<std::uint32_t>(table, i * 4);
        if (sector == 0) continue;
        if (index * kEntriesPerTable + i >= header_.grains())
            return refused("a table names grains beyond the capacity");
        if (sector == 1 && header_.has_zero_grains()) continue;
        if (sector < header_.overhead || sector >= limit)
            return refused("a table names a grain outside the data");
        end_sector_ = std::max(end_sector_, sector + length);
    }
    return {};
}

GrainDirectory::GrainDirectory(const SparseHeader& header, std::uint64_t first_sector)
    : header_(header),
      first_sector_(first_sector),
      end_sector_(first_sector + header.directory_sectors()),
      directory_(first_sector * kSectorBytes, header.tables() * 4),
      entries_(header),
      digest_(Digest::create("sha256").value()) {}

Result<void> GrainDirectory::see(std::uint64_t offset, std::span<const std::byte> chunk) {
    directory_.see(offset, chunk);
    if (!directory_.is_complete()) return {};
    if (!is_read_) SLIPWAY_CHECK(read_directory());
    while (table_) {
        table_->see(offset, chunk);
        if (!table_->is_complete()) return {};
        SLIPWAY_CHECK(read_table());
    }
    return {};
}

Result<void> GrainDirectory::read_directory() {
    is_read_ = true;
    std::uint64_t free_from = end_sector_;
    for (std::uint64_t i = 0; i < header_.tables(); ++i) {
        const auto sector = little<std::uint32_t>(directory_.bytes(), i * 4);
        tables_.push_back(sector);
        if (sector == 0) continue;
        if (sector < free_from)
            return refused("its grain tables overlap, or are not in ascending order");
        free_from = sector + kTableSectors;
        if (free_from > header_.overhead) return refused("a grain table lies among the data");
    }
    end_sector_ = free_from;
    next_table();
    return {};
}

void GrainDirectory::next_table() {
    while (index_ < tables_.size() && tables_[index_] == 0) {
        const std::array<std::byte, 1> hole{};
        digest_.update(hole);
        ++index_;
    }
    if (index_ < tables_.size()) {
        table_.emplace(tables_[index_] * kSectorBytes, kTableBytes);
    } else {
        table_.reset();
        digest_hex_ = digest_.finish_hex();
    }
}

Result<void> GrainDirectory::read_table() {
    constexpr std::uint64_t kNoLimit = 1ULL << 32U;
    SLIPWAY_CHECK(entries_.check(table_->bytes(), index_, kNoLimit));
    const std::array<std::byte, 1> present{std::byte{1}};
    digest_.update(present);
    digest_.update(table_->bytes());
    ++index_;
    next_table();
    return {};
}

}  // namespace slipway::format
