#pragma once

#include "base/async.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <string>

namespace slipway::service {

// Does the durable work: claims rows, runs them, records how they ended. What a process leaves
// behind when it dies is claimed by the next one and goes on from its checkpoint.
class TaskRunner {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        TaskGroup& group;    // the running tasks
        std::string server;  // this process, as in Catalog::begin_server
    };

    TaskRunner(Dependencies dependencies, asio::any_io_executor executor);

    // Runs until cancelled.
    awaitable<void> run();
    // There is a new task, or one to be cancelled.
    void notify() { wakeup_.notify(); }

private:
    awaitable<void> execute(TaskRecord task);
    awaitable<Result<Account>> clone(const TaskRecord& task);

    Dependencies with_;
    Semaphore slots_;
    Wakeup wakeup_;
};

}  // namespace slipway::service
