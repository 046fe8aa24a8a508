#pragma once

#include "base/awaitable.h"
#include "model/caller.h"
#include "model/clone_target.h"
#include "model/task_record.h"
#include "service/policy.h"
#include "service/task_runner.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <optional>
#include <vector>

namespace slipway::service {

// Disks for VMs, made by the storage from an image, and the tasks that make them.
class CloneService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        const Policy& policy;
        TaskRunner& runner;
    };

    explicit CloneService(const Dependencies& dependencies) : with_(dependencies) {}

    // Checks image and target, and makes the task.
    // Errors: forbidden, not_found, conflict (the target exists, or the image has no disk to
    // clone), invalid_argument.
    awaitable<Result<TaskRecord>> start(
        const Caller& caller, const ImageId& id, CloneTarget target
    );

    // Runs a task of kind clone.
    awaitable<Result<Account>> run(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    );

    // A task is for the owner of its image, and for admins; not_found for everybody else.
    awaitable<Result<TaskRecord>> task(const Caller& caller, const TaskId& id);
    awaitable<Result<std::vector<TaskRecord>>> tasks(
        const Caller& caller,
        std::optional<ImageId> image,
        std::optional<TaskId> marker,
        std::size_t limit
    );
    awaitable<Result<TaskRecord>> cancel(const Caller& caller, const TaskId& id);

private:
    awaitable<Result<Location>> choose_source(
        const Image& image, const CloneTarget& target, const Call& call
    );

    Dependencies with_;
};

}  // namespace slipway::service
