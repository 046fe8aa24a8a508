#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

#include <algorithm>
#include <array>

namespace slipway::format {

namespace {

constexpr std::uint64_t kRegionTableAt = 192U << 10U;
constexpr std::size_t kTableBytes = 64U << 10U;
constexpr std::size_t kEntryBytes = 32;
constexpr std::size_t kMaxEntries = 2047;
constexpr std::size_t kItemBytes = 8;
constexpr std::uint32_t kHasParent = 1U << 1U;

using Guid = std::array<unsigned char, 16>;
// As they lie in the file: the first three groups in little-endian order.
constexpr Guid kMetadataRegion = {
    0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B, 0xB8, 0xFE, 0x57, 0x5F, 0x05, 0x0F, 0x88, 0x6E};
constexpr Guid kFileParameters = {
    0x37, 0x67, 0xA1, 0xCA, 0x36, 0xFA, 0x43, 0x4D, 0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7, 0x6B};
constexpr Guid kVirtualDiskSize = {
    0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48, 0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8};

// The only entry of a table that carries `guid`; absent when there is none, or more than one.
std::optional<std::span<const std::byte>> find_entry(
    std::span<const std::byte> table, std::size_t first, std::size_t count, const Guid& guid
) {
    std::optional<std::span<const std::byte>> found;
    for (std::size_t i = 0; i < count; ++i) {
        const auto entry = table.subspan(first + i * kEntryBytes, kEntryBytes);
        const bool is_it = std::equal(guid.begin(), guid.end(), entry.begin(), [](auto a, auto b) {
            return std::byte{a} == b;
        });
        if (!is_it) continue;
        if (found) return std::nullopt;
        found = entry;
    }
    return found;
}

// Region table -> metadata table -> two of its items, each behind the one before.
// Source: Microsoft, [MS-VHDX].
class VhdxDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vhdx; }

    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        magic_.see(offset, chunk);
        regions_.see(offset, chunk);
        if (!regions_.is_complete()) return;
        if (!metadata_) read_regions();
        if (!metadata_) return;
        metadata_->see(offset, chunk);
        if (!metadata_->is_complete()) return;
        if (!size_) read_metadata();
        if (!size_) return;
        parameters_->see(offset, chunk);
        size_->see(offset, chunk);
    }

    [[nodiscard]] bool matches() const override { return starts_with(magic_.bytes(), "vhdxfile"); }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return size_ && size_->is_complete() ? little<std::uint64_t>(size_->bytes(), 0) : 0;
    }

    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!error_.empty()) return refused(error_);
        const bool complete = size_ && size_->is_complete() && parameters_->is_complete();
        if (!complete && file_bytes) return refused("its metadata are cut off");
        if (complete && (little<std::uint32_t>(parameters_->bytes(), 4) & kHasParent) != 0)
            return refused("it has a parent");
        return {};
    }

private:
    static Error refused(std::string_view why) { return not_accepted("vhdx", why); }

    void read_regions() {
        const auto table = regions_.bytes();
        const auto count = little<std::uint32_t>(table, 8);
        if (!starts_with(table, "regi") || count > kMaxEntries) {
            error_ = "its region table is damaged";
            return;
        }
        const auto entry = find_entry(table, 16, count, kMetadataRegion);
        const std::uint64_t at = entry ? little<std::uint64_t>(*entry, 16) : 0;
        if (at < regions_.end() || at > kMaxMetadataOffset) {
            error_ = "its metadata region is missing or out of place";
            return;
        }
        metadata_.emplace(at, kTableBytes);
    }

    void read_metadata() {
        const auto table = metadata_->bytes();
        const auto count = little<std::uint16_t>(table, 10);
        if (!starts_with(table, "metadata") || count > kMaxEntries) {
            error_ = "its metadata table is damaged";
            return;
        }
        const auto parameters = find_entry(table, kEntryBytes, count, kFileParameters);
        const auto size = find_entry(table, kEntryBytes, count, kVirtualDiskSize);
        const auto place = [](const auto& entry) -> std::uint64_t {
            const bool is_whole = entry && little<std::uint32_t>(*entry, 20) == kItemBytes;
            return is_whole ? little<std::uint32_t>(*entry, 16) : 0;
        };
        const std::uint64_t parameters_at = place(parameters);
        const std::uint64_t size_at = place(size);
        if (parameters_at < kTableBytes || size_at < kTableBytes) {
            error_ = "its metadata lack the size or the parameters";
            return;
        }
        parameters_.emplace(metadata_->first() + parameters_at, kItemBytes);
        size_.emplace(metadata_->first() + size_at, kItemBytes);
    }

    static constexpr std::uint64_t kMaxMetadataOffset = 1ULL << 46U;

    Window magic_{0, 8};
    Window regions_{kRegionTableAt, kTableBytes};
    std::optional<Window> metadata_;
    std::optional<Window> parameters_;
    std::optional<Window> size_;
    std::string error_;
};

}  // namespace

std::unique_ptr<Detector> make_vhdx_detector() {
    return std::make_unique<VhdxDetector>();
}

}  // namespace slipway::format
