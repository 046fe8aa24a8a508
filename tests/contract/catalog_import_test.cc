#include "tests/contract/catalog_contract.h"

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using store::ImportStart;
using store::ImportStep;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

Location location_of(const ImageId& image, const std::string& id, const std::string& server) {
    Location location;
    location.id = LocationId(id);
    location.image_id = image;
    location.backend = BackendId("b");
    location.directory = "slipway/" + id;
    location.data_file = "image.img";
    location.server = server;
    return location;
}

ImportStart start_of(const Image& image, const std::string& task, ImageStatus from) {
    ImportStart start;
    start.task.id = TaskId(task);
    start.task.image_id = image.id;
    start.task.owner = image.owner;
    start.task.api_type = "api_image_import";
    start.task.user = "u";
    start.task.input = "{}";
    start.from = from;
    start.stores = {BackendId("b"), BackendId("a")};
    return start;
}

class CatalogImports : public CatalogContract {
protected:
    // An image with 10 staged bytes at location "s".
    Image staged(const std::string& server = "s1") {
        const Image image = create();
        Location location = location_of(image.id, "s", server);
        run(catalog_->begin_stage(location)).value();
        location.stored_bytes = 10;
        run(catalog_->finish_stage({location, 10, R"({"a": 1})"})).value();
        return run(catalog_->find_image(image.id)).value();
    }
    // The same, with its import begun and its task claimed.
    Image importing() {
        const Image image = staged();
        run(catalog_->begin_import(start_of(image, "t", ImageStatus::uploading))).value();
        task_ = run(catalog_->claim_task("s1", {})).value().value();
        return run(catalog_->find_image(image.id)).value();
    }
    ImportStep step() {
        ImportStep step;
        step.task = task_;
        return step;
    }

    TaskRecord task_;
};

TEST_P(CatalogImports, StageTakesAnImageFromQueuedToUploading) {
    const Image image = create();
    Location location = location_of(image.id, "s", "s1");
    ASSERT_OK(run(catalog_->begin_stage(location)));
    EXPECT_EQ(status_of(image.id), ImageStatus::uploading);
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_stage(location)));
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_upload(location)));
    EXPECT_FALSE(run(catalog_->find_staged(image.id)).value());
    location.stored_bytes = 12;
    ASSERT_OK(run(catalog_->finish_stage({location, 10, R"({"a": 1})"})));
    EXPECT_OK(run(catalog_->finish_stage({location, 10, "{}"}))) << "done already";

    const Image now = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(now.status, ImageStatus::uploading);
    EXPECT_EQ(now.size_bytes, 10U);
    EXPECT_EQ(now.checksum, std::nullopt);
    const auto found = run(catalog_->find_staged(image.id)).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->location.id, location.id);
    EXPECT_EQ(found->location.stored_bytes, 12U);
    EXPECT_EQ(found->size_bytes, 10U);
    EXPECT_EQ(found->facts, R"({"a": 1})");
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), IsEmpty());
    EXPECT_ERROR(Errc::conflict, run(catalog_->fail_upload(location.id)));
}

TEST_P(CatalogImports, AStageThatFailsLeavesTheImageQueued) {
    const Image image = create();
    const Location location = location_of(image.id, "s", "s1");
    run(catalog_->begin_stage(location)).value();
    EXPECT_OK(run(catalog_->fail_upload(location.id)));
    EXPECT_EQ(status_of(image.id), ImageStatus::queued);
    EXPECT_ERROR(Errc::gone, run(catalog_->finish_stage({location, 1, "{}"})));
    EXPECT_THAT(garbage(), ElementsAre("s"));
}

TEST_P(CatalogImports, StagedDataOutliveTheirServerAndHalfOfThemDoNot) {
    ASSERT_OK(run(catalog_->begin_server("s1")));
    const Image whole = staged();
    const Image half = create("half");
    run(catalog_->begin_stage(location_of(half.id, "h", "s1"))).value();
    restart();
    ASSERT_OK(run(catalog_->begin_server("s1")));
    EXPECT_EQ(status_of(whole.id), ImageStatus::uploading);
    EXPECT_TRUE(run(catalog_->find_staged(whole.id)).value());
    EXPECT_EQ(status_of(half.id), ImageStatus::queued);
    EXPECT_THAT(garbage(), ElementsAre("h"));
}

TEST_P(CatalogImports, DeletingAnImageRemovesWhatWasStagedAndStopsItsImport) {
    const Image image = importing();
    EXPECT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_THAT(garbage(), ElementsAre("s"));
    EXPECT_TRUE(run(catalog_->find_task(task_.id)).value().cancel_requested);
    ImportStep last = step();
    last.last_words = "{}";
    EXPECT_ERROR(Errc::gone, run(catalog_->step_import(last)));
    EXPECT_OK(run(catalog_->forget_location(LocationId("s"))));
}

TEST_P(CatalogImports, AnImportLocksItsImage) {
    const Image image = importing();
    EXPECT_EQ(image.status, ImageStatus::importing);
    EXPECT_EQ(image.property(store::kImportTask), "t");
    EXPECT_EQ(image.property(store::kImportingToStores), "a,b");
    EXPECT_EQ(image.property(store::kFailedImport), "");
    EXPECT_TRUE(image.properties.contains(store::kFailedImport));
    EXPECT_EQ(task_.kind, TaskKind::import);
    EXPECT_EQ(task_.api_type, "api_image_import");
    EXPECT_EQ(task_.user, "u");
    EXPECT_ERROR(
        Errc::conflict, run(catalog_->begin_import(start_of(image, "t2", ImageStatus::importing)))
    );
}

TEST_P(CatalogImports, AnImportNeedsTheRightStatusAndItsData) {
    const Image queued = create();
    EXPECT_ERROR(
        Errc::conflict, run(catalog_->begin_import(start_of(queued, "t", ImageStatus::uploading)))
    );
    run(catalog_->begin_stage(location_of(queued.id, "s", "s1"))).value();
    EXPECT_ERROR(
        Errc::conflict, run(catalog_->begin_import(start_of(queued, "t", ImageStatus::uploading)))
    );
    Image missing = queued;
    missing.id = image_id(404);
    EXPECT_ERROR(
        Errc::not_found, run(catalog_->begin_import(start_of(missing, "t", ImageStatus::queued)))
    );
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_task(TaskId("t"))));
    EXPECT_EQ(run(catalog_->find_image(queued.id)).value().property(store::kImportTask), "");
}

TEST_P(CatalogImports, ALockThatIsStaleIsBroken) {
    const Image image = create_active();
    ImportStart first = start_of(image, "t", ImageStatus::active);
    first.stores = {BackendId("a")};
    run(catalog_->begin_import(first)).value();
    clock_.advance(119min);
    ImportStart second = start_of(image, "t2", ImageStatus::active);
    second.stores = {BackendId("b")};
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_import(second))) << "it waits";
    clock_.advance(2min);
    ASSERT_OK(run(catalog_->begin_import(second)));
    EXPECT_EQ(run(catalog_->find_task(TaskId("t"))).value().status, TaskStatus::failure);
    const Image locked = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(locked.property(store::kImportTask), "t2");
    EXPECT_EQ(locked.property(store::kImportingToStores), "b");

    run(catalog_->claim_task("s1", {})).value();
    clock_.advance(59min);
    ImportStart third = start_of(image, "t3", ImageStatus::active);
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_import(third))) << "it runs";
    clock_.advance(2min);
    EXPECT_OK(run(catalog_->begin_import(third)));
}

TEST_P(CatalogImports, ABrokenLockTakesItsStoresOffBothLists) {
    const Image image = create_active();
    ImportStart first = start_of(image, "t", ImageStatus::active);
    first.task.input = R"({"backend": ["a", "b"]})";
    run(catalog_->begin_import(first)).value();
    task_ = run(catalog_->claim_task("s1", {})).value().value();
    ImportStep half = step();
    half.failed = {BackendId("a")};
    ASSERT_OK(run(catalog_->step_import(half)));
    clock_.advance(61min);
    ImportStart second = start_of(image, "t2", ImageStatus::active);
    second.stores = {BackendId("c")};
    ASSERT_OK(run(catalog_->begin_import(second)));
    const Image locked = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(locked.property(store::kImportingToStores), "c");
    EXPECT_EQ(locked.property(store::kFailedImport), "");
}

TEST_P(CatalogImports, EveryStepMovesTheTimeOfTheImage) {
    const Image image = create_active();
    const auto updated = [&] { return run(catalog_->find_image(image.id)).value().updated_at; };
    clock_.advance(1min);
    run(catalog_->begin_import(start_of(image, "t", ImageStatus::active))).value();
    EXPECT_EQ(updated(), clock_.now()) << "begun";
    task_ = run(catalog_->claim_task("s1", {})).value().value();
    clock_.advance(1min);
    ImportStep half = step();
    half.done = {BackendId("a")};
    ASSERT_OK(run(catalog_->step_import(half)));
    EXPECT_EQ(updated(), clock_.now()) << "half way";
    clock_.advance(1min);
    ImportStep last = step();
    last.last_words = "{}";
    ASSERT_OK(run(catalog_->step_import(last)));
    EXPECT_EQ(updated(), clock_.now()) << "over";
}

TEST_P(CatalogImports, AnImportEndsInOneStep) {
    const Image image = importing();
    Location copy = location_of(image.id, "c", "s1");
    copy.backend = BackendId("a");
    ASSERT_OK(run(catalog_->add_location(copy)));
    ImportStep last = step();
    last.live = {{LocationId("s"), 10}, {LocationId("c"), 10}};
    last.outcome = outcome_of(10);
    last.change = [](Image& edited) { edited.properties["hw_disk_bus"] = "scsi"; };
    last.done = {BackendId("a"), BackendId("b")};
    last.last_words = R"({"over": true})";
    ASSERT_OK(run(catalog_->step_import(last)));

    const Image active = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(active.status, ImageStatus::active);
    EXPECT_EQ(active.size_bytes, 10U);
    EXPECT_EQ(active.checksum, outcome_of(10).checksum);
    EXPECT_EQ(active.property("hw_disk_bus"), "scsi");
    EXPECT_FALSE(active.properties.contains(store::kImportTask));
    EXPECT_EQ(active.property(store::kImportingToStores), "");
    EXPECT_TRUE(active.properties.contains(store::kImportingToStores));
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), SizeIs(2));
    EXPECT_EQ(run(catalog_->find_task(TaskId("t"))).value().checkpoint, R"({"over": true})");
    EXPECT_ERROR(Errc::gone, run(catalog_->step_import(last))) << "the lock is gone";
}

TEST_P(CatalogImports, AnImportThatFailsPutsTheImageBack) {
    const Image image = importing();
    ImportStep last = step();
    last.gives_up = ImageEvent::import_put_back;
    last.done = {BackendId("a"), BackendId("b")};
    last.failed = {BackendId("a")};
    last.last_words = "{}";
    ASSERT_OK(run(catalog_->step_import(last)));
    const Image back = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(back.status, ImageStatus::uploading);
    EXPECT_EQ(back.size_bytes, 10U);
    EXPECT_EQ(back.property(store::kImportingToStores), "");
    EXPECT_EQ(back.property(store::kFailedImport), "a");
    EXPECT_TRUE(run(catalog_->find_staged(image.id)).value());
}

TEST_P(CatalogImports, AnImportThatFailsForGoodLeavesTheImageQueued) {
    const Image image = importing();
    ImportStep last = step();
    last.gives_up = ImageEvent::import_failed;
    last.garbage = {LocationId("s")};
    last.last_words = "{}";
    ASSERT_OK(run(catalog_->step_import(last)));
    const Image back = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(back.status, ImageStatus::queued);
    EXPECT_EQ(back.size_bytes, std::nullopt);
    EXPECT_FALSE(run(catalog_->find_staged(image.id)).value());
    EXPECT_THAT(garbage(), ElementsAre("s"));
    EXPECT_OK(run(catalog_->forget_location(LocationId("s"))));
}

TEST_P(CatalogImports, AStepNeedsTheClaim) {
    importing();
    ImportStep last = step();
    last.task.server = "s2";
    last.last_words = "{}";
    EXPECT_ERROR(Errc::gone, run(catalog_->step_import(last)));
}

TEST_P(CatalogImports, ADownloadBelongsToAnImportingImage) {
    const Image image = create();
    Location location = location_of(image.id, "s", "s1");
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_fetch(location)));
    run(catalog_->begin_import(start_of(image, "t", ImageStatus::queued))).value();
    ASSERT_OK(run(catalog_->begin_fetch(location)));
    EXPECT_OK(run(catalog_->fail_upload(location.id)));
    EXPECT_EQ(status_of(image.id), ImageStatus::importing) << "its task goes on";
    location = location_of(image.id, "s2", "s1");
    ASSERT_OK(run(catalog_->begin_fetch(location)));
    ASSERT_OK(run(catalog_->finish_stage({location, 3, "{}"})));
    EXPECT_TRUE(run(catalog_->find_staged(image.id)).value());
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().size_bytes, std::nullopt);
}

TEST_P(CatalogImports, AnImportIsNeverCancelledWithoutItsTask) {
    const Image image = create();
    run(catalog_->begin_import(start_of(image, "t", ImageStatus::queued))).value();
    const auto asked = run(catalog_->cancel_task(TaskId("t"))).value();
    EXPECT_EQ(asked.status, TaskStatus::pending);
    EXPECT_TRUE(asked.cancel_requested);
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
}

TEST_P(CatalogImports, AnImageThatNoTaskImportsIsFreedAtTheNextStart) {
    const Image lost = create();
    run(catalog_->begin_import(start_of(lost, "t1", ImageStatus::queued))).value();
    const Image held = create();
    run(catalog_->begin_import(start_of(held, "t2", ImageStatus::queued))).value();
    ASSERT_TRUE(run(catalog_->claim_task("s1", {})).value());
    ASSERT_OK(run(catalog_->finish_task(
        TaskId("t1"), "s1", TaskStatus::failure, Error(Errc::internal, "lost"), std::nullopt
    )));
    ASSERT_OK(run(catalog_->begin_server("s1")));
    const Image freed = run(catalog_->find_image(lost.id)).value();
    EXPECT_EQ(freed.status, ImageStatus::queued);
    EXPECT_EQ(freed.property(store::kImportTask), "");
    EXPECT_EQ(status_of(held.id), ImageStatus::importing);
}

TEST_P(CatalogImports, ALookAtALocationIsNeverCancelledWithoutItsTask) {
    const Image image = create();
    store::NewForeignLocation added;
    added.location = location_of(image.id, "f", "");
    added.location.url = "https://web.example.org/image";
    added.event = ImageEvent::import_started;
    TaskRecord task;
    task.id = TaskId("t");
    task.kind = TaskKind::location_import;
    task.image_id = image.id;
    task.location_id = added.location.id;
    added.task = task;
    ASSERT_OK(run(catalog_->add_foreign_location(added)));
    const auto asked = run(catalog_->cancel_task(TaskId("t"))).value();
    EXPECT_EQ(asked.status, TaskStatus::pending);
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
}

TEST_P(CatalogImports, ATaskWithAServerWaitsForItWhileItLives) {
    ASSERT_OK(run(catalog_->begin_server("s1")));
    const Image image = create();
    ImportStart start = start_of(image, "t", ImageStatus::queued);
    start.task.server = "s1";
    run(catalog_->begin_import(start)).value();
    EXPECT_FALSE(run(catalog_->claim_task("s2", {})).value());
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
    const Image other = create();
    start = start_of(other, "t2", ImageStatus::queued);
    start.task.server = "gone";
    run(catalog_->begin_import(start)).value();
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
}

TEST_P(CatalogImports, ListsTheTasksOfTheImageApiUntilTheyExpire) {
    const Image image = create_active();
    create_task(image, "ours");
    ImportStart start = start_of(image, "t1", ImageStatus::active);
    run(catalog_->begin_import(start)).value();
    const Image other = create();
    clock_.advance(1s);
    run(catalog_->begin_import(start_of(other, "t2", ImageStatus::queued))).value();
    const auto listed = [&](store::Catalog::ApiTaskQuery query) {
        std::vector<std::string> ids;
        for (const TaskRecord& task : run(catalog_->list_api_tasks(std::move(query))).value())
            ids.push_back(task.id.str());
        return ids;
    };
    using Query = store::Catalog::ApiTaskQuery;
    EXPECT_THAT(listed({}), ElementsAre("t2", "t1"));
    Query query;
    query.image = image.id;
    EXPECT_THAT(listed(query), ElementsAre("t1"));
    query = Query();
    query.ascending = true;
    query.marker = TaskId("t1");
    EXPECT_THAT(listed(query), ElementsAre("t2"));
    query = Query();
    query.owner = "q";
    EXPECT_THAT(listed(query), IsEmpty());
    query = Query();
    query.statuses = {TaskStatus::failure, TaskStatus::cancelled};
    EXPECT_THAT(listed(query), IsEmpty());
    query = Query();
    query.equal = {{"id", "t2"}, {"user_id", "u"}, {"type", "api_image_import"}};
    EXPECT_THAT(listed(query), ElementsAre("t2"));
    query.equal = {{"owner", "nobody"}};
    EXPECT_THAT(listed(query), IsEmpty());
    for (const auto& wrong : {std::pair("input", "x"), std::pair("created_at", "yesterday")}) {
        query.equal = {wrong};
        EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_api_tasks(query)));
    }
    query = Query();
    query.marker = TaskId("ours");
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_api_tasks(query)));
    query = Query();
    query.sort_key = "id; drop table tasks";
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->list_api_tasks(query)));

    run(catalog_->claim_task("s1", {})).value();  // ours
    const auto claimed = run(catalog_->claim_task("s1", {})).value().value();
    ASSERT_OK(run(catalog_->finish_task(claimed.id, "s1", TaskStatus::success, {}, std::nullopt)));
    EXPECT_THAT(listed({}), SizeIs(2));
    clock_.advance(48h);
    EXPECT_THAT(listed({}), SizeIs(1));
}

TEST_P(CatalogImports, ATaskMayHaveFailedBeforeItBegan) {
    TaskRecord task = start_of(create(), "t", ImageStatus::queued).task;
    const Error why(Errc::invalid_argument, "There is no data at the location.");
    ASSERT_OK(run(catalog_->record_failed_task(task, why)));
    EXPECT_ERROR(Errc::conflict, run(catalog_->record_failed_task(task, why)));
    const auto tasks = run(catalog_->list_api_tasks({})).value();
    ASSERT_THAT(tasks, SizeIs(1));
    EXPECT_EQ(tasks[0].status, TaskStatus::failure);
    ASSERT_TRUE(tasks[0].error);
    EXPECT_EQ(tasks[0].error->message, why.message);
    EXPECT_FALSE(run(catalog_->claim_task("s1", {})).value());
}

TEST_P(CatalogImports, ActivationKeepsAProjectToItsBytes) {
    const Image image = importing();
    create_active("rival", 91);
    for (const bool like_oslo_limit : {false, true}) {
        EXPECT_OK(
            run(catalog_->limit_project("p", {.bytes = 100, .like_oslo_limit = like_oslo_limit}))
        );
        ImportStep last = step();
        last.live = {{LocationId("s"), 10}};
        last.outcome = outcome_of(10);
        EXPECT_ERROR(Errc::too_large, run(catalog_->step_import(last)));
        EXPECT_EQ(status_of(image.id), ImageStatus::importing);
        EXPECT_EQ(state_of(LocationId("s")), LocationState::staged);
    }
    EXPECT_OK(run(catalog_->limit_project("p", {.bytes = 101})));
    ImportStep last = step();
    last.live = {{LocationId("s"), 10}};
    last.outcome = outcome_of(10);
    EXPECT_OK(run(catalog_->step_import(last)));
    EXPECT_EQ(run(catalog_->usage_of("p"))->bytes, 101U);
}

TEST_P(CatalogImports, AnImageThatIsBeingCopiedCountsAsOneThatIsBeingFilled) {
    const Image image = create_active();
    EXPECT_EQ(run(catalog_->usage_of("p"))->uploads, 0U);
    run(catalog_->begin_import(start_of(image, "t", ImageStatus::active))).value();
    EXPECT_EQ(run(catalog_->usage_of("p"))->uploads, 1U);
    task_ = run(catalog_->claim_task("s1", {})).value().value();
    ImportStep last = step();
    last.done = {BackendId("b"), BackendId("a")};
    last.last_words = "{}";
    ASSERT_OK(run(catalog_->step_import(last)));
    EXPECT_EQ(run(catalog_->usage_of("p"))->uploads, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    ,
    CatalogImports,
    testing::Values(store::Engine::sqlite, store::Engine::postgresql),
    [](const testing::TestParamInfo<store::Engine>& info) {
        return info.param == store::Engine::sqlite ? "Sqlite" : "Postgresql";
    }
);

}  // namespace
}  // namespace slipway::test
