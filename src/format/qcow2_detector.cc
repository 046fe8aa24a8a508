#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

namespace slipway::format {

namespace {

constexpr std::size_t kHeaderV3 = 104;
constexpr std::uint64_t kDirty = 1U << 0U;
constexpr std::uint64_t kCorrupt = 1U << 1U;
constexpr std::uint64_t kExternalData = 1U << 2U;
constexpr std::uint64_t kCompressionType = 1U << 3U;
constexpr std::uint64_t kMaxL1Bytes = 32U << 20U;

// Source: QEMU, docs/interop/qcow2.txt.
class Qcow2Detector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::qcow2; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        header_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override { return starts_with(header_.bytes(), "QFI\xfb"); }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return header_.is_complete() ? big<std::uint64_t>(header_.bytes(), 24) : 0;
    }

    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!header_.is_complete()) return refused("its header is cut off");
        const auto header = header_.bytes();
        const auto version = big<std::uint32_t>(header, 4);
        if (version != 2 && version != 3) return refused("its version is unknown");
        if (big<std::uint64_t>(header, 8) != 0) return refused("it names a backing file");
        if (version == 3) {
            if (big<std::uint32_t>(header, 100) < kHeaderV3)
                return refused("its header is too short");
            const auto features = big<std::uint64_t>(header, 72);
            if ((features & kExternalData) != 0) return refused("its data lie in another file");
            if ((features & ~(kDirty | kCorrupt | kCompressionType)) != 0)
                return refused("it uses unknown features");
        }
        return check_tables(header, file_bytes);
    }

private:
    static Error refused(std::string_view why) { return not_accepted("qcow2", why); }

    static Result<void> check_tables(
        std::span<const std::byte> header, std::optional<std::uint64_t> file_bytes
    ) {
        const auto cluster_bits = big<std::uint32_t>(header, 20);
        if (cluster_bits < 9 || cluster_bits > 21)
            return refused("its cluster size is out of range");
        if (big<std::uint32_t>(header, 32) > 2) return refused("its encryption is unknown");
        const std::uint64_t cluster = 1ULL << cluster_bits;
        const std::uint64_t size = big<std::uint64_t>(header, 24);
        const std::uint64_t l1_bytes = std::uint64_t{big<std::uint32_t>(header, 36)} * 8;
        const std::uint64_t mapped_by_entry = cluster * (cluster / 8);
        if (l1_bytes > kMaxL1Bytes ||
            l1_bytes / 8 < size / mapped_by_entry + (size % mapped_by_entry == 0 ? 0 : 1))
            return refused("its first table does not fit its size");
        const auto lies_inside = [&](std::uint64_t offset, std::uint64_t bytes) {
            if (offset % cluster != 0) return false;
            if (!file_bytes) return true;
            const std::uint64_t end = (*file_bytes + cluster - 1) / cluster * cluster;
            return offset <= end && bytes <= end - offset;
        };
        const std::uint64_t refcount_bytes = big<std::uint32_t>(header, 56) * cluster;
        if (big<std::uint64_t>(header, 48) == 0 || refcount_bytes == 0 ||
            !lies_inside(big<std::uint64_t>(header, 48), refcount_bytes) ||
            !lies_inside(big<std::uint64_t>(header, 40), l1_bytes))
            return refused("its tables lie outside the file");
        const bool has_snapshots = big<std::uint32_t>(header, 60) != 0;
        if (has_snapshots && !lies_inside(big<std::uint64_t>(header, 64), 1))
            return refused("its snapshot table lies outside the file");
        return {};
    }

    Window header_{0, kHeaderV3};
};

}  // namespace

std::unique_ptr<Detector> make_qcow2_detector() {
    return std::make_unique<Qcow2Detector>();
}

}  // namespace slipway::format
