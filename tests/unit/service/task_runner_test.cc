#include "service/task_runner.h"

#include "tests/unit/service/services.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;

class TaskRunners : public testing::Test {
protected:
    void SetUp() override {
        const ImageId id = services_.create_image("raw");
        ASSERT_OK(services_.upload(id, "hello"));
        data_ = services_.live_locations(id).at(0);
    }
    void add(TaskKind kind, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            TaskRecord task;
            task.id = TaskId(new_uuid());
            task.kind = kind;
            task.image_id = data_.image_id;
            task.location_id = data_.id;
            task.input = "{}";
            ASSERT_OK(services_.await(services_.catalog->create_task(std::move(task))));
            services_.clock.advance(1s);
        }
    }
    awaitable<bool> any_runs() {
        const auto tasks = (co_await services_.catalog->list_tasks({}, {}, {}, 100)).value();
        co_return std::ranges::any_of(tasks, [](const TaskRecord& task) {
            return task.status == TaskStatus::running;
        });
    }
    // Runs tasks until `wanted` of them are over; the limit is for runners that never get there.
    void run_until_over(int wanted) {
        auto until = [&]() -> awaitable<Result<void>> {
            while (over_ < wanted || co_await any_runs()) co_await sleep_for(1ms);
            co_return Result<void>();
        };
        auto body = [&]() -> awaitable<Result<void>> {
            services_.group.spawn("runner", [&] { return services_.runner.run(); });
            auto result = co_await with_deadline(after(30s), until());
            services_.group.cancel(asio::cancellation_type::terminal);
            co_await services_.group.wait(kNoDeadline);
            co_return result;
        };
        EXPECT_OK(services_.await(body()));
    }

    Services services_;
    Location data_;
    int over_ = 0;
    int at_work_ = 0;
    int most_at_work_ = 0;
};

TEST_F(TaskRunners, RunOtherTasksWhileManyWaitForTheirStore) {
    bool turns_are_free = false;
    auto wait_for_a_turn = [&](const TaskRecord&,
                               store::CloneProgress& progress,
                               const Call&) -> awaitable<Result<Account>> {
        progress.stand_aside();
        while (!turns_are_free) co_await sleep_for(1ms);
        co_await progress.go_on();
        most_at_work_ = std::max(most_at_work_, ++at_work_);
        co_await sleep_for(1ms);
        --at_work_;
        ++over_;
        co_return Account{0, 0, 0, "copy_disk"};
    };
    auto need_none =
        [&](const TaskRecord&, store::CloneProgress&, const Call&) -> awaitable<Result<Account>> {
        ++over_;
        turns_are_free = true;
        co_return Account{0, 0, 0, "copy_disk"};
    };
    services_.runner.handle(TaskKind::clone, wait_for_a_turn);
    services_.runner.handle(TaskKind::seed, need_none);
    constexpr std::size_t kClones = service::TaskRunner::kParallelTasks + 8;
    add(TaskKind::clone, kClones);
    add(TaskKind::seed, 1);
    run_until_over(kClones + 1);
    EXPECT_LE(most_at_work_, static_cast<int>(service::TaskRunner::kParallelTasks));
}

TEST_F(TaskRunners, RunNoMoreTasksAtATimeThanTheyMay) {
    auto work =
        [&](const TaskRecord&, store::CloneProgress&, const Call&) -> awaitable<Result<Account>> {
        most_at_work_ = std::max(most_at_work_, ++at_work_);
        co_await sleep_for(20ms);
        --at_work_;
        ++over_;
        co_return Account{0, 0, 0, "copy_disk"};
    };
    services_.runner.handle(TaskKind::clone, work);
    constexpr std::size_t kClones = service::TaskRunner::kParallelTasks + 8;
    add(TaskKind::clone, kClones);
    run_until_over(kClones);
    EXPECT_LE(most_at_work_, static_cast<int>(service::TaskRunner::kParallelTasks));
}

TEST_F(TaskRunners, PutOffWhatMayPassWhereNobodyAskedForIt) {
    const service::TaskRunner::Manner patient{
        .is_put_off_by = [](const Error& error) { return error.code == Errc::unavailable; }};
    const auto failing = [this](Errc code) {
        return [this, code](const TaskRecord&, store::CloneProgress&, const Call&)
                   -> awaitable<Result<Account>> {
            ++over_;
            co_return Error(code, "no");
        };
    };
    services_.runner.handle(TaskKind::clone, failing(Errc::unavailable));
    services_.runner.handle(TaskKind::boot_form, failing(Errc::unavailable), patient);
    services_.runner.handle(TaskKind::copy, failing(Errc::unsupported), patient);
    for (const TaskKind kind : {TaskKind::clone, TaskKind::boot_form, TaskKind::copy}) add(kind, 1);
    run_until_over(3);
    for (const TaskRecord& task : services_.tasks()) {
        EXPECT_TRUE(task.error) << to_string(task.kind);
        const bool waits = task.kind == TaskKind::boot_form;
        EXPECT_EQ(task.status, waits ? TaskStatus::pending : TaskStatus::failure)
            << to_string(task.kind);
    }
}

TEST_F(TaskRunners, LeaveRoomForOtherKinds) {
    bool clone_is_over = false;
    auto wait_for_the_clone =
        [&](const TaskRecord&, store::CloneProgress&, const Call&) -> awaitable<Result<Account>> {
        most_at_work_ = std::max(most_at_work_, ++at_work_);
        while (!clone_is_over) co_await sleep_for(1ms);
        --at_work_;
        ++over_;
        co_return Account{0, 0, 0, "stream"};
    };
    auto clone =
        [&](const TaskRecord&, store::CloneProgress&, const Call&) -> awaitable<Result<Account>> {
        clone_is_over = true;
        ++over_;
        co_return Account{0, 0, 0, "copy_disk"};
    };
    services_.runner.handle(TaskKind::import, wait_for_the_clone, {.at_a_time = 2});
    services_.runner.handle(TaskKind::clone, clone);
    add(TaskKind::import, 2 * service::TaskRunner::kParallelTasks);
    add(TaskKind::clone, 1);
    run_until_over(2 * service::TaskRunner::kParallelTasks + 1);
    EXPECT_EQ(most_at_work_, 2);
}

TEST_F(TaskRunners, EndATaskThatThrows) {
    services_.runner.handle(
        TaskKind::clone,
        [](const TaskRecord&, store::CloneProgress&, const Call&) -> awaitable<Result<Account>> {
            co_await sleep_for(1ms);
            throw std::bad_alloc();
        }
    );
    add(TaskKind::clone, 1);
    auto body = [&]() -> awaitable<TaskRecord> {
        services_.group.spawn("runner", [&] { return services_.runner.run(); });
        TaskRecord task;
        for (int looks = 0; looks < 3000 && !is_over(task.status); ++looks) {
            co_await sleep_for(10ms);
            task = (co_await services_.catalog->list_tasks({}, {}, {}, 1)).value().front();
        }
        services_.group.cancel(asio::cancellation_type::terminal);
        co_await services_.group.wait(kNoDeadline);
        co_return task;
    };
    const TaskRecord task = services_.await(body());
    EXPECT_EQ(task.status, TaskStatus::failure);
    ASSERT_TRUE(task.error);
    EXPECT_EQ(task.error->code, Errc::internal);
}

}  // namespace
}  // namespace slipway::test
