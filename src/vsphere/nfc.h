#pragma once

#include "base/stream.h"
#include "vsphere/inventory.h"
#include "vsphere/virtual_machine.h"

#include <cstdint>
#include <string>

namespace slipway::vsphere {

// A disk that comes in by an NFC lease: the one supported way to hand a stream-optimised VMDK to
// the platform, and to make a disk on vSAN and vVol from bytes.
struct DiskImport {
    std::string machine;    // name of the machine that carries it, and of its folder; not yet taken
    std::string datastore;  // its name
    std::uint64_t capacity_bytes = 0;
};

struct ImportedDisk {
    ManagedObjectReference machine;  // off; it owns the disk until that is detached
    AttachedDisk disk;
    std::uint64_t bytes_sent = 0;
};

// Makes a machine with one disk, fills the disk from `stream`, and returns when the server has
// taken all of it. The peer is believed by the thumbprint that the lease names, else by the
// client's own trust. Says a word of progress every 20 seconds, and more often for a lease that is
// shorter.
//
// Errors: conflict when there is a machine of that name; corrupt when the disk has another capacity
// than it should; those of the stream, of the link, and of the lease. Whatever the error, also when
// it is cancelled: no machine and no folder stay behind, as far as the server can be reached. A
// process that dies leaves them to the lease's timeout, or a whole machine of that name.
// Source: vSphere Web Services API, HttpNfcLease.
awaitable<Result<ImportedDisk>> import_disk(
    VimClient& client, MachinePlace place, DiskImport what, ByteSource& stream, const Call& call
);

// Where a device's bytes go, "*" being the server of the client. Errors: corrupt.
Result<net::Url> lease_target(const std::string& url, const net::Url& server);

}  // namespace slipway::vsphere
