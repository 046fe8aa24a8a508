#include "format/vmdk_markers.h"

#include "format/bytes.h"
#include "format/detector.h"

#include <algorithm>

namespace slipway::format {

namespace {

Error refused(std::string_view why) {
    return not_accepted("vmdk", why);
}

}  // namespace

MarkerReader::MarkerReader(const SparseHeader& header, std::span<const std::byte> header_sector)
    : header_(header),
      header_sector_(header_sector.begin(), header_sector.end()),
      entries_(header) {
    expect_marker(header.overhead * kSectorBytes);
}

void MarkerReader::expect_marker(std::uint64_t at) {
    state_ = State::marker;
    end_ = at;
    window_ = Window(at, kMarkerBytes);
}

Result<void> MarkerReader::see(std::uint64_t offset, std::span<const std::byte> chunk) {
    while (state_ != State::ended) {
        window_.see(offset, chunk);
        if (!window_.is_complete()) return {};
        SLIPWAY_CHECK(state_ == State::marker ? read_marker() : read_metadata());
    }
    return check_tail(offset, chunk);
}

Result<void> MarkerReader::read_marker() {
    const auto value = little<std::uint64_t>(window_.bytes(), 0);
    const auto size = little<std::uint32_t>(window_.bytes(), 8);
    if (has_seen_footer_ &&
        (size != 0 || little<std::uint32_t>(window_.bytes(), 12) != kEndOfStream))
        return refused("its footer is not followed by the end of the stream");
    if (size != 0) return read_grain(value, size);
    return begin_metadata(value, little<std::uint32_t>(window_.bytes(), 12));
}

Result<void> MarkerReader::read_grain(std::uint64_t disk_sector, std::uint64_t size) {
    if (directory_at_ != 0) return refused("a grain follows the grain directory");
    if (disk_sector % header_.grain != 0 || disk_sector >= header_.capacity)
        return refused("a grain lies outside the disk");
    if (disk_sector < next_disk_sector_) return refused("its grains are not in ascending order");
    if (size > header_.grain * kSectorBytes + kMaxGrowthBytes)
        return refused("a grain is too large");
    next_disk_sector_ = disk_sector + header_.grain;
    const std::uint64_t end = window_.first() + kGrainHeadBytes + size;
    expect_marker((end + kSectorBytes - 1) / kSectorBytes * kSectorBytes);
    return {};
}

Result<void> MarkerReader::begin_metadata(std::uint64_t payload_sectors, std::uint32_t type) {
    if (type > kFooter) return refused("it has a marker of an unknown type");
    if (type != kEndOfStream && !header_.has_footer())
        return refused("it has a second set of tables");
    std::uint64_t expected = 0;
    if (type == kGrainTable) expected = kTableSectors;
    if (type == kGrainDirectory) expected = header_.directory_sectors();
    if (type == kFooter) expected = 1;
    if (payload_sectors != expected) return refused("a marker announces an unusual length");
    type_ = type;
    state_ = State::metadata;
    // The rest of the marker's sector, and the payload behind it.
    window_ = Window(window_.end(), kSectorBytes - kMarkerBytes + expected * kSectorBytes);
    return {};
}

Result<void> MarkerReader::read_metadata() {
    const auto rest = window_.bytes().first(kSectorBytes - kMarkerBytes);
    const auto payload = window_.bytes().subspan(rest.size());
    if (!all_zero(rest)) return refused("a marker is not padded with zeros");
    if (type_ == kGrainTable) SLIPWAY_CHECK(read_table(payload));
    if (type_ == kGrainDirectory) SLIPWAY_CHECK(read_directory(payload));
    if (type_ == kFooter) {
        SLIPWAY_CHECK(read_footer(payload));
        has_seen_footer_ = true;
    }
    const std::uint64_t end = window_.end();
    if (type_ != kEndOfStream) {
        expect_marker(end);
        return {};
    }
    if (header_.has_footer() && !has_seen_footer_) return refused("it ends without a footer");
    state_ = State::ended;
    end_ = end;
    return {};
}

// Empty tables may be left out, so which one this is only the directory tells. That no grain lies
// beyond the capacity was seen at its marker.
Result<void> MarkerReader::read_table(std::span<const std::byte> table) {
    if (directory_at_ != 0) return refused("a grain table follows the grain directory");
    if (tables_.size() >= header_.tables()) return refused("it has too many grain tables");
    const std::uint64_t sector = window_.end() / kSectorBytes - kTableSectors;
    if (sector >= (1ULL << 32U)) return refused("a grain table lies out of reach");
    SLIPWAY_CHECK(entries_.check(table, 0, sector));
    tables_.push_back(static_cast<std::uint32_t>(sector));
    return {};
}

Result<void> MarkerReader::read_directory(std::span<const std::byte> directory) {
    if (directory_at_ != 0) return refused("it has two grain directories");
    std::size_t used = 0;
    for (std::uint64_t i = 0; i < header_.tables(); ++i) {
        const auto sector = little<std::uint32_t>(directory, i * 4);
        if (sector == 0) continue;
        if (used >= tables_.size() || tables_[used] != sector)
            return refused("its grain directory does not name its tables in order");
        ++used;
    }
    if (used != tables_.size()) return refused("its grain directory leaves tables out");
    directory_at_ = window_.end() / kSectorBytes - header_.directory_sectors();
    return {};
}

// The header again, now with the place of the directory.
Result<void> MarkerReader::read_footer(std::span<const std::byte> sector) const {
    if (has_seen_footer_) return refused("it has two footers");
    const SparseHeader footer = SparseHeader::parse(sector);
    if (directory_at_ == 0 || footer.directory_at != directory_at_)
        return refused("its footer does not name its grain directory");
    if (!is_footer_of(header_sector_, sector))
        return refused("its footer and its header contradict each other");
    return {};
}

Result<void> MarkerReader::check_tail(std::uint64_t offset, std::span<const std::byte> chunk)
    const {
    if (offset + chunk.size() <= end_) return {};
    const auto tail = chunk.subspan(static_cast<std::size_t>(std::max(end_, offset) - offset));
    if (header_.has_footer()) return refused("it goes on after the end of the stream");
    if (!all_zero(tail)) return refused("data follow the end of the stream");
    return {};
}

Result<void> MarkerReader::finish(std::uint64_t file_bytes) const {
    const bool is_whole = state_ == State::ended ||
                          (state_ == State::marker && !header_.has_footer() && file_bytes == end_);
    if (!is_whole || file_bytes < end_) return refused("the file is cut off");
    return {};
}

}  // namespace slipway::format
