#include "service/task_runner.h"

#include "base/log.h"
#include "service/clone_input.h"

#include <boost/asio/this_coro.hpp>

#include <atomic>

namespace slipway::service {

namespace {

constexpr std::size_t kParallelTasks = 32;  // backends throttle further, per datastore
constexpr std::chrono::seconds kPause{5};
constexpr std::chrono::seconds kProgressEvery{1};
constexpr std::chrono::hours kLongestTask{24};

// What the backend tells on the way, and what the catalogue says back.
struct Progress {
    std::atomic<int> percent = 0;
    std::atomic<bool> stop = false;  // cancellation was asked for, or the claim was lost
};

// Writes the percentage to the catalogue, and learns there whether to stop.
awaitable<void> keep_record(
    store::Catalog& catalog, TaskId id, std::string server, std::shared_ptr<Progress> progress
) {
    while (true) {
        co_await sleep_for(kProgressEvery);
        const auto saved = co_await catalog.save_task_progress(id, server, progress->percent);
        if (!saved &&
            (saved.error().code == Errc::cancelled || saved.error().code == Errc::conflict))
            progress->stop = true;
    }
}

}  // namespace

TaskRunner::TaskRunner(Dependencies dependencies, asio::any_io_executor executor)
    : with_(std::move(dependencies)), slots_(kParallelTasks), wakeup_(std::move(executor)) {}

awaitable<void> TaskRunner::run() {
    while (true) {
        auto slot = co_await slots_.acquire();
        auto claimed = co_await with_.catalog.claim_task(with_.server);
        if (!claimed) log::warning({}, "task.claim.failed", {{"error", claimed.error().message}});
        if (!claimed || !*claimed) {
            slot = Error(Errc::cancelled, "nothing to run");
            co_await wakeup_.wait(kPause);
            continue;
        }
        auto permit = std::make_shared<Semaphore::Permit>(std::move(*slot));
        with_.group.spawn(
            "task " + (*claimed)->id.str(),
            [this, permit, task = std::move(**claimed)]() -> awaitable<void> {
                co_await execute(task);
            }
        );
    }
}

awaitable<void> TaskRunner::execute(TaskRecord task) {
    const Call call{task.request_id, kNoDeadline};
    const auto account = co_await clone(task);
    std::optional<Error> error;
    TaskStatus status = TaskStatus::success;
    if (!account) {
        error = account.error();
        status = error->code == Errc::cancelled ? TaskStatus::cancelled : TaskStatus::failure;
    }
    std::optional<Account> spent;
    if (account) spent = *account;
    const auto finished =
        co_await with_.catalog.finish_task(task.id, with_.server, status, error, spent);
    if (!finished) {
        log::warning(
            call,
            "task.finish.failed",
            {{"task", task.id.str()}, {"error", finished.error().message}}
        );
        co_return;
    }
    if (error) {
        log::warning(
            call,
            "clone.run.failed",
            {{"task", task.id.str()},
             {"image", task.image_id.str()},
             {"error", error->message},
             {"reason", error->reason}}
        );
        co_return;
    }
    log::info(
        call,
        "clone.run.done",
        {{"task", task.id.str()},
         {"image", task.image_id.str()},
         {"bytes_through", spent->bytes_through},
         {"bytes_copied", spent->bytes_copied},
         {"seconds", spent->seconds},
         {"path", spent->path}}
    );
}

awaitable<Result<Account>> TaskRunner::clone(const TaskRecord& task) {
    const auto started = std::chrono::steady_clock::now();
    const Call call{task.request_id, after(kLongestTask)};
    SLIPWAY_CO_TRY(const CloneTarget target, read_clone_input(task.input));
    SLIPWAY_CO_TRY(const Location source, co_await with_.catalog.find_location(task.location_id));
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(source.backend));

    auto progress = std::make_shared<Progress>();
    store::CloneProgress hooks;
    hooks.report = [progress](int percent) { progress->percent = percent; };
    hooks.cancelled = [progress] { return progress->stop.load(); };
    hooks.save = [this, id = task.id](std::string checkpoint) -> awaitable<Result<void>> {
        co_return co_await with_.catalog.save_task_checkpoint(id, with_.server, checkpoint);
    };
    TaskGroup companions(co_await asio::this_coro::executor);
    companions.spawn("record of task " + task.id.str(), [this, id = task.id, progress] {
        return keep_record(with_.catalog, id, with_.server, progress);
    });
    const store::CloneRequest request{source, target, task.id};
    auto account = co_await backend->clone(request, task.checkpoint, hooks, call);
    companions.cancel(asio::cancellation_type::terminal);
    co_await companions.wait(kNoDeadline);
    if (account)
        account->seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    co_return account;
}

}  // namespace slipway::service
