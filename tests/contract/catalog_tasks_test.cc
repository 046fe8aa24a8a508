#include "tests/contract/catalog_contract.h"

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

std::vector<std::string> ids(const std::vector<TaskRecord>& tasks) {
    std::vector<std::string> ids;
    for (const TaskRecord& task : tasks) ids.push_back(task.id.str());
    return ids;
}

TEST_P(CatalogContract, RunsATaskFromPendingToSuccess) {
    const Image image = create_active();
    const TaskRecord created = create_task(image, "t1");
    EXPECT_EQ(created.status, TaskStatus::pending);
    EXPECT_EQ(created.created_at, clock_.now());
    EXPECT_ERROR(Errc::conflict, run(catalog_->create_task(created)));

    const auto claimed = run(catalog_->claim_task("s1", {})).value();
    ASSERT_TRUE(claimed);
    EXPECT_EQ(claimed->status, TaskStatus::running);
    EXPECT_EQ(claimed->server, "s1");
    EXPECT_EQ(claimed->claimed_until, clock_.now() + 30s);
    EXPECT_EQ(claimed->input, R"({"path": "a.vmdk"})");
    EXPECT_EQ(claimed->owner, "p");
    EXPECT_EQ(claimed->request_id, "req-t1");
    EXPECT_FALSE(run(catalog_->claim_task("s1", {})).value());

    EXPECT_OK(run(catalog_->save_task_progress(created.id, "s1", 40)));
    EXPECT_OK(run(catalog_->save_task_checkpoint(created.id, "s1", R"({"task": "task-7"})")));
    EXPECT_ERROR(Errc::conflict, run(catalog_->save_task_progress(created.id, "s2", 41)));
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->save_task_progress(created.id, "s1", 101)));
    TaskRecord task = run(catalog_->find_task(created.id)).value();
    EXPECT_EQ(task.progress, 40);
    EXPECT_EQ(task.checkpoint, R"({"task": "task-7"})");
    EXPECT_FALSE(task.account);
    EXPECT_FALSE(task.error);

    clock_.advance(1s);
    const Account account{
        .bytes_through = 0, .bytes_copied = 5, .seconds = 1.5, .path = "copy_disk"};
    EXPECT_ERROR(
        Errc::invalid_argument,
        run(catalog_->finish_task(created.id, "s1", TaskStatus::running, std::nullopt, account))
    );
    EXPECT_OK(
        run(catalog_->finish_task(created.id, "s1", TaskStatus::success, std::nullopt, account))
    );
    EXPECT_ERROR(
        Errc::conflict,
        run(catalog_->finish_task(created.id, "s1", TaskStatus::success, std::nullopt, account))
    );
    task = run(catalog_->find_task(created.id)).value();
    EXPECT_EQ(task.status, TaskStatus::success);
    EXPECT_EQ(task.progress, 100);
    ASSERT_TRUE(task.account);
    EXPECT_EQ(task.account->bytes_copied, 5U);
    EXPECT_EQ(task.account->seconds, 1.5);
    EXPECT_EQ(task.account->path, "copy_disk");
    EXPECT_EQ(run(catalog_->list_transfers(image.id, 1)).value().at(0).kind, "clone");
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_task(TaskId("t2"))));
}

TEST_P(CatalogContract, KeepsTheErrorOfATask) {
    create_task(create_active(), "t1");
    run(catalog_->claim_task("s1", {})).value();
    const Error error(Errc::no_space, "the datastore is full", "InsufficientStorageSpace");
    EXPECT_OK(
        run(catalog_->finish_task(TaskId("t1"), "s1", TaskStatus::failure, error, std::nullopt))
    );
    const TaskRecord task = run(catalog_->find_task(TaskId("t1"))).value();
    EXPECT_EQ(task.error, error);
    EXPECT_EQ(task.progress, 0);
    EXPECT_FALSE(task.account);
}

TEST_P(CatalogContract, PutsOffATaskForAsLongAsItIsOld) {
    const Image image = create_active();
    create_task(image, "t1");
    const Error error(Errc::no_space, "the datastore is full", "InsufficientStorageSpace");
    for (const auto pause : {30s, 30s, 60s, 120s, 240s, 480s, 960s, 1920s, 3600s, 3600s}) {
        ASSERT_TRUE(run(catalog_->claim_task("s1", {})).value());
        EXPECT_OK(run(catalog_->postpone_task(TaskId("t1"), "s1", error)));
        const TaskRecord task = run(catalog_->find_task(TaskId("t1"))).value();
        EXPECT_EQ(task.status, TaskStatus::pending);
        EXPECT_EQ(task.error, error);
        clock_.advance(pause - 1s);
        EXPECT_FALSE(run(catalog_->claim_task("s1", {})).value()) << pause.count();
        clock_.advance(1s);
    }
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
    EXPECT_OK(run(catalog_->cancel_task(TaskId("t1"))));
    EXPECT_OK(run(catalog_->postpone_task(TaskId("t1"), "s1", error)));
    EXPECT_EQ(run(catalog_->find_task(TaskId("t1"))).value().status, TaskStatus::cancelled);
    EXPECT_ERROR(Errc::conflict, run(catalog_->postpone_task(TaskId("t1"), "s1", error)));
}

TEST_P(CatalogContract, LetsGoOfAPostponedTaskWithItsImage) {
    const Image image = create_active();
    TaskRecord task = create_task(image, "t1");
    task.id = TaskId("t2");
    task.kind = TaskKind::boot_form;
    EXPECT_OK(run(catalog_->cancel_task(TaskId("t1"))));
    EXPECT_OK(run(catalog_->create_task(task)));
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
    EXPECT_OK(run(catalog_->postpone_task(task.id, "s1", Error(Errc::unavailable, "not now"))));
    EXPECT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_EQ(run(catalog_->find_task(task.id)).value().status, TaskStatus::cancelled);
    EXPECT_THAT(garbage(), ElementsAre("l1"));
}

TEST_P(CatalogContract, MakesNoTaskOfALocationThatIsNotLive) {
    const Image image = create_active();
    TaskRecord task = create_task(image, "t1");
    EXPECT_OK(run(catalog_->delete_image(image.id, 0s)));
    task.id = TaskId("t2");
    EXPECT_ERROR(Errc::conflict, run(catalog_->create_task(task)));
}

TEST_P(CatalogContract, KeepsGarbageThatAnUnfinishedTaskReads) {
    const Image image = create_active();
    create_task(image, "t1");
    create_task(image, "t2");
    EXPECT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_THAT(garbage(), ElementsAre());
    EXPECT_EQ(run(catalog_->claim_task("s1", {})).value()->id, TaskId("t1"));
    EXPECT_OK(run(
        catalog_->finish_task(TaskId("t1"), "s1", TaskStatus::success, std::nullopt, std::nullopt)
    ));
    EXPECT_THAT(garbage(), ElementsAre());
    EXPECT_OK(run(catalog_->cancel_task(TaskId("t2"))));
    EXPECT_THAT(garbage(), ElementsAre("l1"));
}

TEST_P(CatalogContract, ClaimsTheOldestTaskFirst) {
    const Image image = create_active();
    create_task(image, "b");
    create_task(image, "a");
    clock_.advance(1s);
    create_task(image, "0");
    EXPECT_EQ(run(catalog_->claim_task("s1", {})).value()->id, TaskId("a"));
    EXPECT_EQ(run(catalog_->claim_task("s1", {})).value()->id, TaskId("b"));
    EXPECT_EQ(run(catalog_->claim_task("s1", {})).value()->id, TaskId("0"));
    EXPECT_FALSE(run(catalog_->claim_task("s1", {})).value());
}

TEST_P(CatalogContract, KeepsAClaimAsLongAsItsServerLives) {
    if (on_sqlite()) return;  // there is but one server
    EXPECT_OK(run(catalog_->begin_server("s1")));
    auto other = open_another().value();
    EXPECT_OK(run(other->begin_server("s2")));
    create_task(create_active(), "t1");
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
    for (int i = 0; i < 5; ++i) {
        clock_.advance(20s);
        EXPECT_OK(run(catalog_->renew_server("s1")));
        EXPECT_OK(run(other->renew_server("s2")));
        EXPECT_FALSE(run(other->claim_task("s2", {})).value());
    }
    EXPECT_EQ(run(catalog_->find_task(TaskId("t1"))).value().claimed_until, clock_.now() + 30s);
    clock_.advance(31s);
    EXPECT_TRUE(run(other->claim_task("s2", {})).value());
    EXPECT_ERROR(
        Errc::conflict,
        run(catalog_->finish_task(
            TaskId("t1"), "s1", TaskStatus::success, std::nullopt, std::nullopt
        ))
    );
}

TEST_P(CatalogContract, CancelsAPendingTaskAtOnceAndAsksARunningOne) {
    const Image image = create_active();
    create_task(image, "t1");
    create_task(image, "t2");
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
    EXPECT_EQ(run(catalog_->cancel_task(TaskId("t2"))).value().status, TaskStatus::cancelled);
    EXPECT_ERROR(Errc::conflict, run(catalog_->cancel_task(TaskId("t2"))));
    EXPECT_FALSE(run(catalog_->claim_task("s1", {})).value());

    const TaskRecord asked = run(catalog_->cancel_task(TaskId("t1"))).value();
    EXPECT_EQ(asked.status, TaskStatus::running);
    EXPECT_TRUE(asked.cancel_requested);
    EXPECT_OK(run(catalog_->cancel_task(TaskId("t1"))));
    EXPECT_ERROR(Errc::cancelled, run(catalog_->save_task_progress(TaskId("t1"), "s1", 50)));
    EXPECT_ERROR(Errc::cancelled, run(catalog_->save_task_checkpoint(TaskId("t1"), "s1", "{}")));
    EXPECT_EQ(run(catalog_->find_task(TaskId("t1"))).value().progress, 50) << "saved all the same";
    EXPECT_EQ(run(catalog_->find_task(TaskId("t1"))).value().checkpoint, "{}");
    EXPECT_OK(run(
        catalog_->finish_task(TaskId("t1"), "s1", TaskStatus::cancelled, std::nullopt, std::nullopt)
    ));
    EXPECT_ERROR(Errc::not_found, run(catalog_->cancel_task(TaskId("t3"))));
}

TEST_P(CatalogContract, ListsTasksNewestFirst) {
    const Image image = create_active();
    const Image other = create_active();
    create_task(image, "a");
    create_task(image, "b");
    clock_.advance(1s);
    create_task(other, "c");
    const auto list = [&](auto owner, auto of, auto marker, std::size_t limit) {
        return ids(run(catalog_->list_tasks(owner, of, marker, limit)).value());
    };
    const std::optional<std::string> anybody;
    const std::optional<ImageId> any;
    const std::optional<TaskId> start;
    EXPECT_THAT(list(anybody, any, start, 10), ElementsAre("c", "b", "a"));
    EXPECT_THAT(list(anybody, any, start, 2), ElementsAre("c", "b"));
    EXPECT_THAT(list(anybody, any, std::optional(TaskId("b")), 10), ElementsAre("a"));
    EXPECT_THAT(list(anybody, std::optional(other.id), start, 10), ElementsAre("c"));
    EXPECT_THAT(list(std::optional<std::string>("p"), any, start, 10), ElementsAre("c", "b", "a"));
    EXPECT_THAT(list(std::optional<std::string>("q"), any, start, 10), ElementsAre());
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_tasks(anybody, any, TaskId("x"), 10)));
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_tasks("q", any, TaskId("a"), 10)));
}

TEST_P(CatalogContract, RecordsTransfersNewestFirst) {
    const Image image = create();
    TransferRecord record;
    record.kind = "download";
    record.image_id = image.id;
    record.account =
        Account{.bytes_through = 1ULL << 45U, .bytes_copied = 1, .seconds = 0.1, .path = "stream"};
    record.finished_at = clock_.now();
    record.request_id = "r1";
    EXPECT_OK(run(catalog_->record_transfer(record)));
    record.finished_at += 1s;
    record.request_id = "r2";
    EXPECT_OK(run(catalog_->record_transfer(record)));
    const auto all = run(catalog_->list_transfers(image.id, 10)).value();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].request_id, "r2");
    EXPECT_EQ(all[1].request_id, "r1");
    EXPECT_EQ(all[1].account.bytes_through, 1ULL << 45U);
    EXPECT_EQ(all[1].account.seconds, 0.1);
    EXPECT_EQ(all[1].finished_at, clock_.now());
    EXPECT_EQ(run(catalog_->list_transfers(image.id, 1)).value().size(), 1U);
    record.kind = "";
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->record_transfer(record)));
    record.kind = "upload";
    record.image_id = image_id(404);
    EXPECT_ERROR(Errc::not_found, run(catalog_->record_transfer(record)));
}

TEST_P(CatalogContract, ForgetsWhatIsOverForLong) {
    const Image image = create_active();
    create_task(image, "over");
    create_task(image, "waits");
    run(catalog_->claim_task("s1", {})).value();
    ASSERT_OK(run(catalog_->finish_task(
        TaskId("over"), "s1", TaskStatus::cancelled, std::nullopt, std::nullopt
    )));
    clock_.advance(1h);
    create_task(image, "new");
    ASSERT_OK(run(catalog_->forget_history(30min)));
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_task(TaskId("over"))));
    EXPECT_OK(run(catalog_->find_task(TaskId("waits")))) << "it waits still";
    EXPECT_OK(run(catalog_->find_task(TaskId("new"))));
    EXPECT_TRUE(run(catalog_->list_transfers(image.id, 10)).value().empty());
}

}  // namespace
}  // namespace slipway::test
