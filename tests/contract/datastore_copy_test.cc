#include "tests/contract/datastore_objects.h"

#include "store/datastore_layout.h"

#include <algorithm>
#include <fstream>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using Names = std::set<std::string>;

// Copies of objects between the datastores of the simulated vCenter.
class DatastoreCopies : public DatastoreObjects {
protected:
    store::CopyRequest request(const Location& source, const std::string& datastore = "DC0/work") {
        store::CopyRequest what;
        what.source = source;
        what.target = source;
        what.target.datastore = datastore;
        what.target.datastore_ref.clear();
        what.target.directory = store::new_object_directory(fixture_->store_dir(), source.image_id);
        what.task = TaskId(new_uuid());
        return what;
    }
    Result<Account> copy(const store::CopyRequest& what, const std::string& checkpoint = {}) {
        return await(backend().copy(what, manifest(what), checkpoint, progress_, call_));
    }
    static store::SideFile manifest(const store::CopyRequest& what) {
        return {what.target.image_id.str() + ".json", "{\"copy\":true}\n"};
    }
    std::filesystem::path copied(const store::CopyRequest& what, const std::string& name = "") {
        return on("work", what.target.directory + '/' + name);
    }
    void expect_whole(const store::CopyRequest& what) {
        const auto& source = what.source;
        Names names = {source.data_file, manifest(what).name};
        if (!source.descriptor.empty()) names.insert(source.descriptor);
        EXPECT_EQ(names_in(copied(what)), names);
        EXPECT_TRUE(
            bytes_of(copied(what, source.data_file)) == bytes_of(fixture_->stored_file(source))
        );
        EXPECT_EQ(std::filesystem::file_size(copied(what, manifest(what).name)), 14U);
    }
    void expect_nothing_is_left(const store::CopyRequest& what) {
        EXPECT_FALSE(std::filesystem::exists(copied(what)));
    }
};

TEST_F(DatastoreCopies, AreMadeByTheDatastoresAlone) {
    const auto what = request(stored_disk());
    const auto account = copy(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->bytes_through, 0U);
    EXPECT_EQ(account->bytes_copied, what.source.stored_bytes);
    EXPECT_EQ(account->path, "copy_file");
    EXPECT_EQ(percents_.back(), 100);
    EXPECT_TRUE(std::ranges::is_sorted(percents_));
    expect_whole(what);
}

TEST_F(DatastoreCopies, TakeTheDescriptorAlong) {
    const auto what = request(stored_flat_disk());
    ASSERT_TRUE(copy(what));
    expect_whole(what);
    // The copy is a disk of its own.
    progress_.report = [](int) {};
    const store::CloneRequest clone{
        what.target, fixture_->clone_target("vm/disk.vmdk"), TaskId(new_uuid())};
    const auto account = await(backend().clone(clone, "", progress_, call_));
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_TRUE(fixture_->cloned_disk(clone.target, what.target) == disk_);
}

TEST_F(DatastoreCopies, OfAFileOfAGlanceHaveANameOfOurs) {
    Location source = stored_disk();
    const auto file = fixture_->stored_file(source);
    source.directory = fixture_->store_dir();
    source.data_file = source.image_id.str();
    source.url = "vsphere://vc/folder/…";
    std::filesystem::rename(file, fixture_->stored_file(source));
    auto what = request(source);
    what.target.url.clear();
    what.target.data_file = source.image_id.str() + ".vmdk";
    const auto account = copy(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_TRUE(
        bytes_of(copied(what, what.target.data_file)) == bytes_of(fixture_->stored_file(source))
    );
}

TEST_F(DatastoreCopies, ReachAnotherDatacenter) {
    const auto what = request(stored(disk_, ".img"), "F0/DC1/images");
    ASSERT_TRUE(copy(what));
    const auto folder = vcenter().datastore("F0/DC1", "images").directory / what.target.directory;
    EXPECT_TRUE(bytes_of(folder / what.target.data_file) == disk_);
}

TEST_F(DatastoreCopies, StayWithinOneVcenter) {
    EXPECT_TRUE(backend().copy_domain().starts_with("vcenter:127.0.0.1:"));
}

TEST_F(DatastoreCopies, GoOnAfterARestartFromEveryCheckpoint) {
    ASSERT_TRUE(copy(request(stored_flat_disk())));
    const auto steps = checkpoints_.size();
    ASSERT_GT(steps, 5U);
    for (std::size_t step = 1; step <= steps; ++step) {
        const auto what = request(stored_flat_disk());
        checkpoints_.clear();
        progress_.save = [&](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoints_.push_back(std::move(checkpoint));
            if (checkpoints_.size() < step) co_return Result<void>();
            co_return Error(Errc::unavailable, "the process is gone");
        };
        ASSERT_FALSE(copy(what)) << step;
        progress_.save = [&](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
        const auto account = copy(what, checkpoints_.back());
        ASSERT_TRUE(account) << step << ": " << account.error().message;
        expect_whole(what);
    }
}

TEST_F(DatastoreCopies, WaitForTheSameTaskAfterARestart) {
    const auto what = request(stored_disk());
    const auto copies = vcenter().calls("CopyDatastoreFile_Task");
    vcenter().set(R"({"task_rate":500000})");
    ASSERT_TRUE(
        end_at_the_second_checkpoint(backend().copy(what, manifest(what), "", progress_, call_))
    );
    fixture_->restart();
    const auto account = copy(what, checkpoints_.back());
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(vcenter().calls("CopyDatastoreFile_Task"), copies + 1);
    expect_whole(what);
}

TEST_F(DatastoreCopies, AreMadeAnewWhenTheAnswerIsLost) {
    fault_once("soap", "CopyDatastoreFile_Task", R"("action":"lost_answer")");
    const auto what = request(stored_disk());
    const auto account = copy(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole(what);
}

TEST_F(DatastoreCopies, LeaveNothingBehindWhenTheyAreCancelledOrFail) {
    const auto source = stored_disk();
    auto what = request(source);
    vcenter().set(R"({"task_rate":500000})");
    progress_.save = [this](std::string checkpoint) -> awaitable<Result<void>> {
        checkpoints_.push_back(std::move(checkpoint));
        cancelled_ = checkpoints_.size() == 2;
        co_return Result<void>();
    };
    auto outcome = copy(what);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::cancelled) << outcome.error().message;
    expect_nothing_is_left(what);

    cancelled_ = false;
    vcenter().fault(
        R"({"match":{"kind":"task","method":"CopyDatastoreFile_Task"},"action":"no_space","count":0})"
    );
    what = request(source);
    outcome = copy(what);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::no_space) << outcome.error().message;
    expect_nothing_is_left(what);
}

TEST_F(DatastoreCopies, AreRefusedWhenTheSourceIsNotWhatTheCatalogueSays) {
    auto what = request(stored_disk());
    what.source.stored_bytes -= 1;
    const auto outcome = copy(what);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::corrupt) << outcome.error().message;
    expect_nothing_is_left(what);
}

TEST_F(DatastoreCopies, LeaveAnObjectThatIsThereAsItIs) {
    const auto what = request(stored_disk());
    ASSERT_TRUE(copy(what));
    auto again = what;
    again.task = TaskId(new_uuid());
    const auto outcome = copy(again);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::conflict);
    expect_whole(what);
}

TEST_F(DatastoreCopies, StayInTheFoldersOfStores) {
    auto what = request(stored_disk());
    what.target.directory = "elsewhere/" + what.target.image_id.str() + ".0123456789abcdef";
    EXPECT_EQ(copy(what).error().code, Errc::invalid_argument);
    what = request(what.source);
    what.source.directory = "../" + what.source.directory;
    EXPECT_EQ(copy(what).error().code, Errc::invalid_argument);
    what = request(stored_disk());
    EXPECT_EQ(copy(request(what.source), "{}").error().code, Errc::corrupt);
}

TEST_F(DatastoreCopies, TakePlainFilesToVsan) {
    const auto what = request(stored(disk_, ".img"), "DC0/vsan1");
    const auto account = copy(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_TRUE(
        bytes_of(on("vsan1", what.target.directory + '/' + what.target.data_file)) == disk_
    );
}

// There they are files, which compute services copy to a datastore of theirs before they open them.
TEST_F(DatastoreCopies, TakeHostedDisksToVsanAsFiles) {
    const auto what = request(stored_disk(), "DC0/vsan1");
    const auto account = copy(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->path, "copy_file");
    EXPECT_TRUE(
        bytes_of(on("vsan1", what.target.directory + '/' + what.target.data_file)) ==
        bytes_of(fixture_->stored_file(what.source))
    );
}

}  // namespace
}  // namespace slipway::test
