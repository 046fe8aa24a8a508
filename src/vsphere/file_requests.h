#pragma once

#include "vsphere/task.h"

#include <string>

// Shared by what starts tasks on files and disks; not for use outside this folder.
namespace slipway::vsphere {

// Sends `method` once and returns the task it started.
awaitable<Result<ManagedObjectReference>> start_task(
    VimClient& client, std::string method, Result<std::string> body, const Call& call
);

// The same for a task that changes nothing, so that it may be started twice.
awaitable<Result<ManagedObjectReference>> start_harmless_task(
    VimClient& client, std::string method, Result<std::string> body, const Call& call
);

// Waits for a task that start_…() returned, if it did.
awaitable<Result<void>> finish_task(
    VimClient& client,
    Result<ManagedObjectReference> started,
    const Call& call,
    TaskCallbacks callbacks
);

}  // namespace slipway::vsphere
