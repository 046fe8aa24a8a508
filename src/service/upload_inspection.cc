#include "service/upload_inspection.h"

namespace slipway::service {

namespace {

using format::DiskFormat;
using format::Inspection;
using format::VmdkKind;

// Formats that the API knows but nobody can tell from raw bytes.
bool is_inspectable(const std::string& disk_format) {
    return disk_format != "ami" && disk_format != "ari" && disk_format != "aki" &&
           disk_format != "ploop";
}

ContentKind kind_of(const Inspection& inspection) {
    switch (inspection.format) {
        case DiskFormat::raw:
        case DiskFormat::gpt:
        case DiskFormat::iso:
            return ContentKind::plain_disk;
        case DiskFormat::vmdk:
            return inspection.vmdk_kind == VmdkKind::sparse ? ContentKind::vmdk_sparse
                                                            : ContentKind::other;
        default:
            return ContentKind::other;
    }
}

}  // namespace

UploadInspection::UploadInspection(const Image& image, bool require_match)
    : declared_{
          image.disk_format.value_or(""),
          image.container_format.value_or(""),
          std::string(image.property("vmware_disktype"))
      },
      policy_{require_match} {}

Result<ContentKind> UploadInspection::early_kind(std::span<const std::byte> head) {
    format::Inspector inspector;
    inspector.see(head);
    // An upload that is over already is judged as a whole.
    const Inspection verdict = inspector.early_verdict().value_or(inspector.finish());
    SLIPWAY_CHECK(format::check_declared(declared_, verdict, policy_));
    return kind_of(verdict);
}

Result<void> UploadInspection::see(std::span<const std::byte> chunk) {
    inspector_.see(chunk);
    return {};
}

Result<std::optional<std::uint64_t>> UploadInspection::finish(std::uint64_t size_bytes) {
    const Inspection verdict = inspector_.finish();
    SLIPWAY_CHECK(format::check_declared(declared_, verdict, policy_));
    std::optional<std::uint64_t> capacity;
    if (declared_.container_format != "bare" || !is_inspectable(declared_.disk_format))
        return capacity;
    const bool plain =
        declared_.disk_format == "raw" ||
        (declared_.disk_format == "vmdk" && kind_of(verdict) == ContentKind::plain_disk);
    const std::uint64_t bytes = plain ? size_bytes : verdict.virtual_size;
    const bool as_declared = plain || to_string(verdict.format) == declared_.disk_format;
    if (bytes > 0 && as_declared) capacity = bytes;
    return capacity;
}

}  // namespace slipway::service
