#include "format/inspector.h"

#include <algorithm>
#include <array>

namespace slipway::format {

namespace {

constexpr std::array<std::string_view, 4> kFlatDiskTypes = {
    "preallocated", "thin", "thick", "eagerZeroedThick"};
// Nothing in their bytes says what they are.
constexpr std::array<std::string_view, 4> kFormatsWithoutMarks = {"ami", "ari", "aki", "ploop"};

bool contains(std::span<const std::string_view> words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_bare_disk(DiskFormat format) {
    return format == DiskFormat::raw || format == DiskFormat::gpt;
}

Error mismatch(const DeclaredFormat& declared, const Inspection& inspection) {
    return {
        Errc::unsupported,
        "the image was declared as " + declared.disk_format + " but its content is " +
            std::string(to_string(inspection.format))};
}

Result<void> check_vmdk(const DeclaredFormat& declared, const Inspection& inspection) {
    const std::string& type = declared.vmware_disktype;
    if (is_bare_disk(inspection.format)) {
        if (contains(kFlatDiskTypes, type)) return {};
        return Error(
            Errc::unsupported,
            "the image was declared as vmdk but its content is a bare disk; set the property "
            "vmware_disktype to preallocated, thin, thick or eagerZeroedThick if that is meant, or "
            "disk_format to raw"
        );
    }
    if (inspection.format != DiskFormat::vmdk) return mismatch(declared, inspection);
    if (type.empty() || !inspection.vmdk_kind) return {};
    const bool is_sparse = *inspection.vmdk_kind == VmdkKind::sparse;
    const std::string_view right = is_sparse ? "sparse" : "streamOptimized";
    if (type == right) return {};
    return Error(
        Errc::unsupported,
        "the property vmware_disktype says " + type.substr(0, 64) +
            " but the content is a vmdk of type " + std::string(to_string(*inspection.vmdk_kind)) +
            "; set it to " + std::string(right)
    );
}

Result<void> check_match(const DeclaredFormat& declared, const Inspection& inspection) {
    if (declared.disk_format == "vmdk") return check_vmdk(declared, inspection);
    if (declared.disk_format == to_string(inspection.format)) return {};
    if (declared.disk_format == "raw") {
        if (is_bare_disk(inspection.format) || inspection.format == DiskFormat::iso) return {};
        return mismatch(declared, inspection);
    }
    if (inspection.format == DiskFormat::raw &&
        contains(kFormatsWithoutMarks, declared.disk_format))
        return {};
    return mismatch(declared, inspection);
}

}  // namespace

Result<void> check_declared(
    const DeclaredFormat& declared, const Inspection& inspection, const FormatPolicy& policy
) {
    if (declared.container_format == "ova") return inspection.ova;
    // A hypervisor that is handed a vmdk does not ask what it was wrapped in.
    const bool is_bare = declared.container_format == "bare";
    if (!is_bare && declared.disk_format != "vmdk") return {};
    if (!inspection.bad_partition_table || !policy.tolerates_bad_partition_tables)
        SLIPWAY_CHECK(inspection.safety);
    if (!is_bare || !policy.require_image_format_match) return {};
    return check_match(declared, inspection);
}

}  // namespace slipway::format
