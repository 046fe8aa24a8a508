#include "tests/contract/catalog_contract.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <filesystem>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST_P(CatalogContract, TakesAnImageFromQueuedToActive) {
    const Image image = create();
    const Location begun = begin_upload(image.id);
    EXPECT_EQ(status_of(image.id), ImageStatus::saving);
    EXPECT_EQ(state_of(begun.id), LocationState::writing);
    clock_.advance(5s);

    store::UploadOutcome outcome = outcome_of(1000);
    outcome.virtual_size_bytes = 4096;
    outcome.stored_bytes = 66536;
    outcome.boot_form = BootForm{"sparse", 66536, 4096, "aa", "bb"};
    outcome.account.bytes_through = 1000;
    outcome.account.seconds = 0.25;
    outcome.request_id = "req-1";
    EXPECT_OK(run(catalog_->finish_upload(begun.id, outcome)));

    const Image active = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(active.status, ImageStatus::active);
    EXPECT_EQ(active.size_bytes, 1000U);
    EXPECT_EQ(active.virtual_size_bytes, 4096U);
    EXPECT_EQ(active.checksum, "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(active.os_hash_algo, "sha512");
    EXPECT_EQ(active.os_hash_value, "cf83e1357eefb8bd");
    EXPECT_EQ(active.boot_form, outcome.boot_form);
    EXPECT_EQ(active.updated_at, clock_.now());

    const auto live = run(catalog_->live_locations(image.id)).value();
    ASSERT_EQ(live.size(), 1U);
    EXPECT_EQ(live[0].id, begun.id);
    EXPECT_EQ(live[0].backend, begun.backend);
    EXPECT_EQ(live[0].datastore, "DC0/images");
    EXPECT_EQ(live[0].directory, begun.directory);
    EXPECT_EQ(live[0].data_file, "image.vmdk");
    EXPECT_EQ(live[0].stored_bytes, 66536U);
    EXPECT_EQ(live[0].state, LocationState::live);

    const auto transfers = run(catalog_->list_transfers(image.id, 10)).value();
    ASSERT_EQ(transfers.size(), 1U);
    EXPECT_EQ(transfers[0].kind, "upload");
    EXPECT_EQ(transfers[0].account.bytes_through, 1000U);
    EXPECT_EQ(transfers[0].account.seconds, 0.25);
    EXPECT_EQ(transfers[0].account.path, "stream");
    EXPECT_EQ(transfers[0].request_id, "req-1");
}

TEST_P(CatalogContract, LetsOneOfTwoUploadsWin) {
    const Image image = create();
    Location first;
    first.id = LocationId("a");
    first.image_id = image.id;
    first.directory = "x.1";
    Location second = first;
    second.id = LocationId("b");
    second.directory = "x.2";
    // On PostgreSQL the second comes from another server, at the same time.
    std::unique_ptr<store::Catalog> other;
    if (!on_sqlite()) other = open_another().value();
    auto& rival = other ? *other : *catalog_;
    auto body = [&]() -> awaitable<std::pair<Errc, Errc>> {
        using namespace asio::experimental::awaitable_operators;
        auto [one, two] = co_await (catalog_->begin_upload(first) && rival.begin_upload(second));
        EXPECT_NE(one.has_value(), two.has_value());
        co_return std::pair(code_of(one), code_of(two));
    };
    const auto [one, two] = run(body());
    EXPECT_TRUE(one == Errc::conflict || two == Errc::conflict);
    EXPECT_EQ(status_of(image.id), ImageStatus::saving);
}

TEST_P(CatalogContract, BeginsNoUploadWithoutAQueuedImageOrAFreshName) {
    Location location;
    location.id = LocationId("x");
    location.image_id = image_id(404);
    EXPECT_ERROR(Errc::not_found, run(catalog_->begin_upload(location)));
    const Image active = create_active();
    location.image_id = active.id;
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_upload(location)));
    const Image queued = create();
    location = run(catalog_->live_locations(active.id)).value().at(0);
    location.image_id = queued.id;
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_upload(location))) << "an id that exists";
    location.id = LocationId("fresh");
    EXPECT_ERROR(Errc::conflict, run(catalog_->begin_upload(location))) << "a directory in use";
    EXPECT_EQ(status_of(queued.id), ImageStatus::queued);
}

TEST_P(CatalogContract, TellsAnUploadThatItsImageIsGone) {
    const Image image = create();
    const Location location = begin_upload(image.id);
    EXPECT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_ERROR(Errc::gone, run(catalog_->finish_upload(location.id, outcome_of(1))));
    EXPECT_OK(run(catalog_->fail_upload(location.id)));
    EXPECT_THAT(garbage(), ElementsAre("l1"));
    EXPECT_OK(run(catalog_->forget_location(location.id)));
    EXPECT_ERROR(Errc::gone, run(catalog_->finish_upload(location.id, outcome_of(1))));
    EXPECT_OK(run(catalog_->fail_upload(location.id)));
}

TEST_P(CatalogContract, MakesAFailedUploadGarbageAndTheImageQueued) {
    Image declared;
    declared.id = image_id(1);
    declared.size_bytes = 5;
    declared.virtual_size_bytes = 5;
    const Image image = create(declared);
    const Location location = begin_upload(image.id);
    EXPECT_OK(run(catalog_->fail_upload(location.id)));
    EXPECT_OK(run(catalog_->fail_upload(location.id)));
    const Image queued = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(queued.status, ImageStatus::queued);
    EXPECT_EQ(queued.size_bytes, std::nullopt);
    EXPECT_EQ(queued.virtual_size_bytes, std::nullopt);
    EXPECT_THAT(garbage(), ElementsAre("l1"));
    EXPECT_ERROR(Errc::gone, run(catalog_->finish_upload(location.id, outcome_of(1))));

    const Location retry = begin_upload(image.id);
    EXPECT_OK(run(catalog_->fail_upload(location.id)))
        << "an old attempt does not touch the new one";
    EXPECT_EQ(status_of(image.id), ImageStatus::saving);
    EXPECT_OK(run(catalog_->finish_upload(retry.id, outcome_of(1))));
    EXPECT_OK(run(catalog_->finish_upload(retry.id, outcome_of(1)))) << "done already";
    EXPECT_ERROR(Errc::conflict, run(catalog_->fail_upload(retry.id)));
    EXPECT_EQ(status_of(image.id), ImageStatus::active);
}

TEST_P(CatalogContract, CollectsGarbageInTurnAndForgetsNothingElse) {
    const Image a = create_active("a");
    const Image b = create_active("b");
    EXPECT_OK(run(catalog_->delete_image(b.id, 10s)));
    clock_.advance(1s);
    EXPECT_OK(run(catalog_->delete_image(a.id, 0s)));
    clock_.advance(20s);
    EXPECT_THAT(garbage(), ElementsAre("l1", "l2"));
    const BackendId backend("b");
    EXPECT_THAT(run(catalog_->backends_with_garbage()).value(), ElementsAre(backend));
    EXPECT_EQ(run(catalog_->collectable_garbage(backend, 1)).value().size(), 1U);
    EXPECT_THAT(run(catalog_->collectable_garbage(BackendId("c"), 1)).value(), ElementsAre());
    EXPECT_OK(run(catalog_->postpone_garbage(LocationId("l1"), 5s)));
    EXPECT_THAT(garbage(), ElementsAre("l2"));
    clock_.advance(5s);
    EXPECT_THAT(garbage(), ElementsAre("l2", "l1"));
    EXPECT_OK(run(catalog_->forget_location(LocationId("l1"))));
    EXPECT_OK(run(catalog_->forget_location(LocationId("l1"))));
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_location(LocationId("l1"))));
    EXPECT_ERROR(Errc::not_found, run(catalog_->postpone_garbage(LocationId("l1"), 5s)));
    create_active("c");
    EXPECT_ERROR(Errc::conflict, run(catalog_->forget_location(LocationId("l3"))));
    EXPECT_ERROR(Errc::conflict, run(catalog_->postpone_garbage(LocationId("l3"), 5s)));
    begin_upload(create("d").id);
    const auto all = run(catalog_->locations_of(BackendId("b"))).value();
    EXPECT_EQ(all.size(), 3U);
    EXPECT_TRUE(run(catalog_->locations_of(BackendId("other"))).value().empty());
}

TEST_P(CatalogContract, KeepsOneIdAcrossRestarts) {
    const std::string id = run(catalog_->catalog_id()).value();
    EXPECT_TRUE(is_uuid(id));
    const Image image = create();
    restart();
    EXPECT_EQ(run(catalog_->catalog_id()).value(), id);
    EXPECT_OK(run(catalog_->find_image(image.id)));
}

TEST_P(CatalogContract, RecoversWhatADeadServerLeft) {
    EXPECT_OK(run(catalog_->begin_server("s1")));
    const Image image = create();
    begin_upload(image.id, "s1");
    const Image active = create_active();
    create_task(active, "t1");
    EXPECT_EQ(run(catalog_->claim_task("s1", {})).value()->id, TaskId("t1"));

    restart();
    if (!on_sqlite()) {
        EXPECT_OK(run(catalog_->begin_server("s2")));
        EXPECT_EQ(status_of(image.id), ImageStatus::saving) << "s1 still has a lease";
        EXPECT_FALSE(run(catalog_->claim_task("s2", {})).value());
        clock_.advance(31s);
        EXPECT_OK(run(catalog_->renew_server("s2")));
    } else {
        EXPECT_OK(run(catalog_->begin_server("s2")));
    }
    EXPECT_EQ(status_of(image.id), ImageStatus::queued);
    EXPECT_EQ(status_of(active.id), ImageStatus::active);
    EXPECT_THAT(garbage(), ElementsAre("l1"));
    const auto claimed = run(catalog_->claim_task("s2", {})).value();
    ASSERT_TRUE(claimed);
    EXPECT_EQ(claimed->id, TaskId("t1"));
    EXPECT_EQ(claimed->server, "s2");

    const Time touched = run(catalog_->find_image(image.id)).value().updated_at;
    clock_.advance(1s);
    EXPECT_OK(run(catalog_->renew_server("s2"))) << "recovering twice changes nothing";
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().updated_at, touched);
    EXPECT_THAT(garbage(), ElementsAre("l1"));
}

TEST_P(CatalogContract, RecoversWhatAnEarlierProcessOfTheSameNameLeft) {
    EXPECT_OK(run(catalog_->begin_server("s1")));
    const Image image = create();
    begin_upload(image.id, "s1");
    create_task(create_active(), "t1");
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
    restart();
    EXPECT_OK(run(catalog_->begin_server("s1")));
    EXPECT_EQ(status_of(image.id), ImageStatus::queued);
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());
}

TEST_P(CatalogContract, LeavesWorkBehindWhenAServerEnds) {
    EXPECT_OK(run(catalog_->begin_server("s1")));
    const Image image = create();
    begin_upload(image.id, "s1");
    EXPECT_OK(run(catalog_->end_server("s1")));
    EXPECT_OK(run(catalog_->end_server("s1")));
    EXPECT_EQ(status_of(image.id), ImageStatus::queued);
    EXPECT_ERROR(Errc::conflict, run(catalog_->renew_server("s1")));
}

TEST_P(CatalogContract, FencesAServerThatLostItsLease) {
    if (on_sqlite()) {
        EXPECT_ERROR(Errc::conflict, open_another());
        return;
    }
    EXPECT_OK(run(catalog_->begin_server("s1")));
    const Image image = create();
    const Location location = begin_upload(image.id, "s1");
    const Image queued = create();
    create_task(create_active(), "t1");
    EXPECT_TRUE(run(catalog_->claim_task("s1", {})).value());

    auto other = open_another().value();
    clock_.advance(31s);
    EXPECT_OK(run(other->begin_server("s2")));
    EXPECT_ERROR(Errc::gone, run(catalog_->finish_upload(location.id, outcome_of(1))));
    EXPECT_OK(run(catalog_->fail_upload(location.id)));
    EXPECT_ERROR(Errc::conflict, run(catalog_->renew_server("s1")));
    EXPECT_ERROR(Errc::conflict, run(catalog_->save_task_progress(TaskId("t1"), "s1", 5)));
    EXPECT_FALSE(run(catalog_->claim_task("s1", {})).value());
    Location late = location;
    late.id = LocationId("late");
    late.image_id = queued.id;
    late.directory = "late";
    EXPECT_ERROR(Errc::unavailable, run(catalog_->begin_upload(late)));
    EXPECT_TRUE(run(other->claim_task("s2", {})).value());
    const Location retry = begin_upload(*other, image.id, "s2");
    EXPECT_OK(run(other->finish_upload(retry.id, outcome_of(1))));
}

TEST_P(CatalogContract, FencesTheElderOfTwoServersOfOneName) {
    if (on_sqlite()) return;  // two can not be
    EXPECT_OK(run(catalog_->begin_server("s")));
    auto younger = open_another().value();
    EXPECT_OK(run(younger->begin_server("s")));
    EXPECT_ERROR(Errc::conflict, run(catalog_->renew_server("s")));
    EXPECT_OK(run(catalog_->end_server("s")));
    EXPECT_OK(run(younger->renew_server("s")));
    const Image image = create();
    const Location location = begin_upload(*younger, image.id, "s");
    EXPECT_ERROR(Errc::gone, run(catalog_->finish_upload(location.id, outcome_of(1))));
    EXPECT_OK(run(younger->finish_upload(location.id, outcome_of(1))));
}

TEST_P(CatalogContract, TellsItsSchemaVersionBesideARunningServer) {
    EXPECT_OK(run(catalog_->begin_server("s")));
    const auto version = store::Catalog::schema_version(options_);
    ASSERT_OK(version);
    EXPECT_GE(*version, 1);
    EXPECT_OK(run(catalog_->renew_server("s")));
    create();
}

TEST_P(CatalogContract, TellsTheVersionOfNothingAndMakesNothing) {
    catalog_.reset();
    store::CatalogOptions empty = options_;
    if (on_sqlite()) {
        empty.connection = "sqlite:///" + folder_ + "/other.db";
    } else {
        const auto db = open_db();
        db->execute("drop schema public cascade").value();
        db->execute("create schema public").value();
    }
    EXPECT_EQ(store::Catalog::schema_version(empty).value(), 0);
    EXPECT_EQ(store::Catalog::schema_version(empty).value(), 0);
    if (on_sqlite()) {
        EXPECT_FALSE(std::filesystem::exists(folder_ + "/other.db"));
        EXPECT_FALSE(std::filesystem::exists(folder_ + "/other.db.lock"));
    } else {
        EXPECT_FALSE(open_db()->query("select 1 from schema_version"));
    }
}

TEST_P(CatalogContract, RefusesASchemaThatIsNewer) {
    open_db()->execute("update schema_version set version = 9999").value();
    catalog_.reset();
    const auto refused = open_another();
    EXPECT_ERROR(Errc::unsupported, open_another());
    EXPECT_NE(refused.error().message.find("newer slipway"), std::string::npos);
}

TEST_P(CatalogContract, GoesOnAfterItsConnectionWasLost) {
    if (on_sqlite()) return;  // there is no connection to lose
    const Image image = create();
    open_db()
        ->query(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        .value();
    EXPECT_OK(run(catalog_->find_image(image.id)));
    const auto cut = [&](Image& edited) -> Result<void> {
        if (edited.name != "cut") {
            static bool once = false;
            if (!std::exchange(once, true))
                open_db()
                    ->query(
                        "select count(pg_terminate_backend(pid)) from pg_stat_activity "
                        "where datname = current_database() and pid <> pg_backend_pid()"
                    )
                    .value();
        }
        edited.name = "cut";
        return {};
    };
    EXPECT_OK(run(catalog_->update_image(image.id, cut)));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().name, "cut");
}

}  // namespace
}  // namespace slipway::test
