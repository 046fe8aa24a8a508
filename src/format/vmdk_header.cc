#include "format/vmdk_header.h"

#include "format/bytes.h"
#include "format/detector.h"

namespace slipway::format {

namespace {

constexpr std::uint32_t kNewlineTest = 1U << 0U;
constexpr std::uint32_t kRedundantTables = 1U << 1U;
constexpr std::uint32_t kZeroGrains = 1U << 2U;
constexpr std::uint32_t kCompressed = 1U << 16U;
constexpr std::uint32_t kMarkers = 1U << 17U;
constexpr std::uint16_t kDeflate = 1;
constexpr std::uint64_t kMaxDescriptorSectors = (64U << 10U) / kSectorBytes;
// A directory is held while its tables pass: 512 KiB, 4 TiB at the usual grain.
constexpr std::uint64_t kMaxTables = 128U << 10U;

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
    header.has_intact_newlines = starts_with(sector.subspan(73), "\n \r\n");
    return header;
}

VmdkKind SparseHeader::kind() const {
    return (flags & (kCompressed | kMarkers)) == 0 ? VmdkKind::sparse : VmdkKind::stream_optimized;
}

Result<void> SparseHeader::check(const InspectionLimits& limits) const {
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
    if (capacity == 0 || capacity % grain != 0)
        return refused("its capacity is no multiple of its grain; pad the disk to whole grains");
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

}  // namespace slipway::format
