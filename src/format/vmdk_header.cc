#include "format/vmdk_header.h"

#include "format/bytes.h"
#include "format/detector.h"

#include <algorithm>
#include <string>

namespace slipway::format {

namespace {

constexpr std::uint64_t kMaxDescriptorSectors = (64U << 10U) / kSectorBytes;
constexpr std::string_view kMagic = "KDMV";
constexpr std::string_view kNewlines = "\n \r\n";
constexpr std::size_t kDirectoriesAt = 48;
constexpr std::size_t kBehindDirectories = 64;
constexpr std::size_t kNewlinesAt = 73;

void put_text(std::span<std::byte> bytes, std::size_t at, std::string_view text) {
    for (const char c : text) bytes[at++] = static_cast<std::byte>(c);
}

Error refused(std::string_view why) {
    return not_accepted("vmdk", why);
}

}  // namespace

SparseHeader SparseHeader::parse(std::span<const std::byte> sector) {
    SparseHeader header;
    header.version = little<std::uint32_t>(sector, 4);
    header.flags = little<std::uint32_t>(sector, 8);
    header.capacity = little<std::uint64_t>(sector, 12);
    header.grain = little<std::uint64_t>(sector, 20);
    header.descriptor_at = little<std::uint64_t>(sector, 28);
    header.descriptor_sectors = little<std::uint64_t>(sector, 36);
    header.entries_per_table = little<std::uint32_t>(sector, 44);
    header.redundant_directory_at = little<std::uint64_t>(sector, 48);
    header.directory_at = little<std::uint64_t>(sector, 56);
    header.overhead = little<std::uint64_t>(sector, 64);
    header.compression = little<std::uint16_t>(sector, 77);
    header.has_intact_newlines = starts_with(sector.subspan(kNewlinesAt), kNewlines);
    return header;
}

void SparseHeader::write(std::span<std::byte> sector) const {
    put_text(sector, 0, kMagic);
    put_little(sector, 4, version);
    put_little(sector, 8, flags);
    put_little(sector, 12, capacity);
    put_little(sector, 20, grain);
    put_little(sector, 28, descriptor_at);
    put_little(sector, 36, descriptor_sectors);
    put_little(sector, 44, entries_per_table);
    put_little(sector, kDirectoriesAt, redundant_directory_at);
    put_little(sector, 56, directory_at);
    put_little(sector, kBehindDirectories, overhead);
    // Damaged by every transfer that takes the file for text.
    put_text(sector, kNewlinesAt, kNewlines);
    put_little(sector, 77, compression);
}

VmdkKind SparseHeader::kind() const {
    return (flags & (kCompressed | kMarkers)) == 0 ? VmdkKind::sparse : VmdkKind::stream_optimized;
}

Result<void> SparseHeader::check(const InspectionLimits& limits) const {
    SLIPWAY_CHECK(check_readable(limits));
    if (capacity % grain != 0)
        return refused("its capacity is no multiple of its grain; pad the disk to whole grains");
    return {};
}

Result<void> SparseHeader::check_readable(const InspectionLimits& limits) const {
    constexpr std::uint32_t kKnown =
        kNewlineTest | kRedundantTables | kZeroGrains | kCompressed | kMarkers;
    if (version < 1 || version > 3) return refused("its version is unknown");
    if ((flags & ~kKnown) != 0) return refused("it has unknown flags");
    if ((flags & kNewlineTest) != 0 && !has_intact_newlines)
        return refused("it was damaged by a transfer as text");
    const bool is_stream = (flags & kCompressed) != 0 && (flags & kMarkers) != 0;
    const bool is_plain = (flags & (kCompressed | kMarkers)) == 0;
    if (!(is_stream && compression == kDeflate) && !(is_plain && compression == 0))
        return refused("its flags and its compression contradict each other");
    if (is_plain && has_footer()) return refused("its grain directory is missing");
    if (grain < 8 || grain > 2048 || (grain & (grain - 1)) != 0)
        return refused("its grain size is out of range");
    if (capacity == 0) return refused("its capacity is 0");
    if (capacity > limits.max_virtual_bytes / kSectorBytes)
        return refused("its capacity is above the limit");
    if (entries_per_table != kEntriesPerTable) return refused("its tables are of unusual size");
    if (tables() > kMaxTables) return refused("its grain directory is too large");
    if (descriptor_at != 1 || descriptor_sectors == 0 || descriptor_sectors > kMaxDescriptorSectors)
        return refused("its descriptor is out of place");
    if (overhead < descriptor_at + descriptor_sectors || overhead > (1ULL << 32U))
        return refused("its first grain is out of place");
    return {};
}

Result<void> SparseHeader::check_descriptor(std::span<const std::byte> text) const {
    std::string copy;
    for (const std::byte b : text) copy += std::to_integer<char>(b);
    SLIPWAY_TRY(const auto descriptor, parse_embedded_descriptor(copy));
    if (descriptor.kind != kind())
        return refused("its descriptor names another kind than its header");
    if (descriptor.capacity_sectors != capacity)
        return refused("its descriptor names another capacity than its header");
    return {};
}

bool is_footer_of(std::span<const std::byte> header, std::span<const std::byte> footer) {
    const auto agree = [&](std::size_t from, std::size_t to) {
        return std::equal(
            footer.begin() + static_cast<std::ptrdiff_t>(from),
            footer.begin() + static_cast<std::ptrdiff_t>(to),
            header.begin() + static_cast<std::ptrdiff_t>(from)
        );
    };
    return agree(0, kDirectoriesAt) && agree(kBehindDirectories, kSparseHeaderBytes);
}

}  // namespace slipway::format
