#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

namespace slipway::format {

namespace {

constexpr std::uint32_t kFixed = 2;
constexpr std::uint32_t kDynamic = 3;

// A dynamic disk begins with a copy of its footer. A fixed one has a footer only, and is seen as
// raw. Source: Microsoft, Virtual Hard Disk Image Format Specification 1.0.
class VhdDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vhd; }

    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        footer_.see(offset, chunk);
        if (!footer_.is_complete()) return;
        const auto at = big<std::uint64_t>(footer_.bytes(), 16);
        if (!dynamic_) {
            // Before its own copy of the footer nothing else can stand.
            if (at < 512 || at > kMaxHeaderOffset) return;
            dynamic_.emplace(at, 1024);
        }
        dynamic_->see(offset, chunk);
    }

    [[nodiscard]] bool matches() const override { return starts_with(footer_.bytes(), "conectix"); }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return footer_.is_complete() ? big<std::uint64_t>(footer_.bytes(), 40) : 0;
    }

    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!footer_.is_complete()) return refused("its header is cut off");
        const auto type = big<std::uint32_t>(footer_.bytes(), 60);
        if (type != kFixed && type != kDynamic)
            return refused("only fixed and dynamic disks are taken, none with a parent");
        if (type == kFixed) return {};
        if (!dynamic_) return refused("its dynamic header lies out of range");
        if (!dynamic_->is_complete()) {
            if (file_bytes) return refused("its dynamic header is cut off");
            return {};
        }
        return check_dynamic(dynamic_->bytes(), file_bytes);
    }

private:
    static constexpr std::uint64_t kMaxHeaderOffset = 1U << 20U;

    static Error refused(std::string_view why) { return not_accepted("vhd", why); }

    [[nodiscard]] Result<void> check_dynamic(
        std::span<const std::byte> header, std::optional<std::uint64_t> file_bytes
    ) const {
        if (!starts_with(header, "cxsparse")) return refused("it has no dynamic header");
        const auto table = big<std::uint64_t>(header, 16);
        const std::uint64_t blocks = big<std::uint32_t>(header, 28);
        const std::uint64_t block_bytes = big<std::uint32_t>(header, 32);
        if (block_bytes < 512 || (block_bytes & (block_bytes - 1)) != 0)
            return refused("its block size is no power of two");
        if (blocks * block_bytes < virtual_size(file_bytes))
            return refused("its table does not fit its size");
        if (file_bytes && (table > *file_bytes || blocks * 4 > *file_bytes - table))
            return refused("its table lies outside the file");
        return {};
    }

    Window footer_{0, 512};
    std::optional<Window> dynamic_;
};

}  // namespace

std::unique_ptr<Detector> make_vhd_detector() {
    return std::make_unique<VhdDetector>();
}

}  // namespace slipway::format
