#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

namespace slipway::format {

namespace {

// Source: LUKS On-Disk Format Specification 1.2.
class LuksDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::luks; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        header_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override {
        return starts_with(header_.bytes(), "LUKS\xba\xbe");
    }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t> file_bytes
    ) const override {
        const std::uint64_t payload = payload_bytes();
        return file_bytes && *file_bytes > payload ? *file_bytes - payload : 0;
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!header_.is_complete()) return not_accepted("luks", "its header is cut off");
        if (big<std::uint16_t>(header_.bytes(), 6) != 1)
            return not_accepted("luks", "only version 1 is supported");
        if (file_bytes && *file_bytes < payload_bytes())
            return not_accepted("luks", "its data lie outside the file");
        return {};
    }

private:
    [[nodiscard]] std::uint64_t payload_bytes() const {
        return header_.is_complete() ? std::uint64_t{big<std::uint32_t>(header_.bytes(), 104)} * 512
                                     : 0;
    }

    Window header_{0, 592};
};

}  // namespace

std::unique_ptr<Detector> make_luks_detector() {
    return std::make_unique<LuksDetector>();
}

}  // namespace slipway::format
