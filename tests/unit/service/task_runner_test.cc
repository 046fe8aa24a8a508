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
    // Runs tasks until `wanted` of them are over; the limit is for runners that never get there.
    void run_until_over(int wanted) {
        auto until = [&]() -> awaitable<Result<void>> {
            while (over_ < wanted) co_await sleep_for(1ms);
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
