#include "service/task_runner.h"

#include "base/log.h"
#include "service/settle.h"

#include <boost/asio/this_coro.hpp>

#include <memory>

namespace slipway::service {

namespace {

constexpr std::chrono::seconds kPause{5};
constexpr std::chrono::seconds kProgressEvery{1};
constexpr std::chrono::seconds kProgressEveryAside{5};  // there may be hundreds
constexpr std::chrono::hours kLongestTask{24};

// What the backend tells on the way, and what the catalogue says back.
struct Progress {
    std::atomic<int> percent = 0;
    std::atomic<bool> stop = false;  // cancellation was asked for
    std::atomic<bool> lost = false;  // the claim was lost: another server goes on with the task
    std::atomic<bool> aside = false;
};

// Writes the percentage to the catalogue, and learns there whether to stop.
awaitable<void> keep_record(
    store::Catalog& catalog, TaskId id, std::string server, std::shared_ptr<Progress> progress
) {
    while (true) {
        co_await sleep_for(progress->aside ? kProgressEveryAside : kProgressEvery);
        const auto saved = co_await catalog.save_task_progress(id, server, progress->percent);
        if (!saved && saved.error().code == Errc::cancelled) progress->stop = true;
        if (!saved && saved.error().code == Errc::conflict) progress->lost = true;
    }
}

}  // namespace

TaskRunner::TaskRunner(Dependencies dependencies)
    : with_(std::move(dependencies)), claims_(kMostClaimed), slots_(kParallelTasks) {}

void TaskRunner::handle(TaskKind kind, Handler handler, Manner manner) {
    Work& work = handlers_[kind];
    work.run = std::move(handler);
    work.manner = std::move(manner);
}

std::vector<TaskKind> TaskRunner::full_kinds() const {
    std::vector<TaskKind> full;
    for (const auto& [kind, work] : handlers_)
        if (*work.claimed >= work.manner.at_a_time) full.push_back(kind);
    return full;
}

awaitable<void> TaskRunner::run() {
    while (true) {
        const bool started = co_await start_one();
        if (!started) co_await wakeup_.wait(kPause);
    }
}

awaitable<bool> TaskRunner::start_one() {
    auto claim = co_await claims_.acquire();
    auto slot = co_await slots_.acquire();
    if (!claim || !slot) co_return false;
    auto claimed = co_await with_.catalog.claim_task(with_.server, full_kinds());
    if (!claimed) log::warning({}, "task.claim.failed", {{"error", claimed.error().message}});
    if (!claimed || !*claimed) co_return false;
    auto held = std::make_shared<Held>();
    held->claim = std::move(*claim);
    held->slot = std::move(*slot);
    const auto work = handlers_.find((*claimed)->kind);
    if (work != handlers_.end()) {
        held->of_kind = work->second.claimed;
        ++*held->of_kind;
    }
    with_.group.spawn("task " + (*claimed)->id.str(), [this, held, task = std::move(**claimed)] {
        return execute(task, held);
    });
    co_return true;
}

awaitable<Result<std::shared_ptr<const std::atomic<bool>>>> TaskRunner::start_now(TaskRecord task) {
    task.server = with_.server;
    SLIPWAY_CO_TRY(task, co_await with_.catalog.create_task(std::move(task)));
    const auto over = std::make_shared<std::atomic<bool>>(false);
    const std::string name = "task " + task.id.str();
    with_.group.spawn(name, [this, over, task = std::move(task)]() -> awaitable<void> {
        const auto tell = [](std::atomic<bool>* flag) { *flag = true; };
        const std::unique_ptr<std::atomic<bool>, decltype(tell)> at_the_end(over.get(), tell);
        co_await execute(task, std::make_shared<Held>());
    });
    const std::shared_ptr<const std::atomic<bool>> shown = over;
    co_return shown;
}

awaitable<void> TaskRunner::take_slot(Held& held) {
    auto slot = co_await slots_.acquire();
    if (slot) held.slot = std::move(*slot);
}

awaitable<void> TaskRunner::execute(TaskRecord task, std::shared_ptr<Held> held) {
    const Call call{task.request_id, kNoDeadline};
    const auto account = co_await run_handler(task, held);
    held->leave_kind();
    wakeup_.notify();
    if (!account && is_postponed(task, account.error())) {
        co_await postpone(task, account.error(), call);
        co_return;
    }
    std::optional<Error> error;
    TaskStatus status = TaskStatus::success;
    if (!account) {
        error = account.error();
        status = error->code == Errc::cancelled ? TaskStatus::cancelled : TaskStatus::failure;
    }
    std::optional<Account> spent;
    if (account) spent = *account;
    const auto finished = co_await settle(call, [&] {
        return with_.catalog.finish_task(task.id, with_.server, status, error, spent);
    });
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
            "task.run.failed",
            {{"task", task.id.str()},
             {"kind", to_string(task.kind)},
             {"image", task.image_id.str()},
             {"error", error->message},
             {"reason", error->reason}}
        );
        co_return;
    }
    log::info(
        call,
        "task.run.done",
        {{"task", task.id.str()},
         {"kind", to_string(task.kind)},
         {"image", task.image_id.str()},
         {"bytes_through", spent->bytes_through},
         {"bytes_copied", spent->bytes_copied},
         {"seconds", spent->seconds},
         {"path", spent->path}}
    );
}

bool TaskRunner::is_postponed(const TaskRecord& task, const Error& error) const {
    const auto handler = handlers_.find(task.kind);
    if (handler == handlers_.end()) return false;
    const auto& puts_off = handler->second.manner.is_put_off_by;
    return puts_off && puts_off(error);
}

awaitable<void> TaskRunner::postpone(const TaskRecord& task, const Error& error, const Call& call) {
    const auto postponed = co_await settle(call, [&] {
        return with_.catalog.postpone_task(task.id, with_.server, error);
    });
    log::warning(
        call,
        postponed ? "task.run.postponed" : "task.postpone.failed",
        {{"task", task.id.str()},
         {"kind", to_string(task.kind)},
         {"image", task.image_id.str()},
         {"error", postponed ? error.message : postponed.error().message},
         {"reason", error.reason}}
    );
}

awaitable<Result<Account>> TaskRunner::run_handler(
    const TaskRecord& task, std::shared_ptr<Held> held
) {
    const auto started = std::chrono::steady_clock::now();
    const Call call{task.request_id, after(kLongestTask)};
    const auto handler = handlers_.find(task.kind);
    if (handler == handlers_.end())
        co_return Error(Errc::internal, "nobody does this kind of task");
    auto progress = std::make_shared<Progress>();
    progress->stop = task.cancel_requested;
    store::CloneProgress hooks;
    hooks.report = [progress](int percent) { progress->percent = percent; };
    // Who does not ask whether the work is lost stops at least.
    hooks.cancelled = [progress] { return progress->stop || progress->lost; };
    hooks.lost = [progress] { return progress->lost.load(); };
    hooks.save = [this, id = task.id](std::string checkpoint) -> awaitable<Result<void>> {
        co_return co_await with_.catalog.save_task_checkpoint(id, with_.server, checkpoint);
    };
    hooks.stand_aside = [progress, held] {
        progress->aside = true;
        held->slot = Semaphore::Permit();
    };
    hooks.go_on = [this, progress, held] {
        progress->aside = false;
        return take_slot(*held);
    };
    TaskGroup companions(co_await asio::this_coro::executor);
    companions.spawn("record of task " + task.id.str(), [this, id = task.id, progress] {
        return keep_record(with_.catalog, id, with_.server, progress);
    });
    // They end with us in any case, and renew the claim until then.
    const auto end_companions = [](TaskGroup* group) {
        group->cancel(asio::cancellation_type::terminal);
    };
    std::unique_ptr<TaskGroup, decltype(end_companions)> running(&companions, end_companions);
    auto account = co_await caught(call, handler->second.run(task, hooks, call));
    running.reset();
    co_await companions.wait(kNoDeadline);
    if (account)
        account->seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    co_return account;
}

}  // namespace slipway::service
