#include "format/bytes.h"
#include "format/detector.h"
#include "format/window.h"

namespace slipway::format {

namespace {

constexpr std::size_t kFirstEntry = 446;
constexpr std::size_t kEntryBytes = 16;
constexpr std::uint8_t kProtective = 0xEE;

// A bare disk with a partition table: MBR, or the protective one of GPT.
// Source: UEFI Specification, 5.2.
class MbrDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::gpt; }
    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        sector_.see(offset, chunk);
    }
    [[nodiscard]] bool matches() const override {
        if (!sector_.is_complete() || little<std::uint16_t>(sector_.bytes(), 510) != 0xAA55)
            return false;
        // The boot sector of a FAT file system bears the same mark: two tables, on a fixed disk.
        return byte(16) != 2 || byte(21) != 0xF8;
    }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t> file_bytes
    ) const override {
        return file_bytes.value_or(0);
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t>) const override {
        int partitions = 0;
        bool is_protective = false;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::size_t at = kFirstEntry + i * kEntryBytes;
            const std::uint8_t type = byte(at + 4);
            if (byte(at) != 0x00 && byte(at) != 0x80)
                return refused("a partition has an invalid boot flag");
            if (type != 0) ++partitions;
            if (type != kProtective) continue;
            is_protective = true;
            const bool starts_right = byte(at + 1) == 0 && byte(at + 2) == 2 && byte(at + 3) == 0 &&
                                      little<std::uint32_t>(sector_.bytes(), at + 8) == 1;
            if (i != 0 || !starts_right) return refused("its protective partition is out of place");
        }
        if (partitions == 0) return refused("its partition table is empty");
        if (is_protective && partitions != 1)
            return refused("it has other partitions beside the protective one");
        return {};
    }

private:
    static Error refused(std::string_view why) { return not_accepted("gpt", why); }
    [[nodiscard]] std::uint8_t byte(std::size_t at) const {
        return std::to_integer<std::uint8_t>(sector_.bytes()[at]);
    }

    Window sector_{0, 512};
};

}  // namespace

std::unique_ptr<Detector> make_mbr_detector() {
    return std::make_unique<MbrDetector>();
}

}  // namespace slipway::format
