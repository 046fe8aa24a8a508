#include "format/bytes.h"
#include "format/detector.h"
#include "format/vmdk_header.h"
#include "format/vmdk_markers.h"
#include "format/vmdk_tables.h"
#include "format/window.h"

#include <algorithm>
#include <utility>

namespace slipway::format {

namespace {

constexpr std::string_view kMagic = "KDMV";

Error refused(std::string_view why) {
    return not_accepted("vmdk", why);
}

// monolithicSparse and streamOptimized: header, descriptor, tables, markers, each checked as it
// passes. The first thing that is wrong stays the verdict.
class VmdkDetector : public Detector {
public:
    explicit VmdkDetector(const InspectionLimits& limits) : limits_(limits) {}

    [[nodiscard]] DiskFormat format() const override { return DiskFormat::vmdk; }

    void see(std::uint64_t offset, std::span<const std::byte> chunk) override {
        if (!state_) return;
        state_ = advance(offset, chunk);
    }

    [[nodiscard]] bool matches() const override {
        return starts_with(header_sector_.bytes(), kMagic);
    }
    [[nodiscard]] std::optional<VmdkKind> vmdk_kind() const override {
        return header_ ? std::optional(header_->kind()) : std::nullopt;
    }
    [[nodiscard]] std::uint64_t virtual_size(std::optional<std::uint64_t>) const override {
        return header_ && header_->capacity <= limits_.max_virtual_bytes / kSectorBytes
                   ? header_->capacity * kSectorBytes
                   : 0;
    }
    [[nodiscard]] Result<void> safety(std::optional<std::uint64_t> file_bytes) const override {
        if (!state_ || !file_bytes) return state_;
        return check_end(*file_bytes);
    }

private:
    Result<void> advance(std::uint64_t offset, std::span<const std::byte> chunk) {
        header_sector_.see(offset, chunk);
        if (!header_sector_.is_complete() || !matches()) return {};
        if (!header_) SLIPWAY_CHECK(read_header());
        descriptor_.see(offset, chunk);
        if (descriptor_.is_complete() && !std::exchange(has_descriptor_, true))
            SLIPWAY_CHECK(header_->check_descriptor(descriptor_.bytes()));
        for (GrainDirectory& directory : directories_) SLIPWAY_CHECK(directory.see(offset, chunk));
        if (markers_) SLIPWAY_CHECK(markers_->see(offset, chunk));
        return {};
    }

    Result<void> read_header() {
        header_ = SparseHeader::parse(header_sector_.bytes());
        SLIPWAY_CHECK(header_->check(limits_));
        descriptor_ = Window(
            header_->descriptor_at * kSectorBytes, header_->descriptor_sectors * kSectorBytes
        );
        if (header_->kind() == VmdkKind::stream_optimized)
            markers_.emplace(*header_, header_sector_.bytes());
        if (header_->has_footer()) return {};
        SLIPWAY_CHECK(expect_directory(header_->directory_at));
        if (header_->has_redundant_directory())
            SLIPWAY_CHECK(expect_directory(header_->redundant_directory_at));
        return {};
    }

    Result<void> expect_directory(std::uint64_t sector) {
        const std::uint64_t behind_descriptor =
            header_->descriptor_at + header_->descriptor_sectors;
        if (sector < behind_descriptor || sector > header_->overhead ||
            header_->directory_sectors() > header_->overhead - sector)
            return refused("a grain directory is out of place");
        directories_.emplace_back(*header_, sector);
        return {};
    }

    [[nodiscard]] Result<void> check_end(std::uint64_t file_bytes) const {
        if (!header_ || !has_descriptor_) return refused("the file is cut off");
        for (const GrainDirectory& directory : directories_)
            if (!directory.is_complete()) return refused("its grain tables are cut off");
        if (directories_.size() == 2) SLIPWAY_CHECK(check_copies());
        const std::uint64_t sectors = file_bytes / kSectorBytes;
        for (const GrainDirectory& directory : directories_)
            if (directory.grains_end_sector() > sectors)
                return refused("a table names a grain behind the end of the file");
        if (markers_) return markers_->finish(file_bytes);
        return {};
    }

    // Readers take the one or the other.
    [[nodiscard]] Result<void> check_copies() const {
        const GrainDirectory& a = directories_[0];
        const GrainDirectory& b = directories_[1];
        if (a.first_sector() < b.end_sector() && b.first_sector() < a.end_sector())
            return refused("its grain directories overlap");
        if (a.digest() != b.digest())
            return refused("its two copies of the grain tables contradict each other");
        return {};
    }

    InspectionLimits limits_;
    Result<void> state_;
    Window header_sector_{0, kSparseHeaderBytes};
    std::optional<SparseHeader> header_;
    Window descriptor_;
    bool has_descriptor_ = false;
    std::vector<GrainDirectory> directories_;
    std::optional<MarkerReader> markers_;
};

}  // namespace

std::unique_ptr<Detector> make_vmdk_detector(const InspectionLimits& limits) {
    return std::make_unique<VmdkDetector>(limits);
}

}  // namespace slipway::format
