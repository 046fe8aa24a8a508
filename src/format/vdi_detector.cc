#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

namespace slipway::format {

namespace {

constexpr std::uint32_t kMagic = 0xBEDA107F;
constexpr std::uint32_t kDynamic = 1;
constexpr std::uint32_t kFixed = 2;

class VdiDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vdi; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        header_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override {
        return header_.bytes().size() >= 68 && little<std::uint32_t>(header_.bytes(), 64) == kMagic;
    }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return header_.is_complete() ? little<std::uint64_t>(header_.bytes(), 368) : 0;
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t>) const override {
        if (!header_.is_complete()) return not_accepted("vdi", "its header is cut off");
        const auto type = little<std::uint32_t>(header_.bytes(), 76);
        if (type != kDynamic && type != kFixed)
            return not_accepted(
                "vdi", "only dynamic and fixed disks are taken, none with a parent"
            );
        return {};
    }

private:
    Window header_{0, 512};
};

}  // namespace

std::unique_ptr<Detector> make_vdi_detector() {
    return std::make_unique<VdiDetector>();
}

}  // namespace slipway::format
