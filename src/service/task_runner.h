#pragma once

#include "base/async.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slipway::service {

// Does the durable work: claims rows, runs them, records how they ended. What a process leaves
// behind when it dies is claimed by the next one and goes on from its checkpoint.
//
// kParallelTasks work at a time, and of some kinds fewer, so that there is room for the others. A
// task that waits for others of its store stands aside, and the next one is claimed; kMostClaimed
// bounds how many this process holds in all.
class TaskRunner {
public:
    struct Dependencies {
        store::Catalog& catalog;
        TaskGroup& group;    // the running tasks
        std::string server;  // this process, as in Catalog::begin_server
    };

    static constexpr std::size_t kParallelTasks = 32;  // backends throttle further, per datastore
    static constexpr std::size_t kMostClaimed = 512;

    explicit TaskRunner(Dependencies dependencies);

    // Does the work of one kind of task. What it returns is how the task ended: cancelled is no
    // failure.
    using Handler = std::function<awaitable<Result<Account>>(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    )>;
    struct Manner {
        // Which failures put a task off, to be tried again; absent: none. For work that nobody has
        // asked for: who has sees how it failed, and may ask again.
        std::function<bool(const Error&)> is_put_off_by = {};
        std::size_t at_a_time = kMostClaimed;  // claimed, also those that stand aside
    };
    // Before run().
    void handle(TaskKind kind, Handler handler, Manner manner);
    void handle(TaskKind kind, Handler handler) { handle(kind, std::move(handler), Manner()); }

    // Runs until cancelled.
    awaitable<void> run();
    // Makes the task, and runs it at once and beside all limits, for somebody who waits for it: the
    // flag is set when it is over. It may read data that are not live yet.
    awaitable<Result<std::shared_ptr<const std::atomic<bool>>>> start_now(TaskRecord task);
    // There is a new task, or one to be cancelled.
    void notify() { wakeup_.notify(); }

private:
    struct Work {
        Handler run;
        Manner manner;
        std::shared_ptr<std::atomic<std::size_t>> claimed =
            std::make_shared<std::atomic<std::size_t>>(0);
    };
    // What a claimed task has of the limits.
    struct Held {
        Held() = default;
        Held(const Held&) = delete;
        Held& operator=(const Held&) = delete;
        ~Held() { leave_kind(); }
        void leave_kind() {
            if (const auto kind = std::exchange(of_kind, nullptr)) --*kind;
        }

        Semaphore::Permit claim;
        Semaphore::Permit slot;                             // none while it stands aside
        std::shared_ptr<std::atomic<std::size_t>> of_kind;  // how many are claimed
    };

    [[nodiscard]] std::vector<TaskKind> full_kinds() const;
    // False when there is nothing to run.
    awaitable<bool> start_one();
    awaitable<void> take_slot(Held& held);
    awaitable<void> execute(TaskRecord task, std::shared_ptr<Held> held);
    awaitable<Result<Account>> run_handler(const TaskRecord& task, std::shared_ptr<Held> held);
    [[nodiscard]] bool is_postponed(const TaskRecord& task, const Error& error) const;
    awaitable<void> postpone(const TaskRecord& task, const Error& error, const Call& call);

    Dependencies with_;
    std::map<TaskKind, Work> handlers_;
    Semaphore claims_;
    Semaphore slots_;
    Wakeup wakeup_;
};

}  // namespace slipway::service
