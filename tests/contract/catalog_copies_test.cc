#include "tests/contract/catalog_contract.h"

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const BootForm kForm{"sparse", 300, 65536, "aa", "bb"};

Location added_to(const ImageId& image, const std::string& id) {
    Location location;
    location.id = LocationId(id);
    location.image_id = image;
    location.backend = BackendId("store");
    location.datastore = "DC0/images";
    location.directory = "images/" + image.str() + "." + id;
    location.data_file = image.str() + ".vmdk";
    location.form = StoredForm::boot;
    location.server = "s1";
    return location;
}

SeedRecord seed_of(const ImageId& image, std::vector<std::uint64_t> sizes = {}) {
    SeedRecord seed;
    seed.image_id = image;
    seed.place = {"DC0", "work", "prod_base"};
    seed.backend = BackendId("store");
    seed.sizes_gib = std::move(sizes);
    return seed;
}

TEST_P(CatalogContract, AddsABootFormToAnActiveImage) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "boot"))));
    EXPECT_EQ(state_of(LocationId("boot")), LocationState::adding);
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), SizeIs(1));

    store::AddedLocation added;
    added.stored_bytes = 300;
    added.boot_form = kForm;
    ASSERT_OK(run(catalog_->finish_location(LocationId("boot"), added)));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().boot_form, kForm);
    const auto live = run(catalog_->live_locations(image.id)).value();
    ASSERT_THAT(live, SizeIs(2));
    const Location& disk = live[0].id.str() == "boot" ? live[0] : live[1];
    EXPECT_EQ(disk.form, StoredForm::boot);
    EXPECT_EQ(disk.stored_bytes, 300U);
    EXPECT_OK(run(catalog_->finish_location(LocationId("boot"), added))) << "twice is fine";
}

TEST_P(CatalogContract, SettlesABootFormWithItsUpload) {
    const Image image = create();
    const Location upload = begin_upload(image.id);
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "boot"))));
    store::UploadOutcome outcome = outcome_of(100);
    outcome.stored_bytes = 100;
    outcome.boot_form = kForm;
    outcome.boot_location = LocationId("boot");
    outcome.boot_stored_bytes = 300;
    ASSERT_OK(run(catalog_->finish_upload(upload.id, outcome)));
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), SizeIs(2));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().boot_form, kForm);
}

TEST_P(CatalogContract, LetsOneLocationReplaceAnother) {
    const Image image = create_active();
    const Location old = run(catalog_->live_locations(image.id)).value().at(0);
    Location next = added_to(image.id, "next");
    next.form = StoredForm::sparse;
    ASSERT_OK(run(catalog_->add_location(next)));
    store::AddedLocation added;
    added.stored_bytes = 7;
    added.replaced = old.id;
    ASSERT_OK(run(catalog_->finish_location(next.id, added)));
    EXPECT_EQ(state_of(old.id), LocationState::garbage);
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), SizeIs(1));
}

TEST_P(CatalogContract, LetsWhatIsLeftToDoForAnImageFollowItsBootForm) {
    const Image image = create_active();
    const Location old = run(catalog_->live_locations(image.id)).value().at(0);
    TaskRecord task = create_task(image, "clone");
    task.id = TaskId("boot_form");
    task.kind = TaskKind::boot_form;
    ASSERT_OK(run(catalog_->create_task(task)));
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "next"))));
    store::AddedLocation added;
    added.stored_bytes = 7;
    added.replaced = old.id;
    ASSERT_OK(run(catalog_->finish_location(LocationId("next"), added)));
    EXPECT_EQ(run(catalog_->find_task(task.id)).value().location_id, LocationId("next"));
    EXPECT_EQ(run(catalog_->find_task(TaskId("clone"))).value().location_id, old.id)
        << "it has begun to read there";
}

TEST_P(CatalogContract, MakesNoBootFormOfACopyThatIsDropped) {
    const Image image = create_active();
    TaskRecord task = create_task(image, "clone");
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "copy"))));
    store::AddedLocation added;
    added.stored_bytes = 7;
    ASSERT_OK(run(catalog_->finish_location(LocationId("copy"), added)));
    task.id = TaskId("boot_form");
    task.kind = TaskKind::boot_form;
    task.location_id = LocationId("copy");
    ASSERT_OK(run(catalog_->create_task(task)));
    ASSERT_OK(run(catalog_->drop_location(LocationId("copy"), 0s)));
    EXPECT_EQ(run(catalog_->find_task(task.id)).value().status, TaskStatus::cancelled);
    EXPECT_EQ(run(catalog_->find_task(TaskId("clone"))).value().status, TaskStatus::pending);
    EXPECT_THAT(garbage(), ElementsAre("copy"));
}

TEST_P(CatalogContract, ReplacesTheRecordOfAnUploadWithItsBootForm) {
    const Image image = create();
    const Location upload = begin_upload(image.id);
    Location disk = added_to(image.id, "boot");
    disk.form = StoredForm::original;
    ASSERT_OK(run(catalog_->add_location(disk)));
    store::UploadOutcome outcome = outcome_of(100);
    outcome.boot_form = kForm;
    outcome.boot_location = disk.id;
    outcome.boot_stored_bytes = 300;
    outcome.drops_upload = true;
    outcome.replaces_record = true;
    ASSERT_OK(run(catalog_->finish_upload(upload.id, outcome)));
    EXPECT_OK(run(catalog_->finish_upload(upload.id, outcome))) << "twice is fine";
    const Image replaced = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(replaced.disk_format, "vmdk");
    EXPECT_EQ(replaced.size_bytes, 300U);
    EXPECT_EQ(replaced.virtual_size_bytes, 65536U);
    EXPECT_EQ(replaced.checksum, "aa");
    EXPECT_EQ(replaced.os_hash_value, "bb");
    EXPECT_EQ(replaced.property("vmware_disktype"), "sparse");
    EXPECT_EQ(state_of(upload.id), LocationState::garbage);
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), SizeIs(1));
}

TEST_P(CatalogContract, ReplacesTheRecordAndEveryCopyOfAnActiveImage) {
    const Image image = create_active();
    const Location upload = run(catalog_->live_locations(image.id)).value().at(0);
    for (const std::string name : {"boot", "copy"}) {
        Location location = added_to(image.id, name);
        location.form = StoredForm::original;
        location.datastore = name;
        ASSERT_OK(run(catalog_->add_location(location)));
    }
    store::AddedLocation added;
    added.stored_bytes = 300;
    added.boot_form = kForm;
    added.replaces_record = true;
    ASSERT_OK(run(catalog_->finish_location(LocationId("boot"), added)));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().checksum, "aa");
    EXPECT_EQ(state_of(upload.id), LocationState::garbage);
    EXPECT_EQ(state_of(LocationId("copy")), LocationState::garbage);
}

TEST_P(CatalogContract, TakesNoCopyOfBytesThatWereReplaced) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "copy"))));
    store::AddedLocation added;
    added.checksum = "of the bytes before";
    EXPECT_EQ(code_of(run(catalog_->finish_location(LocationId("copy"), added))), Errc::gone);
}

TEST_P(CatalogContract, AddsNothingToAnImageThatIsGone) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "boot"))));
    ASSERT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_EQ(code_of(run(catalog_->finish_location(LocationId("boot"), {}))), Errc::gone);
    EXPECT_EQ(state_of(LocationId("boot")), LocationState::garbage);
    EXPECT_EQ(code_of(run(catalog_->add_location(added_to(image.id, "late")))), Errc::not_found);
    EXPECT_EQ(code_of(run(catalog_->add_location(added_to(create().id, "x")))), Errc::conflict);
}

TEST_P(CatalogContract, LeavesWhatADeadServerWasAddingToTheCollector) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->begin_server("s1")));
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "boot"))));
    clock_.advance(1h);
    restart();
    ASSERT_OK(run(catalog_->begin_server("s2")));
    EXPECT_EQ(state_of(LocationId("boot")), LocationState::garbage);
    EXPECT_EQ(status_of(image.id), ImageStatus::active);
    EXPECT_EQ(code_of(run(catalog_->finish_location(LocationId("boot"), {}))), Errc::gone);
}

TEST_P(CatalogContract, LeavesWhatATaskWasAddingToWhoeverGoesOnWithIt) {
    const Image image = create_active();
    create_task(image, "copy");
    ASSERT_OK(run(catalog_->begin_server("s1")));
    ASSERT_TRUE(run(catalog_->claim_task("s1", {})).value());
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "copy"))));
    clock_.advance(1h);
    restart();
    ASSERT_OK(run(catalog_->begin_server("s2")));
    EXPECT_EQ(state_of(LocationId("copy")), LocationState::adding);
    EXPECT_EQ(code_of(run(catalog_->finish_location(LocationId("copy"), {}))), Errc::gone);
    ASSERT_OK(run(catalog_->drop_location(LocationId("copy"), 0s)));
    EXPECT_EQ(state_of(LocationId("copy")), LocationState::adding) << "it is not ours";

    const auto taken = run(catalog_->take_over_location(LocationId("copy")));
    ASSERT_OK(taken);
    EXPECT_EQ(taken->server, "s2");
    EXPECT_OK(run(catalog_->finish_location(LocationId("copy"), {})));
    EXPECT_EQ(state_of(LocationId("copy")), LocationState::live);
    EXPECT_EQ(code_of(run(catalog_->take_over_location(LocationId("copy")))), Errc::gone);
}

TEST_P(CatalogContract, LeavesToTheCollectorWhatATaskThatIsOverWasAdding) {
    const Image image = create_active();
    create_task(image, "copy");
    ASSERT_OK(run(catalog_->begin_server("s1")));
    ASSERT_TRUE(run(catalog_->claim_task("s1", {})).value());
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "copy"))));
    ASSERT_OK(run(
        catalog_->finish_task(TaskId("copy"), "s1", TaskStatus::failure, std::nullopt, std::nullopt)
    ));
    clock_.advance(1h);
    restart();
    ASSERT_OK(run(catalog_->begin_server("s2")));
    EXPECT_EQ(state_of(LocationId("copy")), LocationState::garbage);
}

TEST_P(CatalogContract, KeepsTheLastCopyOfAnUpload) {
    const Image image = create_active();
    const Location upload = run(catalog_->live_locations(image.id)).value().at(0);
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "boot"))));
    store::AddedLocation added;
    added.boot_form = kForm;
    ASSERT_OK(run(catalog_->finish_location(LocationId("boot"), added)));
    clock_.advance(1min);
    EXPECT_EQ(code_of(run(catalog_->drop_location(upload.id, 0s))), Errc::conflict);
    EXPECT_LT(run(catalog_->find_image(image.id)).value().updated_at, clock_.now());
    ASSERT_OK(run(catalog_->drop_location(LocationId("boot"), 0s)));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().updated_at, clock_.now());
    EXPECT_OK(run(catalog_->drop_location(LocationId("boot"), 0s))) << "twice is fine";
}

TEST_P(CatalogContract, RemembersWhyThereIsNoBootForm) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->note_boot_reason(image.id, "it is encrypted")));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().boot_reason, "it is encrypted");
}

TEST_P(CatalogContract, KeepsSeedsAndAddsTheirSizes) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->keep_seed(seed_of(image.id, {8}))));
    ASSERT_OK(run(catalog_->keep_seed(seed_of(image.id, {4, 8}))));
    const auto seeds = run(catalog_->list_seeds(image.id)).value();
    ASSERT_THAT(seeds, SizeIs(1));
    EXPECT_THAT(seeds[0].sizes_gib, ElementsAre(4, 8));
    EXPECT_EQ(seeds[0].state, SeedStatus::wanted);
    EXPECT_EQ(seeds[0].place.base_folder, "prod_base");
    ASSERT_OK(run(catalog_->note_seed(image.id, seeds[0].place, SeedStatus::warm)));
    EXPECT_EQ(run(catalog_->list_seeds(image.id)).value().at(0).state, SeedStatus::warm);
}

TEST_P(CatalogContract, NamesTheSeedsThatNobodyHasLookedAtForLong) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->keep_seed(seed_of(image.id))));
    EXPECT_THAT(run(catalog_->due_seeds(600s, 10)).value(), IsEmpty());
    clock_.advance(10min);
    EXPECT_THAT(run(catalog_->due_seeds(600s, 10)).value(), SizeIs(1));
    ASSERT_OK(run(catalog_->note_seed(image.id, seed_of(image.id).place, SeedStatus::warm)));
    EXPECT_THAT(run(catalog_->due_seeds(600s, 10)).value(), IsEmpty());
}

TEST_P(CatalogContract, ForgetsSeedsWithTheirImage) {
    const Image image = create_active();
    ASSERT_OK(run(catalog_->keep_seed(seed_of(image.id))));
    ASSERT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_THAT(run(catalog_->list_seeds(image.id)).value(), IsEmpty());
    EXPECT_EQ(code_of(run(catalog_->keep_seed(seed_of(image.id)))), Errc::not_found);
}

TEST_P(CatalogContract, KnowsObjectsByTheNamesOfOthers) {
    Image image;
    image.id = image_id(1);
    ASSERT_OK(run(catalog_->create_object(BackendId("store"), "theirs", image)));
    EXPECT_EQ(run(catalog_->find_object(BackendId("store"), "theirs")).value().id, image.id);
    EXPECT_EQ(code_of(run(catalog_->find_object(BackendId("other"), "theirs"))), Errc::not_found);
    EXPECT_EQ(code_of(run(catalog_->find_image(image.id))), Errc::not_found);
    EXPECT_EQ(run(catalog_->find_any_image(image.id)).value().id, image.id);
    EXPECT_THAT(run(catalog_->list_images(everything())).value(), IsEmpty());
    EXPECT_EQ(run(catalog_->consumer_id(image.id)).value(), "theirs");

    Image second;
    second.id = image_id(2);
    const Location upload = begin_upload(image.id);
    EXPECT_EQ(
        code_of(run(catalog_->create_object(BackendId("store"), "theirs", second))), Errc::conflict
    );
    EXPECT_EQ(code_of(run(catalog_->find_any_image(second.id))), Errc::not_found);
    ASSERT_OK(run(catalog_->finish_upload(upload.id, outcome_of(100))));
    ASSERT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_OK(run(catalog_->create_object(BackendId("store"), "theirs", second)));
}

TEST_P(CatalogContract, PutsAnObjectInPlaceOfOneThatHasNoBytes) {
    Image first;
    first.id = image_id(1);
    ASSERT_OK(run(catalog_->create_object(BackendId("store"), "theirs", first)));
    const Location upload = begin_upload(first.id);
    ASSERT_OK(run(catalog_->fail_upload(upload.id)));
    Image second;
    second.id = image_id(2);
    ASSERT_OK(run(catalog_->create_object(BackendId("store"), "theirs", second)));
    EXPECT_EQ(run(catalog_->find_object(BackendId("store"), "theirs")).value().id, second.id);
    EXPECT_EQ(code_of(run(catalog_->find_any_image(first.id))), Errc::not_found);
}

TEST_P(CatalogContract, TakesOneCopyOfAPartForEachDatastore) {
    const Image image = create_active();
    Location copy = added_to(image.id, "c1");
    ASSERT_OK(run(catalog_->add_location(copy)));
    copy = added_to(image.id, "c2");
    const auto refused = run(catalog_->add_location(copy));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_EQ(refused.error().reason, store::kSamePlace);
    copy.datastore = "DC0/work";
    EXPECT_OK(run(catalog_->add_location(copy)));
    ASSERT_OK(run(catalog_->drop_location(LocationId("c1"), 0s)));
    EXPECT_OK(run(catalog_->add_location(added_to(image.id, "c3"))));
}

TEST_P(CatalogContract, GivesUpWithAnUploadWhatWasAddedToIt) {
    const Image image = create();
    const Location upload = begin_upload(image.id);
    ASSERT_OK(run(catalog_->add_location(added_to(image.id, "boot"))));
    ASSERT_OK(run(catalog_->fail_upload(upload.id)));
    EXPECT_EQ(state_of(LocationId("boot")), LocationState::garbage);
}

TEST_P(CatalogContract, DoubtsTheSeedsOfAnUploadThatFailed) {
    const Image image = create();
    const SeedPlace place = seed_of(image.id).place;
    SeedRecord seed = seed_of(image.id);
    seed.doubtful = true;
    ASSERT_OK(run(catalog_->keep_seed(seed)));
    ASSERT_OK(run(catalog_->keep_seed(seed_of(image.id))));
    const auto kept = [&] { return run(catalog_->list_seeds(image.id)).value().at(0); };
    EXPECT_TRUE(kept().doubtful) << "whoever wants it as well does not know better";
    EXPECT_EQ(kept().checked_at, clock_.now());

    const Location upload = begin_upload(image.id);
    ASSERT_OK(run(catalog_->note_seeded(image.id, place, upload.id)));
    EXPECT_FALSE(kept().doubtful);
    EXPECT_EQ(kept().state, SeedStatus::warm);
    EXPECT_THAT(run(catalog_->due_seeds(600s, 10)).value(), IsEmpty());
    ASSERT_OK(run(catalog_->fail_upload(upload.id)));
    EXPECT_TRUE(kept().doubtful);
    EXPECT_EQ(kept().state, SeedStatus::wanted);
    EXPECT_THAT(run(catalog_->due_seeds(600s, 10)).value(), SizeIs(1)) << "at once";

    ASSERT_OK(run(catalog_->note_seeded(image.id, place, upload.id)));
    EXPECT_TRUE(kept().doubtful) << "these bytes were given up";
    ASSERT_OK(run(catalog_->note_seed(image.id, place, SeedStatus::wanted)));
    EXPECT_TRUE(kept().doubtful);
    EXPECT_EQ(kept().checked_at, clock_.now());
    EXPECT_THAT(run(catalog_->due_seeds(600s, 10)).value(), IsEmpty());
}

TEST_P(CatalogContract, DoubtsTheSeedsOfAServerThatDied) {
    ASSERT_OK(run(catalog_->begin_server("s1")));
    const Image image = create();
    const Location upload = begin_upload(image.id, "s1");
    ASSERT_OK(run(catalog_->keep_seed(seed_of(image.id))));
    ASSERT_OK(run(catalog_->note_seeded(image.id, seed_of(image.id).place, upload.id)));
    restart();
    ASSERT_OK(run(catalog_->begin_server("s1")));
    EXPECT_TRUE(run(catalog_->list_seeds(image.id)).value().at(0).doubtful);
}

TEST_P(CatalogContract, RemembersTheSeedsOfAnImageThatNeverHadItsData) {
    const Image image = create();
    const Location upload = begin_upload(image.id);
    ASSERT_OK(run(catalog_->keep_seed(seed_of(image.id))));
    TaskRecord task;
    task.id = TaskId("t1");
    task.kind = TaskKind::seed;
    task.image_id = image.id;
    task.location_id = upload.id;
    task.server = "s1";
    const auto runs = run(catalog_->create_task(task));
    ASSERT_OK(runs);
    EXPECT_EQ(runs->status, TaskStatus::running);
    ASSERT_OK(run(catalog_->delete_image(image.id, 0s)));
    const auto seeds = run(catalog_->list_seeds(image.id)).value();
    ASSERT_THAT(seeds, SizeIs(1));
    EXPECT_TRUE(seeds.front().doubtful);
    EXPECT_ERROR(Errc::cancelled, run(catalog_->save_task_progress(task.id, "s1", 5)));
    ASSERT_OK(run(catalog_->forget_seeds(image.id, seeds.front().place)));
}

}  // namespace
}  // namespace slipway::test
