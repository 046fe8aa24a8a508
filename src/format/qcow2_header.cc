#include "format/qcow2_header.h"

#include "format/bytes.h"
#include "format/detector.h"

namespace slipway::format {

namespace {

constexpr std::uint64_t kDirty = 1U << 0U;
constexpr std::uint64_t kCorrupt = 1U << 1U;
constexpr std::uint64_t kExternalData = 1U << 2U;
constexpr std::uint64_t kCompressionType = 1U << 3U;
constexpr std::uint64_t kMaxL1Bytes = 32U << 20U;

Error refused(std::string_view why) {
    return not_accepted("qcow2", why);
}

}  // namespace

Qcow2Header Qcow2Header::parse(std::span<const std::byte> bytes) {
    Qcow2Header header;
    header.version = big<std::uint32_t>(bytes, 4);
    header.backing_file_at = big<std::uint64_t>(bytes, 8);
    header.cluster_bits = big<std::uint32_t>(bytes, 20);
    header.size_bytes = big<std::uint64_t>(bytes, 24);
    header.encryption = big<std::uint32_t>(bytes, 32);
    header.l1_entries = big<std::uint32_t>(bytes, 36);
    header.l1_at = big<std::uint64_t>(bytes, 40);
    header.refcounts_at = big<std::uint64_t>(bytes, 48);
    header.refcount_clusters = big<std::uint32_t>(bytes, 56);
    header.snapshots = big<std::uint32_t>(bytes, 60);
    header.snapshots_at = big<std::uint64_t>(bytes, 64);
    if (header.version == 3) {
        header.features = big<std::uint64_t>(bytes, 72);
        header.header_bytes = big<std::uint32_t>(bytes, 100);
    }
    return header;
}

bool Qcow2Header::names_compression() const {
    return (features & kCompressionType) != 0;
}

Result<void> Qcow2Header::check(std::optional<std::uint64_t> file_bytes) const {
    if (version != 2 && version != 3) return refused("its version is unknown");
    if (backing_file_at != 0) return refused("it names a backing file");
    if (version == 3) {
        if (header_bytes < kBytes) return refused("its header is too short");
        if ((features & kExternalData) != 0) return refused("its data lie in another file");
        if ((features & ~(kDirty | kCorrupt | kCompressionType)) != 0)
            return refused("it uses unknown features");
    }
    return check_tables(file_bytes);
}

Result<void> Qcow2Header::check_tables(std::optional<std::uint64_t> file_bytes) const {
    if (cluster_bits < 9 || cluster_bits > 21) return refused("its cluster size is out of range");
    if (encryption > 2) return refused("its encryption is unknown");
    const std::uint64_t cluster = cluster_bytes();
    const std::uint64_t l1_bytes = std::uint64_t{l1_entries} * 8;
    const std::uint64_t mapped_by_entry = cluster * (cluster / 8);
    if (l1_bytes > kMaxL1Bytes ||
        l1_entries < size_bytes / mapped_by_entry + (size_bytes % mapped_by_entry == 0 ? 0 : 1))
        return refused("its first table does not fit its size");
    const auto lies_inside = [&](std::uint64_t offset, std::uint64_t bytes) {
        if (offset % cluster != 0) return false;
        if (!file_bytes) return true;
        const std::uint64_t end = (*file_bytes + cluster - 1) / cluster * cluster;
        return offset <= end && bytes <= end - offset;
    };
    const std::uint64_t refcount_bytes = refcount_clusters * cluster;
    if (refcounts_at == 0 || refcount_bytes == 0 || !lies_inside(refcounts_at, refcount_bytes) ||
        !lies_inside(l1_at, l1_bytes))
        return refused("its tables lie outside the file");
    if (snapshots != 0 && !lies_inside(snapshots_at, 1))
        return refused("its snapshot table lies outside the file");
    return {};
}

Result<void> Qcow2Header::check_readable() const {
    if (encryption != 0) return refused("it is encrypted");
    if ((features & (kDirty | kCorrupt)) != 0)
        return refused(
            "it was not closed cleanly, or is marked as corrupt; run qemu-img check -r all on it "
            "and upload it again"
        );
    return {};
}

}  // namespace slipway::format
