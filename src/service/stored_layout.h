#pragma once

#include "format/descriptor.h"
#include "format/sparse_layout.h"
#include "model/image.h"
#include "model/location.h"
#include "model/store_info.h"

#include <cstdint>
#include <optional>
#include <string>

namespace slipway::service {

// What the head of an upload shows it to be.
enum class ContentKind {
    plain_disk,   // no format of its own: raw, a partition table, a hybrid iso
    vmdk_sparse,  // hosted sparse: its own boot form
    other,        // streamOptimized, qcow2, OVA, …
};

// Whether the image's record says of it that it is one hosted sparse disk.
bool is_hosted_sparse(const Image& image);

// Where and how the bytes of one upload will lie, decided before the first is written.
struct StoredLayout {
    StoredForm form = StoredForm::original;
    std::string data_file;
    std::string descriptor;                        // file name; empty: none
    std::optional<format::SparseLayout> wrapping;  // of a plain disk in a sparse file
    std::optional<std::uint64_t> stored_bytes;     // of the data file, when known
};

// `expected_bytes`: length of the upload, when known. A disk of unknown length, or too large for a
// sparse file, lies as it came; so does everything in a store that hosts can not reach.
StoredLayout plan_layout(
    const Image& image,
    ContentKind kind,
    std::optional<std::uint64_t> expected_bytes,
    const BackendInfo& store
);

// How boot forms of the image are kept in the store: as the image's property slipway_boot_form
// says, else as the store is configured.
BootFormMode boot_form_mode(const Image& image, const BackendInfo& store);

// The adapter type that the image's properties ask for.
format::AdapterType adapter_of(const Image& image);

}  // namespace slipway::service
