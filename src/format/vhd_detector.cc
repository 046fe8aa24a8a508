#include "format/detector.h"
#include "format/vhd_header.h"
#include "format/window.h"

namespace slipway::format {

namespace {

// A dynamic disk begins with a copy of its footer. A fixed one has a footer only, and is seen as
// raw.
class VhdDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vhd; }

    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        footer_.see(offset, chunk);
        if (!footer_.is_complete()) return;
        if (!dynamic_) {
            const std::uint64_t at = footer().dynamic_header_at;
            // Before its own copy of the footer nothing else can stand.
            if (at < VhdFooter::kBytes || at > kMaxHeaderOffset) return;
            dynamic_.emplace(at, VhdDynamicHeader::kBytes);
        }
        dynamic_->see(offset, chunk);
    }

    [[nodiscard]] bool matches() const override { return footer().has_magic; }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return footer().original_bytes;
    }

    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!footer_.is_complete()) return not_accepted("vhd", "its header is cut off");
        SLIPWAY_CHECK(footer().check());
        if (footer().type == VhdFooter::kFixed) return {};
        if (!dynamic_) return not_accepted("vhd", "its dynamic header lies out of range");
        if (!dynamic_->is_complete()) {
            if (file_bytes) return not_accepted("vhd", "its dynamic header is cut off");
            return {};
        }
        return VhdDynamicHeader::parse(dynamic_->bytes())
            .check(footer().original_bytes, file_bytes);
    }

private:
    static constexpr std::uint64_t kMaxHeaderOffset = 1U << 20U;

    [[nodiscard]] VhdFooter footer() const { return VhdFooter::parse(footer_.bytes()); }

    Window footer_{0, VhdFooter::kBytes};
    std::optional<Window> dynamic_;
};

}  // namespace

std::unique_ptr<Detector> make_vhd_detector() {
    return std::make_unique<VhdDetector>();
}

}  // namespace slipway::format
