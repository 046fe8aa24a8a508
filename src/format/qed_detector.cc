#include "format/detector.h"
#include "format/window.h"

namespace slipway::format {

namespace {

class QedDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::qed; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        magic_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override {
        return starts_with(magic_.bytes(), std::string_view("QED\0", 4));
    }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return 0;
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t>) const override {
        return not_accepted("qed", "the format is not supported; convert it to qcow2");
    }

private:
    Window magic_{0, 4};
};

}  // namespace

std::unique_ptr<Detector> make_qed_detector() {
    return std::make_unique<QedDetector>();
}

}  // namespace slipway::format
