#include "service/stored_layout.h"

namespace slipway::service {

namespace {

constexpr std::uint64_t kFlatUnit = 1024;  // vSphere counts disks in KiB

bool is_bare(const Image& image) {
    return image.container_format == "bare";
}

}  // namespace

bool is_hosted_sparse(const Image& image) {
    return is_bare(image) && image.disk_format == "vmdk" &&
           image.property("vmware_disktype") == "sparse";
}

format::AdapterType adapter_of(const Image& image) {
    const std::string_view adapter = image.property("vmware_adaptertype");
    return format::adapter_type_for(adapter.empty() ? image.property("hw_disk_bus") : adapter);
}

BootFormMode boot_form_mode(const Image& image, const BackendInfo& store) {
    const std::string_view wish = image.property("slipway_boot_form");
    if (wish == "sparse") return BootFormMode::sparse;
    if (wish == "flat") return BootFormMode::flat;
    if (wish == "off") return BootFormMode::off;
    const BootFormMode mode = wish == "replace" ? BootFormMode::replace : store.boot_form;
    // Another image service keeps the record of an object, and its digests.
    if (image.is_object && mode == BootFormMode::replace) return BootFormMode::sparse;
    return mode;
}

StoredLayout plan_layout(
    const Image& image,
    ContentKind kind,
    std::optional<std::uint64_t> expected_bytes,
    const BackendInfo& store
) {
    const std::string id = image.id.str();
    StoredLayout layout;
    layout.data_file = id + ".img";
    layout.stored_bytes = expected_bytes;
    if (!is_bare(image)) return layout;
    if (image.disk_format == "iso") {
        layout.data_file = id + ".iso";
        return layout;
    }
    if (image.disk_format == "vmdk" && kind == ContentKind::vmdk_sparse) {
        layout.data_file = id + ".vmdk";
        return layout;
    }
    const bool plain_disk = kind == ContentKind::plain_disk &&
                            (image.disk_format == "raw" || image.disk_format == "vmdk");
    if (!plain_disk || !store.publishes_locations || !expected_bytes || *expected_bytes == 0)
        return layout;

    const BootFormMode mode = boot_form_mode(image, store);
    if (mode == BootFormMode::sparse || mode == BootFormMode::replace) {
        auto wrapping = format::SparseLayout::create(
            *expected_bytes, adapter_of(image), format::DiskIdentity::random()
        );
        if (!wrapping) return layout;
        // Where the file's record replaces that of the upload, the file is what was kept.
        if (mode == BootFormMode::sparse) layout.form = StoredForm::sparse;
        layout.data_file = id + ".vmdk";
        layout.stored_bytes = wrapping->file_bytes();
        layout.wrapping = std::move(*wrapping);
    } else if (mode == BootFormMode::flat && *expected_bytes % kFlatUnit == 0) {
        layout.form = StoredForm::flat;
        layout.data_file = id + "-flat.vmdk";
        layout.descriptor = id + ".vmdk";
    }
    return layout;
}

}  // namespace slipway::service
