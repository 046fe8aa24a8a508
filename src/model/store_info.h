#pragma once

#include "base/ids.h"

#include <cstdint>
#include <map>
#include <string>

namespace slipway {

// How a store keeps raw and flat disks: [ingest] boot_form, or boot_form of the store.
enum class BootFormMode {
    sparse,  // inside a hosted sparse file, which hosts can clone
    flat,    // bare, with a descriptor of ours beside them
    off,     // as they came
};

// A configured backend, as operators and clients know it.
struct BackendInfo {
    BackendId id;
    std::string type;  // vmware, file
    std::string description;
    int weight = 0;
    bool is_default = false;
    // For /v2/info/stores/detail.
    std::map<std::string, std::string> properties;
    // Hosts can reach the files: a vSphere datastore, or an NFS export. Only then are boot forms
    // kept.
    bool publishes_locations = false;
    BootFormMode boot_form = BootFormMode::sparse;
};

// One of the datastores behind a backend, as it is now.
struct DatastoreStatus {
    std::string name;
    std::string type;
    std::uint64_t capacity_bytes = 0;
    std::uint64_t free_bytes = 0;
    bool accessible = false;
};

}  // namespace slipway
