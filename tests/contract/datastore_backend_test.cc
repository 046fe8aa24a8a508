#include "tests/contract/datastore_fixture.h"

#include "base/digest.h"

#include <boost/asio/this_coro.hpp>

#include <fstream>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;

// Objects on the simulated vCenter when things go wrong.
class DatastoreObjects : public DatastoreTest {
protected:
    Location placed(std::uint64_t bytes) {
        Location location;
        location.image_id = ImageId(new_uuid());
        const auto placement =
            await(backend().place({location.image_id, bytes, {}, {}}, call_)).value();
        location.datastore = placement.datastore;
        location.datastore_ref = placement.datastore_ref;
        location.directory = placement.directory;
        location.data_file = location.image_id.str() + ".img";
        location.stored_bytes = bytes;
        return location;
    }

    // Writes `bytes` in pieces and commits them.
    Result<void> write(const Location& location, const std::string& bytes) {
        SLIPWAY_TRY(auto writer, await(backend().open_writer(location, bytes.size(), call_)));
        for (std::size_t at = 0; at < bytes.size(); at += 1U << 20U)
            SLIPWAY_CHECK(await(writer->write(
                as_bytes_of(bytes).subspan(at, std::min<std::size_t>(1U << 20U, bytes.size() - at))
            )));
        const std::vector<store::SideFile> side_files = {{"manifest.json", "{}\n"}};
        return await(writer->commit(bytes.size(), side_files));
    }

    Result<std::string> read(const Location& location) {
        const ByteRange all{0, location.stored_bytes};
        SLIPWAY_TRY(auto reader, await(backend().open_reader(location, all, call_)));
        std::string text;
        std::vector<std::byte> buffer(1U << 20U);
        for (;;) {
            SLIPWAY_TRY(const std::size_t got, await(reader->read_some(buffer)));
            if (got == 0) return text;
            for (std::size_t i = 0; i < got; ++i) text += static_cast<char>(buffer[i]);
        }
    }

    static std::string text(std::size_t size) {
        std::string bytes(size, '\0');
        std::uint32_t state = 1;
        for (char& c : bytes)
            c = static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
        return bytes;
    }
};

TEST_F(DatastoreObjects, PublishTheUrlThatConsumersTakeApart) {
    Location location = placed(3);
    ASSERT_TRUE(write(location, "abc"));
    EXPECT_EQ(
        backend().location_url(location),
        "vsphere://vc.example.org/folder/" + location.directory + "/" + location.data_file +
            "?dcPath=DC0&dsName=images"
    );
    location.directory = "elsewhere/" + location.directory;
    EXPECT_EQ(backend().location_url(location), "");
}

TEST_F(DatastoreObjects, OfAGlanceGoAloneAndOnlyWhenTheyAreOwned) {
    Location location = placed(3);
    ASSERT_TRUE(write(location, "abc"));
    const auto ours = fixture_->stored_file(location);
    location.directory = fixture_->store_dir();
    location.data_file = location.image_id.str();
    location.url = "vsphere://vc/folder/…";
    std::filesystem::copy(ours, fixture_->stored_file(location));
    EXPECT_EQ(read(location).value(), "abc");
    EXPECT_EQ(await(backend().remove(location, call_)).error().code, Errc::invalid_argument);
    location.is_owned = true;
    Location other = location;
    other.image_id = ImageId(new_uuid());
    EXPECT_EQ(await(backend().remove(other, call_)).error().code, Errc::invalid_argument)
        << "it does not bear that image's name";
    ASSERT_TRUE(await(backend().remove(location, call_)));
    EXPECT_FALSE(std::filesystem::exists(fixture_->stored_file(location)));
    EXPECT_TRUE(std::filesystem::exists(ours));
    EXPECT_TRUE(await(backend().remove(location, call_))) << "it is gone already";
}

TEST_F(DatastoreObjects, AreFoundAfterTheDatastoreWasRenamed) {
    const Location location = placed(3);
    ASSERT_TRUE(write(location, "abc"));
    vcenter().post("/restart-inventory-rename", R"({"datastore":"DC0/images","name":"renamed"})");
    fixture_->restart();
    const auto bytes = read(location);
    const auto url = backend().location_url(location);
    vcenter().post("/restart-inventory-rename", R"({"datastore":"DC0/renamed","name":"images"})");
    ASSERT_TRUE(bytes) << bytes.error().message;
    EXPECT_EQ(*bytes, "abc");
    EXPECT_TRUE(url.ends_with("dsName=renamed")) << url;
}

TEST_F(DatastoreObjects, SurviveTheEndOfTheSession) {
    for (const char* shape : {"fault", "missing", "empty"}) {
        const Location location = placed(3);
        vcenter().post("/sessions/expire", std::string(R"({"shape":")") + shape + "\"}");
        const auto written = write(location, "abc");
        ASSERT_TRUE(written) << shape << ": " << written.error().message;
        vcenter().post("/sessions/expire", std::string(R"({"shape":")") + shape + "\"}");
        EXPECT_EQ(read(location).value(), "abc");
    }
}

TEST_F(DatastoreObjects, SurviveTheEndOfTheSessionDuringAnUpload) {
    const auto bytes = text(4U << 20U);
    const Location location = placed(bytes.size());
    auto writer = await(backend().open_writer(location, bytes.size(), call_)).value();
    ASSERT_TRUE(await(writer->write(as_bytes_of(bytes).first(1U << 20U))));
    vcenter().post("/sessions/expire", "{}");
    ASSERT_TRUE(await(writer->write(as_bytes_of(bytes).subspan(1U << 20U))));
    const auto committed = await(writer->commit(bytes.size(), {}));
    ASSERT_TRUE(committed) << committed.error().message;
    EXPECT_TRUE(read(location).value() == bytes);
}

TEST_F(DatastoreObjects, FailWhenTheConnectionBreaks) {
    for (const char* left : {"absent", "truncated", "zero_tail"}) {
        vcenter().set(std::string(R"({"partial_put":")") + left + "\"}");
        vcenter().fault(
            R"({"match":{"kind":"esx-folder","method":"PUT"},"action":"reset","at_byte":2000000,"count":1})"
        );
        const Location location = placed(8U << 20U);
        const auto written = write(location, text(8U << 20U));
        ASSERT_FALSE(written) << left;
        EXPECT_EQ(written.error().code, Errc::unavailable) << written.error().message;
        EXPECT_TRUE(await(backend().remove(location, call_)));
    }
}

TEST_F(DatastoreObjects, AreNotCommittedWhenBytesAreLost) {
    vcenter().fault(
        R"({"match":{"kind":"esx-folder","method":"PUT"},"action":"short_put","at_byte":1000,"count":1})"
    );
    const Location location = placed(2U << 20U);
    const auto written = write(location, text(2U << 20U));
    ASSERT_FALSE(written);
    EXPECT_FALSE(
        std::filesystem::exists(fixture_->stored_file(location).parent_path() / "manifest.json")
    );
}

TEST_F(DatastoreObjects, AreNotCommittedByAnEarlySuccess) {
    vcenter().fault(
        R"({"match":{"kind":"esx-folder","method":"PUT"},"action":"early_200","at_byte":1000,"count":1})"
    );
    EXPECT_FALSE(write(placed(16U << 20U), text(16U << 20U)));
}

TEST_F(DatastoreObjects, SayThatTheDatastoreIsFull) {
    const Location location = placed(8U << 20U);
    vcenter().set(R"({"free_space":{"DC0/images":1000000}})");
    const auto written = write(location, text(8U << 20U));
    const auto refused = await(backend().place({location.image_id, 8U << 20U, {}, {}}, call_));
    vcenter().set(R"({"free_space":{"DC0/images":1000000000000}})");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::no_space) << written.error().message;
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::no_space);
}

TEST_F(DatastoreObjects, ArePlacedByWeightAndThenByFreeSpace) {
    use({.more = {{"DC0", "work", 5}, {"DC0", "nfs1", 5}}});
    const auto chosen = [&] {
        return await(backend().place({ImageId(new_uuid()), 1U << 20U, {}, {}}, call_))
            .value()
            .datastore;
    };
    vcenter().set(R"({"free_space":{"DC0/work":50000000,"DC0/nfs1":60000000}})");
    const auto emptier = chosen();
    vcenter().set(R"({"free_space":{"DC0/nfs1":40000000}})");
    const auto then = chosen();
    vcenter().set(R"({"free_space":{"DC0/work":1000,"DC0/nfs1":1000}})");
    const auto lighter = chosen();
    vcenter().set(R"({"free_space":{"DC0/work":1000000000000,"DC0/nfs1":1000000000000}})");
    EXPECT_EQ(emptier, "DC0/nfs1");
    EXPECT_EQ(then, "DC0/work");
    EXPECT_EQ(lighter, "DC0/images");
}

// Each question is asked once: the limit, not the number of retries, ends it.
TEST_F(DatastoreObjects, KeepNobodyWaitingForAVcenterThatDoesNotAnswer) {
    use({.answer_limit = 1500ms});
    const Location location = placed(3);
    const store::CloneRequest clone{
        location, fixture_->clone_target("vm/disk.iso"), TaskId(new_uuid())};
    vcenter().fault(R"({"match":{"kind":"soap"},"action":"stall","count":0})");
    const auto before = vcenter().calls("FindByInventoryPath");
    EXPECT_EQ(
        await(backend().place({location.image_id, 1, {}, {}}, call_)).error().code, Errc::timeout
    );
    EXPECT_EQ(await(backend().datastores(call_)).error().code, Errc::timeout);
    auto iso = clone;
    iso.source.data_file = "cd.iso";
    EXPECT_EQ(await(backend().check_clone(iso, call_)).error().code, Errc::timeout);
    EXPECT_EQ(vcenter().calls("FindByInventoryPath"), before + 3);
}

TEST_F(DatastoreObjects, SurviveConnectionsThatEndBetweenTwoRequests) {
    for (const char* pause : {"0", "5"}) {
        vcenter().reset();
        vcenter().fault(
            std::string(R"({"match":{"kind":"soap"},"action":"close_idle","count":0,"ms":)") +
            pause + "}"
        );
        vcenter().fault(
            std::string(R"({"match":{"kind":"esx-folder"},"action":"close_idle","count":0,"ms":)") +
            pause + "}"
        );
        const Location location = placed(3);
        const auto written = write(location, "abc");
        ASSERT_TRUE(written) << written.error().message;
        EXPECT_EQ(read(location).value(), "abc");
        EXPECT_TRUE(await(backend().remove(location, call_)));
    }
}

TEST_F(DatastoreObjects, GoThroughVcenterWhenNoHostCanBeReached) {
    vcenter().set(R"({"esx":"refuse"})");
    const Location location = placed(3);
    const auto written = write(location, "abc");
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_EQ(read(location).value(), "abc");
}

// Four hosts refuse once each; then the upload goes through vCenter.
TEST_F(DatastoreObjects, AreWrittenThroughVcenterOnceTheHostsHaveRefused) {
    vcenter().fault(
        R"({"match":{"kind":"esx-folder","method":"PUT"},"action":"http_status","status":401,"count":0})"
    );
    Result<void> written = Error();
    int uploads = 0;
    while (!written && uploads++ < 10) written = write(placed(8U << 20U), text(8U << 20U));
    EXPECT_TRUE(written) << written.error().message;
    EXPECT_LE(uploads, 5);
}

TEST_F(DatastoreObjects, AreReadThroughVcenterWhenTheHostsRefuse) {
    const Location location = placed(3);
    ASSERT_TRUE(write(location, "abc"));
    for (const char* status : {"401", "503"}) {
        vcenter().reset();
        vcenter().fault(
            std::string(R"({"match":{"kind":"esx-folder"},"action":"http_status","status":)") +
            status + R"(,"count":0})"
        );
        EXPECT_EQ(read(location).value(), "abc");
    }
}

TEST_F(DatastoreObjects, SayUnavailableWhenVcenterIsOverloaded) {
    use({.direct_to_host = false});
    vcenter().fault(
        R"({"match":{"kind":"folder","method":"PUT"},"action":"http_status","status":503,"count":0})"
    );
    const auto written = write(placed(16U << 20U), text(16U << 20U));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, Errc::unavailable);
}

TEST_F(DatastoreObjects, AreWrittenInADirectoryWhoseCreationWasNotAnswered) {
    const Location location = placed(3);
    vcenter().fault(
        R"({"match":{"kind":"soap","method":"MakeDirectory"},"action":"lost_answer","count":1})"
    );
    const auto written = write(location, "abc");
    ASSERT_TRUE(written) << written.error().message;
}

TEST_F(DatastoreObjects, LetGoOfTheDatastoreWhenTheWriterIsDropped) {
    const Location location = placed(64U << 20U);
    {
        auto writer = await(backend().open_writer(location, 64U << 20U, call_)).value();
        ASSERT_TRUE(await(writer->write(as_bytes_of(text(1U << 20U)))));
    }
    Result<void> removed = Error();
    for (int i = 0; i < 100 && !removed; ++i) {
        removed = await(backend().remove(location, call_));
        if (!removed) fixture_->run(sleep_for(20ms));
    }
    EXPECT_TRUE(removed) << removed.error().message;
}

TEST_F(DatastoreObjects, LetGoOfTheDatastoreWhenTheWriterIsDroppedUnused) {
    const Location location = placed(64U << 20U);
    { auto writer = await(backend().open_writer(location, 64U << 20U, call_)).value(); }
    fixture_->stop();
}

TEST_F(DatastoreObjects, RefuseMoreBytesThanAnnounced) {
    const Location location = placed(10);
    auto writer = await(backend().open_writer(location, 10, call_)).value();
    ASSERT_TRUE(await(writer->write(as_bytes_of("12345"))));
    const auto refused = await(writer->write(as_bytes_of("678901")));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    EXPECT_FALSE(await(writer->commit(10, {})));
}

TEST_F(DatastoreObjects, AreNotReadWhenTheirFileWasCut) {
    const Location location = placed(1000);
    ASSERT_TRUE(write(location, text(1000)));
    std::filesystem::resize_file(fixture_->stored_file(location), 999);
    EXPECT_EQ(read(location).error().code, Errc::corrupt);
}

TEST_F(DatastoreObjects, AreNotTakenForWholeWhenTheDownloadIsCut) {
    const Location location = placed(1U << 20U);
    ASSERT_TRUE(write(location, text(1U << 20U)));
    for (const char* action : {"truncated_get", "reset", "wrong_range", "no_length_get"}) {
        vcenter().reset();
        vcenter().fault(
            std::string(R"({"match":{"kind":"esx-folder","method":"GET"},"action":")") + action +
            R"(","at_byte":1000,"count":0})"
        );
        EXPECT_FALSE(read(location)) << action;
    }
}

TEST_F(DatastoreObjects, AreKeptOnVsanInANamespace) {
    use({.datastore = "vsan1"});
    const auto bytes = text(100'000);
    const Location location = placed(bytes.size());
    const auto written = write(location, bytes);
    ASSERT_TRUE(written) << written.error().message;
    EXPECT_TRUE(read(location).value() == bytes);
    EXPECT_EQ(await(backend().list(call_)).value().size(), 1U);
    EXPECT_TRUE(await(backend().remove(location, call_)));
    EXPECT_TRUE(await(backend().list(call_)).value().empty());
}

TEST_F(DatastoreObjects, AreNeverFarFromWhatTheOperatorSees) {
    const auto all = await(backend().datastores(call_)).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].name, "DC0/images");
    EXPECT_EQ(all[0].type, "VMFS");
    EXPECT_TRUE(all[0].accessible);
    EXPECT_GT(all[0].capacity_bytes, 0U);
}

TEST_F(DatastoreObjects, RemoveSaysUnavailableWhenTheServerIsGone) {
    const Location location = placed(3);
    ASSERT_TRUE(write(location, "abc"));
    vcenter().fault(
        R"({"match":{"kind":"soap","method":"DeleteDatastoreFile_Task"},"action":"http_status","status":503,"count":0})"
    );
    const auto removed = await(backend().remove(location, call_));
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().code, Errc::unavailable);
    EXPECT_EQ(read(location).value(), "abc");
}

}  // namespace
}  // namespace slipway::test
