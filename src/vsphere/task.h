#pragma once

#include "base/async.h"
#include "vsphere/client.h"

#include <functional>
#include <memory>
#include <optional>

namespace slipway::vsphere {

// What a task gave back.
struct TaskResult {
    ManagedObjectReference task;
    std::optional<xml::Element> result;  // info.result, in `document`; absent for none
    std::shared_ptr<const xml::Document> document;
};

struct TaskCallbacks {
    // Percent, 0 to 100, never less than before; called when it changes.
    std::function<void(int percent)> progress;
    // Asked about once a second; when true the task is cancelled in vCenter, once.
    std::function<bool()> cancelled;
    // Asked right after `cancelled`, and before that counts; when true the wait ends with
    // `conflict`: the task is somebody else's now, and goes on.
    std::function<bool()> lost = {};
};

// Waits until vCenter reports `task` as finished. Works for a task that an earlier process started.
//
// Lifetime: `client` must outlive the call. Runs on the caller's executor.
// Errors: timeout at the call's deadline (the task goes on in vCenter); not_found with reason
//         kTaskVanished when vCenter does not know the task any more: look at the datastore;
//         cancelled when the task was cancelled; unavailable with reason kTaskUnseen when the
//         server can not be asked (link lost, retries spent), or with that of a refused login: the
//         task may go on, wait again; or the task's own fault.
// Source: vSphere Web Services API, data object TaskInfo.
awaitable<Result<TaskResult>> wait_for_task(
    VimClient& client, ManagedObjectReference task, const Call& call, TaskCallbacks callbacks = {}
);

// Asks vCenter to end `task`. A task that is over or can not be cancelled is fine.
awaitable<Result<void>> cancel_task(
    VimClient& client, ManagedObjectReference task, const Call& call
);

// The loop behind wait_for_task: one private property collector per session, one filter per task,
// one WaitForUpdatesEx at a time for however many waiters. It runs while somebody waits. The
// blocking call holds a connection of the pool to itself.
class TaskWatcher {
public:
    TaskWatcher(asio::any_io_executor executor, VimClient& client);
    ~TaskWatcher();

    awaitable<Result<TaskResult>> wait(
        ManagedObjectReference task, const Call& call, TaskCallbacks callbacks
    );

    // Ends the loop; waiters are told `unavailable`.
    awaitable<void> stop();

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;  // shared with the loop, which may outlive a cancelled stop()
};

}  // namespace slipway::vsphere
