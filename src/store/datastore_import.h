#pragma once

#include "base/stream.h"
#include "store/datastore_places.h"

#include <string>

// Disks on datastores that keep them as objects (vSAN, vVol), where nothing but the platform can
// make one.
namespace slipway::store {

struct DatastoreImport {
    Place place;
    std::string directory;  // of the object; made where it is missing
    std::string disk;       // name of the disk in it
    std::uint64_t capacity_bytes = 0;
};

// Makes the disk from a stream-optimised VMDK: imports it with a machine of the object's own name,
// takes it out of the machine, moves it to its place and destroys the machine. Returns the bytes
// sent. Errors: conflict when the disk is there already, and those of vsphere::import_disk(); no
// machine stays behind.
awaitable<Result<std::uint64_t>> import_object_disk(
    vsphere::VimClient& client,
    const DatastoreImport& what,
    ByteSource& stream_optimized,
    const Call& call
);

// Destroys what an import into `directory` has left that nobody saw the end of.
awaitable<Result<void>> remove_import(
    vsphere::VimClient& client, Place place, std::string directory, const Call& call
);

}  // namespace slipway::store
