#include "format/vdi_header.h"

#include "format/bytes.h"
#include "format/descriptor.h"
#include "format/detector.h"

namespace slipway::format {

namespace {

constexpr std::size_t kMagicAt = 64;
constexpr std::uint32_t kMagic = 0xBEDA107F;
constexpr std::uint32_t kVersion = 0x00010001;
constexpr std::uint32_t kDynamic = 1;
constexpr std::uint32_t kFixed = 2;

Error refused(std::string_view why) {
    return not_accepted("vdi", why);
}

}  // namespace

bool VdiHeader::has_magic(std::span<const std::byte> bytes) {
    return bytes.size() >= kMagicAt + 4 && little<std::uint32_t>(bytes, kMagicAt) == kMagic;
}

VdiHeader VdiHeader::parse(std::span<const std::byte> bytes) {
    VdiHeader header;
    header.version = little<std::uint32_t>(bytes, 68);
    header.type = little<std::uint32_t>(bytes, 76);
    header.map_at = little<std::uint32_t>(bytes, 340);
    header.data_at = little<std::uint32_t>(bytes, 344);
    header.size_bytes = little<std::uint64_t>(bytes, 368);
    header.block_bytes = little<std::uint32_t>(bytes, 376);
    header.block_extra_bytes = little<std::uint32_t>(bytes, 380);
    header.blocks = little<std::uint32_t>(bytes, 384);
    // Two identifiers: of the disk before this one, and of its parent.
    header.has_parent = !all_zero(bytes.subspan(424, 32));
    return header;
}

Result<void> VdiHeader::check() const {
    if (type != kDynamic && type != kFixed)
        return refused("only dynamic and fixed disks are taken, none with a parent");
    return {};
}

Result<void> VdiHeader::check_readable(std::uint64_t file_bytes) const {
    constexpr std::uint32_t kMaxBlockBytes = 256U << 20U;
    if (version != kVersion) return refused("its version is unknown");
    if (has_parent) return refused("it has a parent");
    if (block_bytes < kSectorBytes || block_bytes > kMaxBlockBytes ||
        (block_bytes & (block_bytes - 1)) != 0 || block_extra_bytes != 0)
        return refused("its blocks are of an unusual size");
    if (std::uint64_t{blocks} * block_bytes < size_bytes)
        return refused("its table does not fit its size");
    if (map_at < kBytes || map_at % kSectorBytes != 0 || map_at > file_bytes ||
        std::uint64_t{blocks} * 4 > file_bytes - map_at || data_at > file_bytes)
        return refused("its table lies outside the file");
    return {};
}

}  // namespace slipway::format
