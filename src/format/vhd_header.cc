#include "format/vhd_header.h"

#include "format/bytes.h"
#include "format/detector.h"

namespace slipway::format {

namespace {

Error refused(std::string_view why) {
    return not_accepted("vhd", why);
}

// The complement of the sum of all bytes but its own.
bool has_checksum_at(std::size_t at, std::span<const std::byte> bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        if (i < at || i >= at + 4) sum += std::to_integer<std::uint32_t>(bytes[i]);
    return big<std::uint32_t>(bytes, at) == ~sum;
}

}  // namespace

VhdFooter VhdFooter::parse(std::span<const std::byte> bytes) {
    VhdFooter footer;
    footer.has_magic = starts_with(bytes, "conectix");
    if (bytes.size() < kBytes) return footer;
    footer.has_right_checksum = has_checksum_at(64, bytes.first(kBytes));
    footer.dynamic_header_at = big<std::uint64_t>(bytes, 16);
    footer.original_bytes = big<std::uint64_t>(bytes, 40);
    footer.current_bytes = big<std::uint64_t>(bytes, 48);
    footer.type = big<std::uint32_t>(bytes, 60);
    return footer;
}

Result<void> VhdFooter::check() const {
    if (type != kFixed && type != kDynamic)
        return refused("only fixed and dynamic disks are taken, none with a parent");
    return {};
}

VhdDynamicHeader VhdDynamicHeader::parse(std::span<const std::byte> bytes) {
    VhdDynamicHeader header;
    header.has_magic = starts_with(bytes, "cxsparse");
    header.has_right_checksum = has_checksum_at(36, bytes.first(kBytes));
    header.table_at = big<std::uint64_t>(bytes, 16);
    header.blocks = big<std::uint32_t>(bytes, 28);
    header.block_bytes = big<std::uint32_t>(bytes, 32);
    return header;
}

Result<void> VhdDynamicHeader::check(
    std::uint64_t virtual_bytes, std::optional<std::uint64_t> file_bytes
) const {
    if (!has_magic) return refused("it has no dynamic header");
    if (block_bytes < 512 || (block_bytes & (block_bytes - 1)) != 0)
        return refused("its block size is no power of two");
    if (blocks * block_bytes < virtual_bytes) return refused("its table does not fit its size");
    if (file_bytes && (table_at > *file_bytes || blocks * 4 > *file_bytes - table_at))
        return refused("its table lies outside the file");
    return {};
}

}  // namespace slipway::format
