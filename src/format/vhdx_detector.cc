#include "format/bytes.h"
#include "format/detector.h"
#include "format/vhdx_tables.h"
#include "format/window.h"

namespace slipway::format {

namespace {

constexpr std::size_t kItemBytes = 8;

// Region table -> metadata table -> two of its items, each behind the one before.
class VhdxDetector : public Detector {
public:
    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vhdx; }

    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        magic_.see(offset, chunk);
        regions_.see(offset, chunk);
        if (!regions_.is_complete()) return;
        if (!metadata_) read_regions();
        if (!metadata_) return;
        metadata_->see(offset, chunk);
        if (!metadata_->is_complete()) return;
        if (!size_) read_metadata();
        if (!size_) return;
        parameters_->see(offset, chunk);
        size_->see(offset, chunk);
    }

    [[nodiscard]] bool matches() const override { return starts_with(magic_.bytes(), "vhdxfile"); }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return size_ && size_->is_complete() ? little<std::uint64_t>(size_->bytes(), 0) : 0;
    }

    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!error_.empty()) return refused(error_);
        const bool complete = size_ && size_->is_complete() && parameters_->is_complete();
        if (!complete && file_bytes) return refused("its metadata are cut off");
        if (complete && (little<std::uint32_t>(parameters_->bytes(), 4) & kVhdxHasParent) != 0)
            return refused("it has a parent");
        return {};
    }

private:
    static Error refused(std::string_view why) { return not_accepted("vhdx", why); }

    void read_regions() {
        const auto table = VhdxTable::regions(regions_.bytes());
        if (!table) {
            error_ = "its region table is damaged";
            return;
        }
        const std::uint64_t at = table->find(kVhdxMetadataRegion).value_or(VhdxPlace{}).at;
        if (at < regions_.end() || at > kVhdxMaxOffset) {
            error_ = "its metadata region is missing or out of place";
            return;
        }
        metadata_.emplace(at, kVhdxTableBytes);
    }

    void read_metadata() {
        const auto table = VhdxTable::metadata(metadata_->bytes());
        if (!table) {
            error_ = "its metadata table is damaged";
            return;
        }
        const auto parameters = table->find(kVhdxFileParameters).value_or(VhdxPlace{});
        const auto size = table->find(kVhdxVirtualDiskSize).value_or(VhdxPlace{});
        const auto is_whole = [](const VhdxPlace& item) {
            return item.length == kItemBytes && item.at >= kVhdxTableBytes;
        };
        if (!is_whole(parameters) || !is_whole(size)) {
            error_ = "its metadata lack the size or the parameters";
            return;
        }
        parameters_.emplace(metadata_->first() + parameters.at, kItemBytes);
        size_.emplace(metadata_->first() + size.at, kItemBytes);
    }

    Window magic_{0, 8};
    Window regions_{kVhdxRegionTableAt, kVhdxTableBytes};
    std::optional<Window> metadata_;
    std::optional<Window> parameters_;
    std::optional<Window> size_;
    std::string error_;
};

}  // namespace

std::unique_ptr<Detector> make_vhdx_detector() {
    return std::make_unique<VhdxDetector>();
}

}  // namespace slipway::format
