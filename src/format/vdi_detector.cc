#include "format/detector.h"
#include "format/vdi_header.h"
#include "format/window.h"

namespace slipway::format {

namespace {

class VdiDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vdi; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        header_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override { return VdiHeader::has_magic(header_.bytes()); }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return header_.is_complete() ? VdiHeader::parse(header_.bytes()).size_bytes : 0;
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t>) const override {
        if (!header_.is_complete()) return not_accepted("vdi", "its header is cut off");
        return VdiHeader::parse(header_.bytes()).check();
    }

private:
    Window header_{0, VdiHeader::kBytes};
};

}  // namespace

std::unique_ptr<Detector> make_vdi_detector() {
    return std::make_unique<VdiDetector>();
}

}  // namespace slipway::format
