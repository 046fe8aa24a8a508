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
    writing,  // an upload or copy is under way; the row was written before the first byte
    live,     // verified on the datastore
    garbage,  // to be removed from the datastore, then from the catalogue
};

// How the uploaded bytes lie in the data file.
enum class StoredForm {
    original,  // the file is the uploaded bytes
    sparse,    // a hosted sparse disk whose grains, from data_offset on, are the uploaded bytes
    flat,  // a bare extent with a descriptor of ours beside it; the extent is the uploaded bytes
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
    std::string descriptor;  // name of our descriptor in the directory; empty without one
    StoredForm form = StoredForm::original;
    std::uint64_t data_offset = 0;  // of the first uploaded byte in the data file
    std::uint64_t stored_bytes =
        0;  // of the data file; while writing, what is expected (0: unknown)
    LocationState state = LocationState::writing;
    std::string server;  // the process that writes it, see Catalog::begin_server
    Time created_at;
    Time not_before;  // garbage is left alone until then

    // The file that CopyVirtualDisk reads; empty when there is none.
    [[nodiscard]] std::string clone_source() const;
};

}  // namespace slipway
