#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// The tables by which a VHDX says where its parts lie. Source: Microsoft, [MS-VHDX], 2.2 and 2.6.
namespace slipway::format {

// As it lies in the file: the first three groups in little-endian order.
using Guid = std::array<unsigned char, 16>;

inline constexpr Guid kVhdxBatRegion = {
    0x66, 0x77, 0xC2, 0x2D, 0x23, 0xF6, 0x00, 0x42, 0x9D, 0x64, 0x11, 0x5E, 0x9B, 0xFD, 0x4A, 0x08};
inline constexpr Guid kVhdxMetadataRegion = {
    0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B, 0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E};
inline constexpr Guid kVhdxFileParameters = {
    0x37, 0x67, 0xA1, 0xCA, 0x36, 0xFA, 0x43, 0x4D, 0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7, 0x6B};
inline constexpr Guid kVhdxVirtualDiskSize = {
    0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48, 0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8};
inline constexpr Guid kVhdxLogicalSectorSize = {
    0x1D, 0xBF, 0x41, 0x81, 0x6F, 0xA9, 0x09, 0x47, 0xBA, 0x47, 0xF2, 0x33, 0xA8, 0xFA, 0xAB, 0x5F};

inline constexpr std::uint64_t kVhdxRegionTableAt = 192U << 10U;
inline constexpr std::size_t kVhdxTableBytes = 64U << 10U;
inline constexpr std::uint64_t kVhdxMaxOffset = 1ULL << 46U;
// In the file parameters.
inline constexpr std::uint32_t kVhdxHasParent = 1U << 1U;

// Where a region, or an item of the metadata, lies.
struct VhdxPlace {
    std::uint64_t at = 0;
    std::uint32_t length = 0;
};

// The entries of a region table or a metadata table; both begin with a magic and a count.
class VhdxTable {
public:
    // Absent when the magic or the count is wrong. `bytes` must outlive it.
    static std::optional<VhdxTable> regions(std::span<const std::byte> bytes);
    static std::optional<VhdxTable> metadata(std::span<const std::byte> bytes);

    // The only entry with this identifier; absent when there is none, or more than one. Places in
    // the metadata count from the beginning of their region.
    [[nodiscard]] std::optional<VhdxPlace> find(const Guid& guid) const;
    // Whether every entry that a reader has to understand is one of those.
    [[nodiscard]] bool requires_only(std::span<const Guid> known) const;

private:
    VhdxTable(std::span<const std::byte> entries, bool is_of_regions)
        : entries_(entries), is_of_regions_(is_of_regions) {}
    [[nodiscard]] bool is_required(std::span<const std::byte> entry) const;

    std::span<const std::byte> entries_;
    bool is_of_regions_;
};

}  // namespace slipway::format
