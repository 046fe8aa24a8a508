#include "format/detector.h"
#include "format/qcow2_header.h"
#include "format/window.h"

namespace slipway::format {

namespace {

class Qcow2Detector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::qcow2; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        header_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override { return starts_with(header_.bytes(), "QFI\xfb"); }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return header_.is_complete() ? Qcow2Header::parse(header_.bytes()).size_bytes : 0;
    }

    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!header_.is_complete()) return not_accepted("qcow2", "its header is cut off");
        return Qcow2Header::parse(header_.bytes()).check(file_bytes);
    }

private:
    Window header_{0, Qcow2Header::kBytes};
};

}  // namespace

std::unique_ptr<Detector> make_qcow2_detector() {
    return std::make_unique<Qcow2Detector>();
}

}  // namespace slipway::format
