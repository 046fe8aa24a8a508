#include "format/inspector.h"

#include "format/detector.h"
#include "format/ova_reader.h"

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::format {

namespace {

constexpr std::array<std::pair<DiskFormat, std::string_view>, 10> kWords = {{
    {DiskFormat::raw, "raw"},
    {DiskFormat::qcow2, "qcow2"},
    {DiskFormat::qed, "qed"},
    {DiskFormat::vhd, "vhd"},
    {DiskFormat::vhdx, "vhdx"},
    {DiskFormat::vmdk, "vmdk"},
    {DiskFormat::vdi, "vdi"},
    {DiskFormat::iso, "iso"},
    {DiskFormat::gpt, "gpt"},
    {DiskFormat::luks, "luks"},
}};

Error ambiguous(const Detector& a, const Detector& b) {
    return {
        Errc::unsupported,
        "the image looks like " + std::string(to_string(a.format())) + " and " +
            std::string(to_string(b.format())) + " at once"};
}

// A bootable iso carries a partition table for those who copy it to a stick.
bool is_hybrid_iso(const std::vector<const Detector*>& matching) {
    return matching.size() == 2 && matching[0]->format() == DiskFormat::iso &&
           matching[1]->format() == DiskFormat::gpt;
}

}  // namespace

std::string_view to_string(DiskFormat format) {
    for (const auto& [value, word] : kWords)
        if (value == format) return word;
    return "raw";
}

Inspector::Inspector(const InspectionLimits& limits)
    : limits_(limits), ova_(std::make_unique<OvaReader>(limits)) {
    detectors_.push_back(make_qcow2_detector());
    detectors_.push_back(make_qed_detector());
    detectors_.push_back(make_vhd_detector());
    detectors_.push_back(make_vhdx_detector());
    detectors_.push_back(make_vmdk_detector(limits));
    detectors_.push_back(make_foreign_vmdk_detector());
    detectors_.push_back(make_vdi_detector());
    detectors_.push_back(make_iso_detector());
    detectors_.push_back(make_mbr_detector());
    detectors_.push_back(make_luks_detector());
}

Inspector::~Inspector() = default;
Inspector::Inspector(Inspector&&) noexcept = default;
Inspector& Inspector::operator=(Inspector&&) noexcept = default;

void Inspector::see(std::span<const std::byte> chunk) {
    // Cut where the early verdict is due, so that it does not depend on the chunk.
    if (seen_bytes_ < kEarlyBytes && seen_bytes_ + chunk.size() > kEarlyBytes) {
        const auto head = static_cast<std::size_t>(kEarlyBytes - seen_bytes_);
        see(chunk.first(head));
        chunk = chunk.subspan(head);
    }
    if (chunk.empty()) return;
    for (const auto& detector : detectors_) detector->see(seen_bytes_, chunk);
    ova_->see(seen_bytes_, chunk);
    seen_bytes_ += chunk.size();
    if (seen_bytes_ == kEarlyBytes) keep_early_verdict();
}

void Inspector::keep_early_verdict() {
    early_ = verdict(std::nullopt);
    std::erase_if(detectors_, [](const auto& detector) { return !detector->matches(); });
}

std::optional<Inspection> Inspector::early_verdict() const {
    return early_;
}

Inspection Inspector::finish() {
    Inspection inspection = verdict(seen_bytes_);
    inspection.ova = ova_->finish();
    return inspection;
}

Inspection Inspector::verdict(std::optional<std::uint64_t> file_bytes) const {
    std::vector<const Detector*> matching;
    for (const auto& detector : detectors_)
        if (detector->matches()) matching.push_back(detector.get());
    Inspection inspection;
    if (matching.empty()) {
        inspection.virtual_size = file_bytes.value_or(0);
        return inspection;
    }
    const Detector& found = *matching.front();
    inspection.format = found.format();
    inspection.vmdk_kind = found.vmdk_kind();
    inspection.virtual_size = found.virtual_size(file_bytes);
    if (matching.size() > 1 && !is_hybrid_iso(matching)) {
        inspection.safety = ambiguous(found, *matching[1]);
        return inspection;
    }
    inspection.safety = found.safety(file_bytes);
    inspection.bad_partition_table = found.format() == DiskFormat::gpt && !inspection.safety;
    const bool may_be_taken = inspection.safety || inspection.bad_partition_table;
    if (may_be_taken && inspection.virtual_size > limits_.max_virtual_bytes) {
        inspection.safety =
            not_accepted(to_string(inspection.format), "its disk is above the limit");
        inspection.bad_partition_table = false;
    }
    return inspection;
}

}  // namespace slipway::format
