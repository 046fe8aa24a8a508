#pragma once

#include "vsphere/file_manager.h"

#include <optional>
#include <string>

namespace slipway::vsphere {

// Virtual disks as disks: every FileRef names a descriptor (.vmdk, never -flat.vmdk), else
// invalid_argument. start_… returns the task; the others wait for its end (see file_manager.h).
// The target's folder must exist; an existing target is `conflict` (reason FileAlreadyExists).

awaitable<Result<ManagedObjectReference>> start_create_disk(
    VimClient& client, FileRef disk, FileBackedVirtualDiskSpec spec, const Call& call
);
awaitable<Result<void>> create_disk(
    VimClient& client, FileRef disk, FileBackedVirtualDiskSpec spec, const Call& call
);

// Copies in the data mover of the hosts: no byte passes through us. `spec` asks for another disk
// type and is sent to an ESXi host only; on vCenter it is `unsupported`. A FileNotFound may mean
// either end: vCenter blames the source for a missing target folder too.
awaitable<Result<ManagedObjectReference>> start_copy_disk(
    VimClient& client,
    FileRef source,
    FileRef destination,
    std::optional<VirtualDiskSpec> spec,
    const Call& call
);
awaitable<Result<void>> copy_disk(
    VimClient& client,
    FileRef source,
    FileRef destination,
    std::optional<VirtualDiskSpec> spec,
    const Call& call,
    TaskCallbacks callbacks = {}
);

awaitable<Result<ManagedObjectReference>> start_move_disk(
    VimClient& client, FileRef source, FileRef destination, const Call& call
);
awaitable<Result<void>> move_disk(
    VimClient& client, FileRef source, FileRef destination, const Call& call
);

awaitable<Result<ManagedObjectReference>> start_delete_disk(
    VimClient& client, FileRef disk, const Call& call
);
awaitable<Result<void>> delete_disk(VimClient& client, FileRef disk, const Call& call);

awaitable<Result<ManagedObjectReference>> start_extend_disk(
    VimClient& client, FileRef disk, std::uint64_t new_capacity_kib, const Call& call
);
awaitable<Result<void>> extend_disk(
    VimClient& client, FileRef disk, std::uint64_t new_capacity_kib, const Call& call
);

// Thin to eager-zeroed thick.
awaitable<Result<ManagedObjectReference>> start_inflate_disk(
    VimClient& client, FileRef disk, const Call& call
);
awaitable<Result<void>> inflate_disk(
    VimClient& client, FileRef disk, const Call& call, TaskCallbacks callbacks = {}
);

// "60 00 C2 90 …". Opens the disk, so it also tells whether the disk is sound.
awaitable<Result<std::string>> query_disk_uuid(VimClient& client, FileRef disk, const Call& call);

// What is only sent to find out what a server does with it; see docs/untried.md.

// create_disk() with a capacity of "4096.0", as Nova writes it.
awaitable<Result<void>> create_disk_with_fraction(
    VimClient& client, FileRef disk, FileBackedVirtualDiskSpec spec, const Call& call
);
// copy_disk() with a spec, whatever the server is.
awaitable<Result<void>> copy_disk_with_spec(
    VimClient& client, FileRef source, FileRef destination, VirtualDiskSpec spec, const Call& call
);

}  // namespace slipway::vsphere
