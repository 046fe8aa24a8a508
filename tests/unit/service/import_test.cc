#include "tests/unit/service/imports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>

namespace slipway::test {
namespace {

using service::ImportMethod;
using service::ImportRequest;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

// Stores "memory" (the default), "second" and "third".
ServicesOptions three_stores() {
    ServicesOptions options = reachable();
    for (const char* name : {"second", "third"}) {
        MemoryBackendOptions more;
        more.id = BackendId(name);
        more.is_default = false;
        more.publishes_locations = true;
        options.more_stores.push_back(more);
    }
    return options;
}

ImportRequest direct_to(std::vector<BackendId> stores, bool must_succeed = true) {
    ImportRequest request = direct();
    request.stores = std::move(stores);
    request.must_succeed = must_succeed;
    return request;
}

// Gives the same bytes each time; the nth fetch fails.
class FixedFetcher final : public service::ImportFetcher {
public:
    explicit FixedFetcher(std::string text) : text_(std::move(text)) {}

    awaitable<Result<void>> check(const Caller&, const ImportRequest&, TaskRecord&) override {
        co_return Result<void>();
    }
    awaitable<Result<service::FetchedData>>
    fetch(const TaskRecord&, const ImportRequest&, const Call&) override {
        ++fetches;
        if (failure) co_return *failure;
        co_return service::FetchedData{std::make_unique<PiecewiseSource>(text_), announced, {}};
    }

    void forget(const TaskId& task) override { forgotten.push_back(task); }

    int fetches = 0;
    std::vector<TaskId> forgotten;
    std::optional<Error> failure;
    std::optional<std::uint64_t> announced;

private:
    std::string text_;
};

std::vector<std::string> stores_of(Services& services, const ImageId& id) {
    std::vector<std::string> stores;
    for (const Location& location : services.live_locations(id))
        if (location.holds_upload()) stores.push_back(location.backend.str());
    return stores;
}

TEST(Import, HoldsToTheTableOfConditions) {
    Services services(three_stores());
    const ImageId queued = services.create_image("raw");
    const ImageId staged = services.create_image("raw");
    ASSERT_OK(services.stage(staged, pattern(10)));
    const ImageId active = services.create_image("raw");
    ASSERT_OK(services.upload(active, pattern(10)));
    const auto code = [&](const ImageId& id, ImportRequest request) {
        return services.import(id, std::move(request)).error().code;
    };

    EXPECT_EQ(code(queued, direct()), Errc::conflict);
    EXPECT_EQ(code(active, direct()), Errc::conflict);
    EXPECT_EQ(code(staged, from(ImportMethod::web_download)), Errc::conflict);
    EXPECT_EQ(code(active, from(ImportMethod::web_download)), Errc::conflict);
    EXPECT_EQ(code(queued, from(ImportMethod::copy_image)), Errc::conflict);
    EXPECT_EQ(code(ImageId(new_uuid()), direct()), Errc::not_found);

    ImportRequest remote = from(ImportMethod::glance_download);
    EXPECT_EQ(code(queued, remote), Errc::invalid_argument);
    remote.region = "two";
    remote.remote_image = "no-uuid";
    EXPECT_THAT(
        services.import(queued, remote).error().message,
        HasSubstr("image id does not look like a UUID")
    );

    EXPECT_EQ(code(staged, direct_to({BackendId("nowhere")})), Errc::conflict);
    EXPECT_EQ(
        code(staged, direct_to({BackendId("os_glance_staging_store")})), Errc::invalid_argument
    );
    ImportRequest both = direct_to({BackendId("second")});
    both.all_stores = true;
    EXPECT_EQ(code(staged, both), Errc::invalid_argument);
    both = direct_to({BackendId("second")});
    both.header_store = BackendId("second");
    EXPECT_EQ(code(staged, both), Errc::invalid_argument);
    both = direct();
    both.all_stores = true;
    both.header_store = BackendId("second");
    EXPECT_EQ(code(staged, both), Errc::invalid_argument);

    ImportRequest copy = from(ImportMethod::copy_image);
    copy.stores = {BackendId("memory")};
    EXPECT_EQ(code(active, copy), Errc::forbidden) << "administrators may copy";
    EXPECT_EQ(services.import(active, copy, administrator()).error().code, Errc::invalid_argument)
        << "it is there already";

    const Caller stranger = member_of("stranger");
    EXPECT_EQ(services.import(staged, direct(), stranger).error().code, Errc::not_found);
    EXPECT_THAT(services.tasks(), IsEmpty());
    ASSERT_OK(services.import(staged, direct()));
    EXPECT_EQ(code(staged, direct()), Errc::conflict) << "it is being imported";
}

TEST(Import, WithOneStoreKnowsNoOthers) {
    Services services;
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(10)));
    ImportRequest request = direct_to({BackendId("nowhere")});
    request.must_succeed = false;
    EXPECT_EQ(services.import(id, request).error().code, Errc::invalid_argument);
    request.must_succeed = true;
    ASSERT_OK(services.import(id, request));
    ASSERT_OK(services.run_import());
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
    EXPECT_FALSE(services.image(id).properties.contains(store::kImportingToStores));
}

TEST(Import, FillsEveryStoreThatWasAskedFor) {
    Services services(three_stores());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    ImportRequest request = direct();
    request.all_stores = true;
    ASSERT_OK(services.import(id, request));
    EXPECT_EQ(services.image(id).property(store::kImportingToStores), "memory,second,third");
    ASSERT_OK(services.run_import());
    EXPECT_THAT(stores_of(services, id), ElementsAre("memory", "second", "third"));
    EXPECT_EQ(services.image(id).property(store::kImportingToStores), "");
    EXPECT_EQ(services.image(id).property(store::kFailedImport), "");
    for (const Location& location : services.live_locations(id))
        EXPECT_FALSE(location.clone_source().empty()) << location.backend.str();
}

TEST(Import, LeavesTheStoreItWasStagedInWhenThatWasNotAskedFor) {
    Services services(three_stores());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    ASSERT_OK(services.import(id, direct_to({BackendId("third"), BackendId("second")})));
    ASSERT_OK(services.run_import());
    EXPECT_THAT(stores_of(services, id), UnorderedElementsAre("third", "second"));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(kBytes));
}

TEST(Import, OfADiskThatIsReadBackGivesEachStoreItsBootForm) {
    Services services(three_stores());
    const ImageId id = services.create_image("raw");
    PiecewiseSource body(pattern(kBytes));
    const service::UploadRequest unknown_size{id, std::nullopt, std::nullopt};
    const Caller owner = member_of("owner");
    ASSERT_OK(services.await(services.data.stage(owner, unknown_size, body)));
    ASSERT_OK(services.import(id, direct_to({BackendId("second"), BackendId("third")})));
    ASSERT_OK(services.run_import());
    EXPECT_THAT(stores_of(services, id), UnorderedElementsAre("second", "third"));
    for (const Location& location : services.live_locations(id))
        EXPECT_EQ(location.form, StoredForm::sparse);
    EXPECT_EQ(services.download(owner, id).value(), pattern(kBytes));
}

TEST(Import, ThatMustSucceedEverywhereLeavesNothingWhenOneStoreFails) {
    ServicesOptions options = three_stores();
    options.more_stores[1].capacity_bytes = 10;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    ImportRequest request = direct();
    request.all_stores = true;
    ASSERT_OK(services.import(id, request));
    EXPECT_FALSE(services.run_import());
    const Image image = services.image(id);
    EXPECT_EQ(image.status, ImageStatus::uploading) << "it can be imported again";
    EXPECT_EQ(image.property(store::kFailedImport), "third");
    EXPECT_EQ(image.property(store::kImportingToStores), "");
    EXPECT_THAT(services.live_locations(id), IsEmpty());
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.more[0]->directories(), IsEmpty());

    ASSERT_OK(services.import(id, direct_to({BackendId("second")})));
    ASSERT_OK(services.run_import());
    EXPECT_THAT(stores_of(services, id), ElementsAre("second"));
}

TEST(Import, ThatMayFailSomewhereKeepsWhatWorked) {
    ServicesOptions options = three_stores();
    options.more_stores[0].capacity_bytes = 10;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    ASSERT_OK(services.import(
        id, direct_to({BackendId("second"), BackendId("third"), BackendId("memory")}, false)
    ));
    ASSERT_OK(services.run_import());
    EXPECT_THAT(stores_of(services, id), UnorderedElementsAre("memory", "third"));
    EXPECT_EQ(services.image(id).property(store::kFailedImport), "second");
    EXPECT_EQ(services.image(id).property(store::kImportingToStores), "");
}

TEST(Import, LetsGoOfTheImageWhicheverCallFails) {
    for (const auto moment : {FailureMoment::before, FailureMoment::after}) {
        for (int n = 0;; ++n) {
            ASSERT_LT(n, 200) << "it never succeeded";
            FixedFetcher web(pattern(kBytes));
            ServicesOptions options = reachable();
            options.fetchers[ImportMethod::web_download] = &web;
            options.failing_call = n;
            options.moment = moment;
            Services services(options);
            const ImageId id = services.create_image("raw");
            ASSERT_OK(services.import(id, from(ImportMethod::web_download)));
            if (services.run_import() && services.image(id).boot_form) break;
            const Image image = services.image(id);
            EXPECT_FALSE(image.properties.contains(store::kImportTask)) << n;
            if (image.status == ImageStatus::active) continue;  // its boot form follows
            EXPECT_EQ(image.status, ImageStatus::queued) << n;
            EXPECT_FALSE(staged(services, id)) << n;
            EXPECT_FALSE(last_task(services).error->message.empty());
        }
    }
}

TEST(Import, FetchesAndCommits) {
    FixedFetcher web(pattern(kBytes));
    ServicesOptions options = three_stores();
    options.fetchers[ImportMethod::web_download] = &web;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ImportRequest request = from(ImportMethod::web_download);
    request.header_store = BackendId("second");
    ASSERT_OK(services.import(id, request));
    ASSERT_OK(services.run_import());
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
    EXPECT_EQ(services.image(id).checksum, md5_of(pattern(kBytes)));
    EXPECT_THAT(stores_of(services, id), ElementsAre("second"));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

TEST(Import, ADownloadThatFailsSaysWhyAndNamesTheStores) {
    FixedFetcher web("");
    web.failure = Error(Errc::unavailable, "the data can not be fetched from this URL");
    ServicesOptions options = three_stores();
    options.fetchers[ImportMethod::web_download] = &web;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.import(id, from(ImportMethod::web_download)));
    EXPECT_FALSE(services.run_import());
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
    EXPECT_EQ(services.image(id).property(store::kFailedImport), "memory");
    EXPECT_EQ(last_task(services).error->message, "the data can not be fetched from this URL");
}

TEST(Import, ADownloadMustBeAsLongAsAnnounced) {
    FixedFetcher web(pattern(kBytes));
    web.announced = kBytes + 1;
    ServicesOptions options = reachable();
    options.fetchers[ImportMethod::web_download] = &web;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.import(id, from(ImportMethod::web_download)));
    EXPECT_FALSE(services.run_import());
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
}

TEST(Import, GoesOnFromWhatADeadProcessHadFetched) {
    FixedFetcher web(pattern(kBytes));
    ServicesOptions options = reachable();
    options.fetchers[ImportMethod::web_download] = &web;
    Services services(options);
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.import(id, from(ImportMethod::web_download)));
    // As far as the process came that died.
    PiecewiseSource body(pattern(kBytes));
    ASSERT_OK(services.await(services.data.put_by(
        services.image(id),
        {services.memory, service::Intake::Purpose::fetch, kBytes},
        kBytes,
        body,
        Call()
    )));
    ASSERT_OK(services.run_import());
    EXPECT_EQ(web.fetches, 0);
    EXPECT_THAT(web.forgotten, SizeIs(1)) << "it was never asked for the data";
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
}

TEST(Import, SaysTheSameWhenItsTaskRunsAgainAfterTheEnd) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    ASSERT_OK(services.import(id, direct()));
    const TaskRecord task =
        services.await(services.catalog->claim_task("server", {})).value().value();
    store::CloneProgress progress;
    progress.report = [](int) {};
    progress.cancelled = [] { return false; };
    ASSERT_OK(services.await(services.imports.run(task, progress, Call())));
    // The process dies before the task's end is written; the next one reads the row again.
    const TaskRecord again = services.await(services.catalog->find_task(task.id)).value();
    ASSERT_OK(services.await(services.imports.run(again, progress, Call())));
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
    EXPECT_THAT(services.live_locations(id), SizeIs(1));
}

TEST(Import, EndsWhenItIsCancelledAndWhenItsImageGoes) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    const auto task = services.import(id, direct()).value().value();
    ASSERT_OK(services.await(services.catalog->cancel_task(task.id)));
    EXPECT_EQ(services.run_import().error().code, Errc::cancelled);
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);

    ASSERT_OK(services.stage(id, pattern(kBytes)));
    ASSERT_OK(services.import(id, direct()));
    ASSERT_OK(services.await(services.images.remove(member_of("owner"), id)));
    EXPECT_EQ(services.run_import().error().code, Errc::gone);
}

TEST(CopyImage, FillsMoreStoresAndStaysActive) {
    Services services(three_stores());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(kBytes)));
    ImportRequest request = from(ImportMethod::copy_image);
    request.all_stores = true;
    ASSERT_OK(services.import(id, request, administrator()));
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
    EXPECT_EQ(services.image(id).property(store::kImportingToStores), "second,third");
    ASSERT_OK(services.run_import());
    EXPECT_THAT(stores_of(services, id), UnorderedElementsAre("memory", "second", "third"));
    EXPECT_EQ(services.image(id).property(store::kImportingToStores), "");
    EXPECT_FALSE(services.import(id, request, administrator()).value()) << "nothing is left to do";
}

TEST(CopyImage, ThatMustSucceedLeavesTheImageAsItWas) {
    for (const bool must_succeed : {true, false}) {
        ServicesOptions options = three_stores();
        options.more_stores[1].capacity_bytes = 10;
        Services services(options);
        const ImageId id = services.create_image("raw");
        ASSERT_OK(services.upload(id, pattern(kBytes)));
        ImportRequest request = from(ImportMethod::copy_image);
        request.all_stores = true;
        request.must_succeed = must_succeed;
        ASSERT_OK(services.import(id, request, administrator()));
        EXPECT_EQ(services.run_import().has_value(), !must_succeed);
        const Image image = services.image(id);
        EXPECT_EQ(image.status, ImageStatus::active);
        EXPECT_EQ(image.property(store::kFailedImport), "third");
        EXPECT_EQ(image.property(store::kImportingToStores), "");
        EXPECT_FALSE(image.properties.contains(store::kImportTask));
        EXPECT_THAT(stores_of(services, id), SizeIs(must_succeed ? 1 : 2));
    }
}

TEST(ImportTasks, AreShownToTheOwnerOfTheImageAndAdministrators) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(10)));
    ASSERT_OK(services.import(id, direct(), administrator()));
    for (const Caller& caller : {member_of("owner"), administrator()}) {
        const auto tasks = services.await(services.imports.tasks_of_image(caller, id));
        ASSERT_OK(tasks);
        ASSERT_THAT(*tasks, SizeIs(1));
        EXPECT_EQ(tasks->front().api_type, "api_image_import");
        EXPECT_EQ(tasks->front().request_id, "req-test");
    }
    EXPECT_EQ(
        services.await(services.imports.tasks_of_image(member_of("stranger"), id)).error().code,
        Errc::not_found
    );
}

TEST(Import, ThatThrowsSetsTheImageFree) {
    FixedFetcher fetcher(pattern(kBytes));
    ServicesOptions options = reachable();
    options.fetchers[ImportMethod::web_download] = &fetcher;
    Services services(options);
    services.before_active = [](const Image&,
                                const Location&,
                                const std::function<bool()>&,
                                const Call&) -> awaitable<void> {
        co_await give_way();
        throw std::bad_alloc();
    };
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.import(id, from(ImportMethod::web_download)));
    EXPECT_EQ(services.run_import().error().code, Errc::internal);
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
    EXPECT_FALSE(services.image(id).properties.contains(store::kImportTask));
}

// An active image in the store "memory", at a location that a client has named.
ImageId named(Services& services, const std::string& disk_format, const std::string& bytes) {
    ImageId id = services.create_image(disk_format);
    services.memory.overwrite("theirs", "disk", bytes);
    store::NewForeignLocation added;
    added.location.id = LocationId(new_uuid());
    added.location.image_id = id;
    added.location.backend = BackendId("memory");
    added.location.directory = "theirs";
    added.location.data_file = "disk";
    added.location.stored_bytes = bytes.size();
    added.location.url = "https://web.example.org/disk";
    added.location.metadata = R"({"theirs": true})";
    added.event = ImageEvent::located;
    EXPECT_OK(services.await(services.catalog->add_foreign_location(std::move(added))));
    ImportRequest request = from(ImportMethod::copy_image);
    request.stores = {BackendId("second")};
    EXPECT_OK(services.import(id, request, administrator()));
    return id;
}

TEST(CopyImage, OfALocationThatAClientHasNamedIsOurs) {
    Services services(three_stores());
    const ImageId id = named(services, "raw", pattern(kBytes));
    ASSERT_OK(services.run_import());
    const auto live = services.live_locations(id);
    const auto copy = std::ranges::find(live, BackendId("second"), &Location::backend);
    ASSERT_NE(copy, live.end());
    EXPECT_FALSE(copy->is_foreign());
    EXPECT_EQ(copy->data_file, id.str() + ".img");
    EXPECT_EQ(copy->metadata, "{}");
    EXPECT_EQ(services.more[0]->file(copy->directory, copy->data_file), pattern(kBytes));

    ASSERT_OK(services.await(services.images.remove(member_of("owner"), id)));
    services.clock.advance(std::chrono::minutes(1));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.more[0]->directories(), IsEmpty());
    EXPECT_THAT(services.memory.directories(), ElementsAre("theirs"));
}

TEST(CopyImage, TakesNoDescriptorFromWhereAClientKeepsIt) {
    Services services(three_stores());
    const ImageId id = named(
        services,
        "vmdk",
        "# Disk DescriptorFile\nversion=1\ncreateType=\"vmfs\"\n"
        "RW 2048 VMFS \"/vmfs/volumes/ds1/victim/victim-flat.vmdk\"\n"
    );
    EXPECT_EQ(services.run_import().error().code, Errc::unsupported);
    EXPECT_THAT(stores_of(services, id), ElementsAre("memory"));
}

}  // namespace
}  // namespace slipway::test
