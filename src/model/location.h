#pragma once

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway {

enum class LocationState {
    writing,  // an upload is under way; the row was written before the first byte
    adding,   // a boot form or a copy is under way, likewise; the image does without it
    staged,   // verified, and put by for an import
    live,     // verified on the datastore
    garbage,  // to be removed from the datastore, then from the catalogue
};

// How the uploaded bytes lie in the data file.
enum class StoredForm {
    original,  // the file is the uploaded bytes
    sparse,    // a hosted sparse disk whose grains, from data_offset on, are the uploaded bytes
    flat,  // a bare extent with a descriptor of ours beside it; the extent is the uploaded bytes
    boot,  // a disk made from the uploaded bytes, which lie at another location
};

std::string_view to_string(StoredForm form);
Result<StoredForm> parse_stored_form(std::string_view word);

// One place where the bytes of an image lie: a directory of its own on one datastore.
struct Location {
    LocationId id;
    ImageId image_id;
    BackendId backend;
    std::string datastore;      // within the backend: "DC0/images"; empty for a local folder
    std::string datastore_ref;  // what finds it again after a rename; opaque to all but the backend
    std::string directory;   // relative to the datastore's root: <store dir>/<image id>.<attempt>
    std::string data_file;   // name in the directory
    std::string descriptor;  // name of the disk's descriptor in the directory, where the data file
                             // is not the disk by itself; empty without one
    StoredForm form = StoredForm::original;
    std::uint64_t data_offset = 0;  // of the first uploaded byte in the data file
    std::uint64_t stored_bytes =
        0;  // of the data file; while writing, what is expected (0: unknown)
    LocationState state = LocationState::writing;
    std::string server;  // the process that writes it, see Catalog::begin_server
    Time created_at;
    Time not_before;  // garbage is left alone until then
    // Under which a client named bytes that slipway did not write: they are read and never changed.
    // Empty for all that slipway wrote.
    std::string url;
    // With a URL: another image service wrote the file for this image, which was taken over from
    // it. Then the file is removed with the location, else never.
    bool is_owned = false;
    std::string metadata = "{}";  // what clients keep beside it, a JSON object

    [[nodiscard]] bool is_foreign() const { return !url.empty(); }

    // The file that CopyVirtualDisk reads; empty when there is none. Where disks are objects it
    // reads managed ones only.
    [[nodiscard]] std::string clone_source() const;
    // A file without a suffix, as Glance names its files: what it is, only the image's record says.
    [[nodiscard]] bool is_unnamed() const {
        return is_foreign() && !data_file.empty() && data_file.find('.') == std::string::npos;
    }
    // A disk that its datastore keeps as an object (vSAN, vVol). The data file only names it:
    // neither its bytes nor their number are in that file; stored_bytes is what it takes up.
    [[nodiscard]] bool is_managed() const { return !descriptor.empty() && descriptor == data_file; }
    // Whether the data file is the image's boot form, byte by byte.
    [[nodiscard]] bool holds_boot_form() const { return !clone_source().empty() && !is_managed(); }
    // Whether the uploaded bytes can be read from it.
    [[nodiscard]] bool holds_upload() const { return form != StoredForm::boot; }
};

}  // namespace slipway
