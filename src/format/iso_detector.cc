#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

namespace slipway::format {

namespace {

// The first volume descriptor. Source: ECMA-119, 8.4.
class IsoDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::iso; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        descriptor_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override {
        if (descriptor_.bytes().empty()) return false;
        const auto id = descriptor_.bytes().subspan(1);
        return starts_with(id, "CD001") || starts_with(id, "NSR02") || starts_with(id, "NSR03");
    }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        if (!is_primary()) return 0;
        return std::uint64_t{little<std::uint32_t>(descriptor_.bytes(), 80)} *
               little<std::uint16_t>(descriptor_.bytes(), 128);
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!is_primary()) return not_accepted("iso", "it has no primary volume descriptor");
        if (file_bytes && *file_bytes < virtual_size(file_bytes))
            return not_accepted("iso", "it is shorter than its volume says");
        return {};
    }

private:
    [[nodiscard]] bool is_primary() const {
        return descriptor_.is_complete() && descriptor_.bytes()[0] == std::byte{1} &&
               starts_with(descriptor_.bytes().subspan(1), "CD001");
    }

    Window descriptor_{32U << 10U, 2048};
};

}  // namespace

std::unique_ptr<Detector> make_iso_detector() {
    return std::make_unique<IsoDetector>();
}

}  // namespace slipway::format
