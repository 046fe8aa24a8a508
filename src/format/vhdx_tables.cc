#include "format/vhdx_tables.h"

#include "format/bytes.h"
#include "format/detector.h"

#include <algorithm>

namespace slipway::format {

namespace {

constexpr std::size_t kEntryBytes = 32;
constexpr std::size_t kMaxEntries = 2047;
constexpr std::size_t kFirstRegion = 16;

bool carries(std::span<const std::byte> entry, const Guid& guid) {
    return std::equal(guid.begin(), guid.end(), entry.begin(), [](auto a, auto b) {
        return std::byte{a} == b;
    });
}

}  // namespace

std::optional<VhdxTable> VhdxTable::regions(std::span<const std::byte> bytes) {
    const auto count = little<std::uint32_t>(bytes, 8);
    if (!starts_with(bytes, "regi") || count > kMaxEntries) return std::nullopt;
    return VhdxTable(bytes.subspan(kFirstRegion, count * kEntryBytes), true);
}

std::optional<VhdxTable> VhdxTable::metadata(std::span<const std::byte> bytes) {
    const auto count = little<std::uint16_t>(bytes, 10);
    if (!starts_with(bytes, "metadata") || count > kMaxEntries) return std::nullopt;
    return VhdxTable(bytes.subspan(kEntryBytes, count * kEntryBytes), false);
}

std::optional<VhdxPlace> VhdxTable::find(const Guid& guid) const {
    std::optional<VhdxPlace> found;
    for (std::size_t at = 0; at < entries_.size(); at += kEntryBytes) {
        const auto entry = entries_.subspan(at, kEntryBytes);
        if (!carries(entry, guid)) continue;
        if (found) return std::nullopt;
        found = is_of_regions_
                    ? VhdxPlace{little<std::uint64_t>(entry, 16), little<std::uint32_t>(entry, 24)}
                    : VhdxPlace{little<std::uint32_t>(entry, 16), little<std::uint32_t>(entry, 20)};
    }
    return found;
}

bool VhdxTable::is_required(std::span<const std::byte> entry) const {
    if (is_of_regions_) return (little<std::uint32_t>(entry, 28) & 1U) != 0;
    return (little<std::uint32_t>(entry, 24) & 4U) != 0;
}

bool VhdxTable::requires_only(std::span<const Guid> known) const {
    for (std::size_t at = 0; at < entries_.size(); at += kEntryBytes) {
        const auto entry = entries_.subspan(at, kEntryBytes);
        const bool is_known = std::any_of(known.begin(), known.end(), [&](const Guid& guid) {
            return carries(entry, guid);
        });
        if (is_required(entry) && !is_known) return false;
    }
    return true;
}

}  // namespace slipway::format
