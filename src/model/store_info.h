#pragma once

#include "base/ids.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace slipway {

// How a store keeps raw and flat disks: [ingest] boot_form, or boot_form of the store.
enum class BootFormMode {
    sparse,   // inside a hosted sparse file, which hosts can clone
    flat,     // bare, with a descriptor of ours beside them
    replace,  // as sparse, and the image's record is that of the sparse file: there is one face
    off,      // as they came
};

// A configured backend, as operators and clients know it.
struct BackendInfo {
    BackendId id;
    std::string type;  // vmware, file, http
    std::string description;
    int weight = 0;
    bool is_default = false;
    bool read_only = false;  // holds locations that clients name, and takes no bytes
    // For /v2/info/stores/detail.
    std::map<std::string, std::string> properties;
    // Hosts can reach the files: a vSphere datastore, or an NFS export. Only then are boot forms
    // kept.
    bool publishes_locations = false;
    BootFormMode boot_form = BootFormMode::sparse;
    std::size_t copies = 1;  // datastores of the store that hold every image
};

// Bytes per second of recent transfers, as fast as their slowest part: a client, the network, the
// storage. Absent where this server has made none.
struct DatastoreSpeeds {
    std::optional<std::uint64_t> write;  // by upload
    std::optional<std::uint64_t> read;   // by download
    std::optional<std::uint64_t> copy;   // by the storage itself, to this datastore
};

// One of the datastores behind a backend, as it is now.
struct DatastoreStatus {
    std::string name;
    std::string type;
    std::uint64_t capacity_bytes = 0;
    std::uint64_t free_bytes = 0;
    bool accessible = false;
    DatastoreSpeeds speeds;
};

}  // namespace slipway
