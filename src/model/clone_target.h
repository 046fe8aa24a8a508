#pragma once

#include <string>

namespace slipway {

// A copy made by the storage itself, for a VM.
struct CloneTarget {
    std::string datacenter;  // inventory path; unused by a local backend
    std::string datastore;   // name in the datacenter; a local backend's id
    std::string path;        // relative to its root, ends in .vmdk or .iso
    std::string disk_type;   // empty: as the source; "thick" and the like where the server can
};

}  // namespace slipway
