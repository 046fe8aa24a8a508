#pragma once

#include "vsphere/datastore_path.h"
#include "vsphere/task.h"

namespace slipway::vsphere {

// A file or folder, and the datacenter in which its datastore's name is looked up.
struct FileRef {
    DatastorePath path;
    ManagedObjectReference datacenter;
};

struct MakeDirectoryOptions {
    bool create_parents = true;
    bool exists_ok = true;
};

// Errors: conflict when it exists and that is not wanted; not_found for a missing parent or
// datastore.
awaitable<Result<void>> make_directory(
    VimClient& client, FileRef directory, MakeDirectoryOptions options, const Call& call
);

// The functions named start_… return the task as soon as vCenter has accepted it; keep its
// reference to wait for it after a restart (wait_for_task). The others wait for its end. Errors:
// reason kOutcomeUnknown when the answer was lost: the task may run.

// Copies the bytes of a file as they are (a descriptor alone, for a virtual disk), or a folder.
awaitable<Result<ManagedObjectReference>> start_copy_file(
    VimClient& client, FileRef source, FileRef destination, bool force, const Call& call
);
awaitable<Result<void>> copy_file(
    VimClient& client,
    FileRef source,
    FileRef destination,
    bool force,
    const Call& call,
    TaskCallbacks callbacks = {}
);

awaitable<Result<ManagedObjectReference>> start_move_file(
    VimClient& client, FileRef source, FileRef destination, bool force, const Call& call
);
awaitable<Result<void>> move_file(
    VimClient& client, FileRef source, FileRef destination, bool force, const Call& call
);

// Deletes a file, or a folder with all that is in it. Refuses the root of a datastore.
// Errors: not_found when it is not there.
awaitable<Result<ManagedObjectReference>> start_delete_file(
    VimClient& client, FileRef file, const Call& call
);
awaitable<Result<void>> delete_file(VimClient& client, FileRef file, const Call& call);

}  // namespace slipway::vsphere
