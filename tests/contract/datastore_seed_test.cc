#include "tests/contract/datastore_objects.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <fstream>
#include <thread>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using Names = std::set<std::string>;

constexpr std::uint64_t kGib = 1ULL << 30U;

// Disks in the cache of the compute services, on the datastore "work" beside the store's own.
class DatastoreSeeds : public DatastoreObjects {
protected:
    store::SeedRequest request(const Location& source, std::vector<std::uint64_t> sizes = {}) {
        store::SeedRequest what;
        what.source = source;
        what.datacenter = "DC0";
        what.datastore = "work";
        what.base_folder = base_;
        what.name = source.image_id.str();
        what.capacity_bytes = disk_.size();
        what.sizes_gib = std::move(sizes);
        what.task = TaskId(new_uuid());
        return what;
    }
    Result<Account> seed(const store::SeedRequest& what, const std::string& checkpoint = {}) {
        return await(backend().seed(what, checkpoint, progress_, call_));
    }
    // What is in the image's folder.
    Names cached(const store::SeedRequest& what) {
        return names_in(on("work", base_ + '/' + what.name));
    }
    Names files(const store::SeedRequest& what, const std::vector<std::string>& sizes = {}) {
        Names names = {what.name + ".vmdk", what.name + "-flat.vmdk"};
        for (const auto& size : sizes) {
            names.insert(what.name + '.' + size + ".vmdk");
            names.insert(what.name + '.' + size + "-flat.vmdk");
        }
        return names;
    }
    std::filesystem::path cached_file(const store::SeedRequest& what, const std::string& suffix) {
        return on("work", base_ + '/' + what.name + '/' + what.name + suffix);
    }
    // Nothing of ours is left where seeds are built.
    void expect_nothing_is_left() {
        EXPECT_EQ(names_in(on("work", fixture_->store_dir() + "_seeding")), Names());
    }
    void make_cached_folder(const store::SeedRequest& what, const std::string& inside = "") {
        std::filesystem::create_directories(on("work", base_ + '/' + what.name + '/' + inside));
    }
    void boot(const store::SeedRequest& what, const std::string& machine) {
        vcenter().post(
            "/machines",
            R"({"datacenter":"DC0","datastore":"work","name":")" + machine +
                R"(","parent":"[work] )" + base_ + '/' + what.name + '/' + what.name + R"(.vmdk"})"
        );
    }

    const std::string base_ = "prod" + random_hex(8) + "_base";
};

TEST_F(DatastoreSeeds, AppearInTheCacheWithAllTheirSizes) {
    const auto what = request(stored_disk(), {1, 2});
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->path, "copy_disk");
    EXPECT_EQ(account->bytes_through, 0U);
    EXPECT_EQ(account->bytes_copied, 3 * what.source.stored_bytes);
    EXPECT_EQ(cached(what), files(what, {"1", "2"}));
    EXPECT_TRUE(bytes_of(cached_file(what, "-flat.vmdk")) == disk_);
    EXPECT_EQ(std::filesystem::file_size(cached_file(what, ".1-flat.vmdk")), kGib);
    EXPECT_EQ(std::filesystem::file_size(cached_file(what, ".2-flat.vmdk")), 2 * kGib);
    EXPECT_EQ(percents_.back(), 100);
    EXPECT_TRUE(std::ranges::is_sorted(percents_));
    expect_nothing_is_left();
    boot(what, "seeded-" + base_);  // the simulated vCenter takes it for a parent
}

TEST_F(DatastoreSeeds, ComeFromFlatDisksToo) {
    const auto what = request(stored_flat_disk(), {1});
    ASSERT_TRUE(seed(what));
    EXPECT_EQ(cached(what), files(what, {"1"}));
    EXPECT_TRUE(bytes_of(cached_file(what, "-flat.vmdk")) == disk_);
}

TEST_F(DatastoreSeeds, CopyAnIsoAsAFile) {
    const std::vector<std::byte> bytes(100'000, std::byte{7});
    auto what = request(stored(bytes, ".iso"));
    what.capacity_bytes = 0;
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->path, "copy_file");
    EXPECT_EQ(cached(what), Names{what.name + ".iso"});
    EXPECT_TRUE(bytes_of(cached_file(what, ".iso")) == bytes);
    EXPECT_EQ(
        await(backend().keep_seed(what, call_)).value(),
        (store::SeedState{.base = true, .sizes_gib = {}})
    );
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, ReachAnotherDatacenter) {
    auto what = request(stored_disk());
    what.datacenter = "F0/DC1";
    what.datastore = "images";
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    const auto folder = vcenter().datastore("F0/DC1", "images").directory / base_ / what.name;
    EXPECT_EQ(names_in(folder), files(what));
    EXPECT_TRUE(bytes_of(folder / (what.name + "-flat.vmdk")) == disk_);
}

TEST_F(DatastoreSeeds, CopyNothingWhenEverythingIsThere) {
    auto what = request(stored_disk(), {1});
    ASSERT_TRUE(seed(what));
    const auto copies = vcenter().calls("CopyVirtualDisk_Task");
    what.task = TaskId(new_uuid());
    const auto again = seed(what);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->bytes_copied, 0U);
    EXPECT_EQ(vcenter().calls("CopyVirtualDisk_Task"), copies);
}

TEST_F(DatastoreSeeds, AddASizeToWhatIsThere) {
    auto what = request(stored_disk());
    ASSERT_TRUE(seed(what));
    const auto before = std::filesystem::last_write_time(cached_file(what, ".vmdk"));
    what.sizes_gib = {3};
    what.task = TaskId(new_uuid());
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->bytes_copied, what.source.stored_bytes);
    EXPECT_EQ(cached(what), files(what, {"3"}));
    EXPECT_EQ(std::filesystem::last_write_time(cached_file(what, ".vmdk")), before);
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, FillAFolderThatHoldsNoDisk) {
    const auto what = request(stored_disk(), {1});
    make_cached_folder(what, "ts-2026-08-01-12-00-00");
    ASSERT_TRUE(seed(what));
    auto expected = files(what, {"1"});
    expected.insert("ts-2026-08-01-12-00-00");
    EXPECT_EQ(cached(what), expected);
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, LeaveTheDiskOfWhoeverWasFirst) {
    const auto what = request(stored_disk(), {1});
    // A compute service puts its own disk there while ours is built.
    auto theirs = what;
    theirs.sizes_gib.clear();
    theirs.task = TaskId(new_uuid());
    std::vector<std::byte> first;
    store::CloneProgress quiet;
    quiet.report = [](int) {};
    quiet.save = [](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
    quiet.cancelled = [] { return false; };
    bool done = false;
    progress_.save = [&](std::string) -> awaitable<Result<void>> {
        if (std::exchange(done, true)) co_return Result<void>();
        SLIPWAY_CO_CHECK(co_await backend().seed(theirs, "", quiet, call_));
        first = bytes_of(cached_file(what, ".vmdk"));
        co_return Result<void>();
    };
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(cached(what), files(what, {"1"}));
    EXPECT_TRUE(bytes_of(cached_file(what, ".vmdk")) == first);
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, KnowTheirOwnMoveWhenItsAnswerIsLost) {
    fault_once("soap", "MoveDatastoreFile_Task", R"("action":"lost_answer")");
    const auto what = request(stored_disk(), {1});
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(cached(what), files(what, {"1"}));
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, AreBuiltAnewWhenTheEndOfTheExtensionWasNotSeen) {
    fault_once("soap", "ExtendVirtualDisk_Task", R"("action":"lost_answer")");
    const auto what = request(stored_disk(), {1});
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(cached(what), files(what, {"1"}));
    EXPECT_EQ(std::filesystem::file_size(cached_file(what, ".1-flat.vmdk")), kGib);
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, TryAgainAfterATroubleThatPasses) {
    fault_once(
        "task", "MoveDatastoreFile_Task", R"("action":"task_fault","fault":"HostCommunication")"
    );
    const auto what = request(stored_disk());
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(cached(what), files(what));
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, GoOnAfterARestartFromEveryCheckpoint) {
    const auto source = stored_disk();
    ASSERT_TRUE(seed(request(source, {1})));
    const auto steps = checkpoints_.size();
    ASSERT_GT(steps, 6U);
    for (std::size_t step = 1; step <= steps; ++step) {
        auto what = request(stored_disk(), {1});
        checkpoints_.clear();
        // The process ends right after this checkpoint was saved.
        progress_.save = [&](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoints_.push_back(std::move(checkpoint));
            if (checkpoints_.size() < step) co_return Result<void>();
            co_return Error(Errc::unavailable, "the process is gone");
        };
        ASSERT_FALSE(seed(what)) << step;
        progress_.save = [&](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
        const auto account = seed(what, checkpoints_.back());
        ASSERT_TRUE(account) << step << ": " << account.error().message;
        EXPECT_EQ(cached(what), files(what, {"1"})) << step;
        EXPECT_EQ(std::filesystem::file_size(cached_file(what, ".1-flat.vmdk")), kGib) << step;
        EXPECT_EQ(account->bytes_copied, 2 * what.source.stored_bytes) << step;
        expect_nothing_is_left();
    }
}

TEST_F(DatastoreSeeds, LeaveNothingOrAllOfItWhereverTheyAreCancelled) {
    ASSERT_TRUE(seed(request(stored_disk(), {1})));
    const auto steps = checkpoints_.size();
    for (std::size_t step = 1; step <= steps; ++step) {
        const auto what = request(stored_disk(), {1});
        checkpoints_.clear();
        cancelled_ = false;
        progress_.save = [&](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoints_.push_back(std::move(checkpoint));
            if (checkpoints_.size() < step) co_return Result<void>();
            cancelled_ = true;
            co_return Error(Errc::cancelled, "the task was cancelled");
        };
        const auto account = seed(what);
        ASSERT_FALSE(account) << step;
        EXPECT_EQ(account.error().code, Errc::cancelled) << step << account.error().message;
        EXPECT_EQ(cached(what), Names()) << step;
        expect_nothing_is_left();
    }
}

TEST_F(DatastoreSeeds, AreDoneWhenTheyWereMovedBeforeTheyCouldBeCancelled) {
    const auto what = request(stored_disk(), {1});
    const auto moves = vcenter().calls("MoveDatastoreFile_Task");
    progress_.cancelled = [&] { return vcenter().calls("MoveDatastoreFile_Task") > moves; };
    const auto account = seed(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(cached(what), files(what, {"1"}));
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, AddOneByOneLeaveWholeDisksWhereverTheyAreCancelled) {
    const auto existing = request(stored_disk(), {1});
    make_cached_folder(existing);
    ASSERT_TRUE(seed(existing));
    const auto steps = checkpoints_.size();
    for (std::size_t step = 1; step <= steps; ++step) {
        const auto what = request(stored_disk(), {1});
        make_cached_folder(what);
        checkpoints_.clear();
        cancelled_ = false;
        progress_.save = [&](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoints_.push_back(std::move(checkpoint));
            if (checkpoints_.size() < step) co_return Result<void>();
            cancelled_ = true;
            co_return Error(Errc::cancelled, "the task was cancelled");
        };
        const auto account = seed(what);
        const auto there = cached(what);
        if (account) {
            EXPECT_EQ(there, files(what, {"1"})) << step;
        } else {
            EXPECT_EQ(account.error().code, Errc::cancelled) << step << account.error().message;
            // The sized disk goes first, with both of its files.
            const Names sized = {what.name + ".1.vmdk", what.name + ".1-flat.vmdk"};
            EXPECT_TRUE(there.empty() || there == sized) << step;
        }
        expect_nothing_is_left();
    }
}

TEST_F(DatastoreSeeds, WaitForTheSameTaskAfterARestart) {
    const auto what = request(stored_disk());
    const auto copies = vcenter().calls("CopyVirtualDisk_Task");
    vcenter().set(R"({"task_rate":500000})");
    ASSERT_TRUE(end_at_the_second_checkpoint(backend().seed(what, "", progress_, call_)));
    fixture_->restart();
    const auto account = seed(what, checkpoints_.back());
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(vcenter().calls("CopyVirtualDisk_Task"), copies + 1);
    EXPECT_EQ(cached(what), files(what));
    expect_nothing_is_left();
}

TEST_F(DatastoreSeeds, RefuseWhatCanNotBe) {
    const auto source = stored_disk();
    const auto refused = [&](const store::SeedRequest& what) { return seed(what).error().code; };
    auto what = request(source, {2, 1});
    EXPECT_EQ(refused(what), Errc::invalid_argument);
    what = request(source, {1});
    what.capacity_bytes = 2 * kGib;
    EXPECT_EQ(refused(what), Errc::invalid_argument);
    what = request(source);
    what.base_folder = fixture_->store_dir();
    EXPECT_EQ(refused(what), Errc::invalid_argument);
    what.base_folder = fixture_->store_dir() + "_seeding/x";
    EXPECT_EQ(refused(what), Errc::invalid_argument);
    what.base_folder = "../up";
    EXPECT_EQ(refused(what), Errc::invalid_argument);
    what = request(source);
    what.name = "other";
    EXPECT_EQ(refused(what), Errc::invalid_argument);
    what = request(source);
    what.datastore = "nowhere";
    EXPECT_EQ(refused(what), Errc::not_found);
    what.datastore = "vsan1";
    EXPECT_EQ(refused(what), Errc::unsupported);
    EXPECT_EQ(refused(request(stored(std::vector<std::byte>(512), ".img"))), Errc::unsupported);
    what = request(source);
    EXPECT_EQ(seed(what, "{}").error().code, Errc::corrupt);
}

TEST_F(DatastoreSeeds, AreKeptByOneSearchAndTheRemovalOfMarks) {
    const auto what = request(stored_disk(), {1});
    ASSERT_TRUE(seed(what));
    make_cached_folder(what, "ts-2026-08-01-12-00-00");
    make_cached_folder(what, "ts-mine");
    vcenter().reset();
    const auto state = await(backend().keep_seed(what, call_));
    ASSERT_TRUE(state) << state.error().message;
    EXPECT_EQ(*state, (store::SeedState{.base = true, .sizes_gib = {1}}));
    auto expected = files(what, {"1"});
    expected.insert("ts-mine");
    EXPECT_EQ(cached(what), expected);

    // Waiting for a task is the property collector's; all else is counted.
    const auto journal = vcenter().get("/journal");
    std::vector<std::string> acts;
    for (const std::string method :
         {"SearchDatastore_Task",
          "DeleteDatastoreFile_Task",
          "CopyVirtualDisk_Task",
          "CopyDatastoreFile_Task",
          "MoveVirtualDisk_Task",
          "MoveDatastoreFile_Task",
          "ExtendVirtualDisk_Task",
          "DeleteVirtualDisk_Task",
          "MakeDirectory",
          "SearchDatastoreSubFolders_Task"}) {
        const std::string call = R"("kind":"soap","method":")" + method + '"';
        for (auto at = journal.find(call); at != std::string::npos; at = journal.find(call, at + 1))
            acts.push_back(method);
    }
    EXPECT_EQ(acts, (std::vector<std::string>{"SearchDatastore_Task", "DeleteDatastoreFile_Task"}));
}

TEST_F(DatastoreSeeds, AreReportedMissingWhereTheAgerWasFaster) {
    const auto what = request(stored_disk());
    EXPECT_EQ(await(backend().keep_seed(what, call_)).value(), store::SeedState());
}

TEST_F(DatastoreSeeds, StayWhileAMachineNeedsThem) {
    const auto what = request(stored_disk(), {1});
    ASSERT_TRUE(seed(what));
    const auto machine = "guest-" + base_;
    boot(what, machine);
    const auto refused = await(backend().remove_seed(what, call_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_NE(refused.error().message.find(machine), std::string::npos) << refused.error().message;
    EXPECT_EQ(cached(what), files(what, {"1"}));

    vcenter().remove("/machines/" + machine);
    const auto removed = await(backend().remove_seed(what, call_));
    ASSERT_TRUE(removed) << removed.error().message;
    EXPECT_EQ(cached(what), Names());
    EXPECT_TRUE(await(backend().remove_seed(what, call_)));
}

TEST_F(DatastoreSeeds, ComeBackWhenAMachineIsMadeWhileTheyAreRemoved) {
    const auto what = request(stored_disk());
    ASSERT_TRUE(seed(what));
    // Who needs them has been looked for by then.
    fault_once("soap", "MakeDirectory", R"("action":"delay","ms":5000)");
    const auto machine = "guest-" + base_;
    std::jthread nova([&] {
        std::this_thread::sleep_for(700ms);
        boot(what, machine);
    });
    const auto refused = await(backend().remove_seed(what, call_));
    nova.join();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_NE(refused.error().message.find(machine), std::string::npos) << refused.error().message;
    EXPECT_EQ(cached(what), files(what));
    expect_nothing_is_left();
    vcenter().remove("/machines/" + machine);
}

TEST_F(DatastoreSeeds, StayWhileADiskOfThemIsRegistered) {
    const auto what = request(stored_disk());
    ASSERT_TRUE(seed(what));
    vcenter().post(
        "/registered-disks",
        R"({"datacenter":"DC0","datastore":"work","name":"volume-7","path":")" + base_ + '/' +
            what.name + '/' + what.name + R"(.vmdk"})"
    );
    const auto refused = await(backend().remove_seed(what, call_));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_NE(refused.error().message.find("volume-7"), std::string::npos);
    EXPECT_EQ(cached(what), files(what));
}

TEST_F(DatastoreSeeds, GoToTheDatastoresWhoseWholeNameMatches) {
    EXPECT_EQ(
        await(backend().seed_datastores("DC0", "images|wo.*|nf", call_)).value(),
        (std::vector<std::string>{"images", "work"})
    );
    EXPECT_EQ(
        await(backend().seed_datastores("/F0/DC1", ".*", call_)).value(),
        std::vector<std::string>{"images"}
    );
    EXPECT_EQ(
        await(backend().seed_datastores("DC0", "(", call_)).error().code, Errc::invalid_argument
    );
    EXPECT_EQ(
        await(backend().seed_datastores("nowhere", ".*", call_)).error().code, Errc::not_found
    );
}

}  // namespace
}  // namespace slipway::test
