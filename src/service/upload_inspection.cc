#include "service/upload_inspection.h"

#include "base/log.h"

namespace slipway::service {

using format::DiskFormat;
using format::Inspection;
using format::VmdkKind;

namespace {

// Formats that the API knows but nobody can tell from raw bytes.
bool is_inspectable(const std::string& disk_format) {
    return disk_format != "ami" && disk_format != "ari" && disk_format != "aki" &&
           disk_format != "ploop";
}

}  // namespace

ContentKind kind_of(const Inspection& found) {
    switch (found.format) {
        case DiskFormat::raw:
        case DiskFormat::gpt:
        case DiskFormat::iso:
            return ContentKind::plain_disk;
        case DiskFormat::vmdk:
            return found.vmdk_kind == VmdkKind::sparse ? ContentKind::vmdk_sparse
                                                       : ContentKind::other;
        default:
            return ContentKind::other;
    }
}

Inspection UploadInspection::of_head(std::span<const std::byte> head) {
    format::Inspector inspector;
    inspector.see(head);
    // An upload that is over already is judged as a whole.
    return inspector.early_verdict().value_or(inspector.finish());
}

Result<void> UploadInspection::see(std::span<const std::byte> chunk) {
    inspector_.see(chunk);
    return {};
}

Result<void> check_content(
    const Image& image, const Inspection& found, const format::FormatPolicy& formats
) {
    const format::DeclaredFormat declared{
        image.disk_format.value_or(""),
        image.container_format.value_or(""),
        std::string(image.property("vmware_disktype"))};
    return format::check_declared(declared, found, formats);
}

void log_tolerated(const Image& image, const Inspection& found, const Call& call) {
    if (image.container_format != "bare" || found.safety) return;
    log::warning(
        call,
        "image.format.tolerated",
        {{"image", image.id.str()}, {"error", found.safety.error().message}}
    );
}

std::optional<std::uint64_t> virtual_size_of(
    const Image& image, const Inspection& found, std::uint64_t size_bytes
) {
    const std::string disk_format = image.disk_format.value_or("");
    if (image.container_format != "bare" || !is_inspectable(disk_format)) return std::nullopt;
    const bool plain = disk_format == "raw" ||
                       (disk_format == "vmdk" && kind_of(found) == ContentKind::plain_disk);
    const std::uint64_t bytes = plain ? size_bytes : found.virtual_size;
    const bool as_declared = plain || to_string(found.format) == disk_format;
    if (bytes == 0 || !as_declared) return std::nullopt;
    return bytes;
}

}  // namespace slipway::service
