#include "tests/contract/datastore_objects.h"

#include "base/json.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;

// Clones on the simulated vCenter when things go wrong.
class DatastoreClones : public DatastoreObjects {
protected:
    // The same disk, as a Glance has it: named after the image, without a suffix.
    Location stored_by_glance() {
        Location location = stored_disk();
        const auto file = fixture_->stored_file(location);
        location.directory = fixture_->store_dir();
        location.data_file = location.image_id.str();
        location.url = "vsphere://vc/folder/…";
        location.is_owned = true;
        std::filesystem::rename(file, file.parent_path().parent_path() / location.data_file);
        return location;
    }

    store::CloneRequest request(const Location& source, const std::string& path) {
        return {source, fixture_->clone_target(path), TaskId(new_uuid())};
    }
    Result<Account> clone(const store::CloneRequest& what, const std::string& checkpoint = {}) {
        return await(backend().clone(what, checkpoint, progress_, call_));
    }
    // The disk at the target, and nothing else beside it.
    void expect_whole_and_alone(const store::CloneRequest& what) {
        EXPECT_TRUE(fixture_->cloned_disk(what.target, what.source) == disk_);
        EXPECT_EQ(names_beside(what), 2U);
    }
    std::size_t names_beside(const store::CloneRequest& what) {
        return names_in(fixture_->target_file(what.target.path).parent_path()).size();
    }
};

TEST_F(DatastoreClones, AreMadeByTheDatastoreAlone) {
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->bytes_through, 0U);
    EXPECT_EQ(account->bytes_copied, what.source.stored_bytes);
    EXPECT_EQ(account->path, "copy_disk");
    EXPECT_EQ(percents_.back(), 100);
    EXPECT_TRUE(std::ranges::is_sorted(percents_));
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, CopyAnIsoAsAFile) {
    const std::vector<std::byte> bytes(100'000, std::byte{7});
    const auto source = stored(bytes, ".iso");
    const auto what = request(source, "vm/cd.iso");
    ASSERT_TRUE(await(backend().check_clone(what, call_)));
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->path, "copy_file");
    EXPECT_TRUE(fixture_->cloned_disk(what.target, source) == bytes);
    EXPECT_EQ(names_beside(what), 1U);
    EXPECT_FALSE(await(backend().check_clone(request(source, "vm/cd.vmdk"), call_)));
}

TEST_F(DatastoreClones, AreMadeOfAFileThatHasNoSuffix) {
    const auto what = request(stored_by_glance(), "vm/disk.vmdk");
    ASSERT_TRUE(await(backend().check_clone(what, call_)));
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(account->bytes_through, 0U);
    EXPECT_EQ(account->path, "copy_disk");
    EXPECT_TRUE(std::ranges::is_sorted(percents_));
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, GiveAFileItsNameAnewAfterARestart) {
    const auto what = request(stored_by_glance(), "vm/disk.vmdk");
    vcenter().set(R"({"task_rate":500000})");
    ASSERT_TRUE(end_at_the_second_checkpoint(backend().clone(what, "", progress_, call_)));
    EXPECT_NE(checkpoints_.back().find(R"("phase":"naming")"), std::string::npos)
        << checkpoints_.back();
    fixture_->restart();
    const auto account = clone(what, checkpoints_.back());
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, AreMadeThickAfterTheCopy) {
    auto what = request(stored_disk(), "vm/disk.vmdk");
    what.target.disk_type = "thick";
    const auto inflated = vcenter().calls("InflateVirtualDisk_Task");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(vcenter().calls("InflateVirtualDisk_Task"), inflated + 1);
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, RefuseWhatTheServerCanNotMake) {
    const auto source = stored_disk();
    auto what = request(source, "vm/disk.vmdk");
    what.target.disk_type = "thin";
    EXPECT_EQ(await(backend().check_clone(what, call_)).error().code, Errc::invalid_argument);
    what = request(source, "vm/disk.vmdk");
    what.target.datacenter = "nowhere";
    EXPECT_EQ(await(backend().check_clone(what, call_)).error().code, Errc::not_found);
    what = request(source, "vm/disk.vmdk");
    what.target.path = fixture_->store_dir() + "/disk.vmdk";
    EXPECT_EQ(await(backend().check_clone(what, call_)).error().code, Errc::invalid_argument);
    const auto raw = stored(std::vector<std::byte>(512), ".img");
    EXPECT_EQ(
        await(backend().check_clone(request(raw, "vm/disk.vmdk"), call_)).error().code,
        Errc::unsupported
    );
}

TEST_F(DatastoreClones, GoWhereTheOperatorAllowsThem) {
    use({.clone_targets = {"DC0/work/clones-*/allowed/*"}});
    const auto source = stored_disk();
    EXPECT_TRUE(await(backend().check_clone(request(source, "allowed/disk.vmdk"), call_)));
    const auto elsewhere = request(source, "other/disk.vmdk");
    EXPECT_EQ(await(backend().check_clone(elsewhere, call_)).error().code, Errc::forbidden);
    EXPECT_EQ(clone(elsewhere).error().code, Errc::forbidden);
}

TEST_F(DatastoreClones, LeaveAnExistingTargetAsItIs) {
    const auto source = stored_disk();
    const auto first = request(source, "vm/disk.vmdk");
    ASSERT_TRUE(clone(first));
    auto second = first;
    second.task = TaskId(new_uuid());
    EXPECT_EQ(await(backend().check_clone(second, call_)).error().code, Errc::conflict);
    EXPECT_EQ(clone(second).error().code, Errc::conflict);
    expect_whole_and_alone(first);
}

TEST_F(DatastoreClones, AreMadeAnewWhenTheAnswerIsLost) {
    vcenter().fault(
        R"({"match":{"kind":"soap","method":"CopyVirtualDisk_Task"},"action":"lost_answer","count":1})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, AreMadeAnewWhenTheTaskVanishes) {
    vcenter().fault(
        R"({"match":{"kind":"task","method":"CopyVirtualDisk_Task"},"action":"task_vanishes","count":1})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, KnowTheirOwnMoveWhenItsAnswerIsLost) {
    vcenter().fault(
        R"({"match":{"kind":"soap","method":"MoveVirtualDisk_Task"},"action":"lost_answer","count":1})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, WaitForTheSameTaskAfterARestart) {
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto copies = vcenter().calls("CopyVirtualDisk_Task");
    vcenter().set(R"({"task_rate":500000})");
    // The process ends while the copy runs.
    ASSERT_TRUE(end_at_the_second_checkpoint(backend().clone(what, "", progress_, call_)));
    fixture_->restart();
    const auto account = clone(what, checkpoints_.back());
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(vcenter().calls("CopyVirtualDisk_Task"), copies + 1);
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, AreMadeAnewWhenTheRestartMissedTheirTask) {
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    ASSERT_FALSE(progress_.cancelled());
    const auto account =
        clone(what, R"({"phase":"copying","attempt":1,"task":"task-999999","abandoned":[]})");
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_NE(checkpoints_.front().find(R"("attempt":2)"), std::string::npos)
        << checkpoints_.front();
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, AreRefusedWithADamagedCheckpoint) {
    EXPECT_EQ(clone(request(stored_disk(), "vm/disk.vmdk"), "{}").error().code, Errc::corrupt);
}

TEST_F(DatastoreClones, LeaveNothingBehindWhenTheyAreCancelledOnTheWay) {
    vcenter().set(R"({"task_rate":500000})");
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    progress_.save = [this](std::string checkpoint) -> awaitable<Result<void>> {
        checkpoints_.push_back(std::move(checkpoint));
        cancelled_ = checkpoints_.size() == 2;
        co_return Result<void>();
    };
    const auto outcome = clone(what);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::cancelled) << outcome.error().message;
    EXPECT_EQ(names_beside(what), 0U);
}

// What the catalogue does: it saves, and then says that cancellation was asked for.
TEST_F(DatastoreClones, LeaveNothingBehindWhenTheyAreCancelledAtACheckpoint) {
    vcenter().set(R"({"task_rate":500000})");
    const auto source = stored_disk();
    for (const std::size_t at : {1U, 2U}) {
        const auto what = request(source, "vm/disk" + std::to_string(at) + ".vmdk");
        checkpoints_.clear();
        progress_.save = [this, at](std::string checkpoint) -> awaitable<Result<void>> {
            checkpoints_.push_back(std::move(checkpoint));
            if (checkpoints_.size() < at) co_return Result<void>();
            co_return Error(Errc::cancelled, "the task was cancelled");
        };
        const auto cancels = vcenter().calls("CancelTask");
        const auto outcome = clone(what);
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().code, Errc::cancelled) << outcome.error().message;
        EXPECT_EQ(vcenter().calls("CancelTask"), cancels + (at == 2 ? 1 : 0));
        EXPECT_EQ(names_beside(what), 0U);
    }
}

TEST_F(DatastoreClones, AreCancelledWithoutRemainsAtTheirLastCheckpoint) {
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    progress_.save = [](std::string checkpoint) -> awaitable<Result<void>> {
        if (checkpoint.find("moving") == std::string::npos) co_return Result<void>();
        co_return Error(Errc::cancelled, "the task was cancelled");
    };
    EXPECT_EQ(clone(what).error().code, Errc::cancelled);
    EXPECT_EQ(names_beside(what), 0U);
}

TEST_F(DatastoreClones, AreLeftAloneOnceAnotherServerHasThem) {
    vcenter().set(R"({"task_rate":500000})");
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto cancels = vcenter().calls("CancelTask");
    const auto copies = vcenter().calls("CopyVirtualDisk_Task");
    progress_.lost = [this] { return checkpoints_.size() == 2; };
    EXPECT_EQ(clone(what).error().code, Errc::conflict);
    EXPECT_EQ(vcenter().calls("CancelTask"), cancels);
    progress_.lost = {};
    const auto account = clone(what, checkpoints_.back());
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(vcenter().calls("CopyVirtualDisk_Task"), copies + 1);
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, AreLeftAloneWhenTheirCheckpointIsRefused) {
    vcenter().set(R"({"task_rate":500000})");
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto cancels = vcenter().calls("CancelTask");
    std::string last;
    progress_.save = [&](std::string checkpoint) -> awaitable<Result<void>> {
        last = checkpoint;
        checkpoints_.push_back(std::move(checkpoint));
        if (checkpoints_.size() < 2) co_return Result<void>();
        co_return Error(Errc::conflict, "the claim was lost");
    };
    EXPECT_EQ(clone(what).error().code, Errc::conflict);
    EXPECT_EQ(vcenter().calls("CancelTask"), cancels);
    progress_.save = [](std::string) -> awaitable<Result<void>> { co_return Result<void>(); };
    ASSERT_TRUE(clone(what, last));
    expect_whole_and_alone(what);
}

// Nobody hears of the task for longer than the client's own retries last.
TEST_F(DatastoreClones, OutliveAnOutageOfVcenterWithTheSameCopy) {
    vcenter().set(R"({"task_rate":2000000})");
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto copies = vcenter().calls("CopyVirtualDisk_Task");
    progress_.save = [this](std::string checkpoint) -> awaitable<Result<void>> {
        checkpoints_.push_back(std::move(checkpoint));
        if (checkpoints_.size() == 2)
            vcenter().fault(
                R"({"match":{"kind":"soap","method":"WaitForUpdatesEx"},"action":"http_status","status":503,"count":20})"
            );
        co_return Result<void>();
    };
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(vcenter().calls("CopyVirtualDisk_Task"), copies + 1);
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, WaitForVcenterWhenTheyAreResumedDuringAnOutage) {
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto copies = vcenter().calls("CopyVirtualDisk_Task");
    vcenter().set(R"({"task_rate":500000})");
    ASSERT_TRUE(end_at_the_second_checkpoint(backend().clone(what, "", progress_, call_)));
    fixture_->restart();
    vcenter().fault(R"({"match":{"kind":"soap"},"action":"http_status","status":503,"count":6})");
    const auto account = clone(what, checkpoints_.back());
    ASSERT_TRUE(account) << account.error().message;
    EXPECT_EQ(vcenter().calls("CopyVirtualDisk_Task"), copies + 1);
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, FindTheirMoveDoneAfterAnOutage) {
    vcenter().fault(
        R"({"match":{"kind":"soap","method":"MoveVirtualDisk_Task"},"action":"lost_answer","count":1})"
    );
    vcenter().fault(
        R"({"match":{"kind":"soap","method":"SearchDatastore_Task"},"action":"http_status","status":503,"count":6,"skip":1})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

// The first move was done, though its task says otherwise; the second does not find our attempt.
TEST_F(DatastoreClones, KnowTheirOwnMoveWhenASecondOneFindsNothing) {
    vcenter().fault(
        R"({"match":{"kind":"task","method":"MoveVirtualDisk_Task"},"action":"task_fault","fault":"FileNotFound","at_end":true,"count":1})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, WaitForASourceThatIsLocked) {
    vcenter().fault(
        R"({"match":{"kind":"task","method":"CopyVirtualDisk_Task"},"action":"task_fault","fault":"FileLocked","count":4})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, HaveTheTypeThatAHostIsAskedFor) {
    vcenter().set(R"({"api_type":"HostAgent"})");
    fixture_->restart();
    const auto source = stored_disk();
    for (const char* type : {"thin", "thick"}) {
        auto what = request(source, std::string("vm/") + type + ".vmdk");
        what.target.disk_type = type;
        const auto account = clone(what);
        ASSERT_TRUE(account) << account.error().message;
        EXPECT_TRUE(fixture_->cloned_disk(what.target, source) == disk_);
        std::ifstream file(fixture_->target_file(what.target.path));
        const std::string descriptor{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(
            descriptor.find("thinProvisioned") != descriptor.npos, type == std::string("thin")
        ) << descriptor;
    }
    fixture_->stop();
}

// How many disks the simulator has copied at the same time.
std::int64_t most_at_once(const Vcenter& vcenter) {
    const auto counters = json::Document::parse(vcenter.get("/counters")).value();
    return counters.root().find("most_copying").value().integer();
}

TEST_F(DatastoreClones, TakeTurnsAtTheirDatastoresAndHosts) {
    use({.turns = {.per_datastore = 2, .per_host = 4}});
    const auto source = stored_disk();
    vcenter().set(R"({"task_rate":4000000})");
    auto all = [&]() -> awaitable<Result<void>> {
        TaskGroup group(co_await asio::this_coro::executor);
        auto executor = co_await asio::this_coro::executor;
        int done = 0;
        for (int i = 0; i < 6; ++i) {
            group.spawn_on(executor, "clone", [&, i]() -> awaitable<void> {
                const auto what = request(source, "vm/" + std::to_string(i) + ".vmdk");
                store::CloneProgress quiet;
                quiet.report = [](int) {};
                quiet.cancelled = [] { return false; };
                quiet.save = [](std::string) -> awaitable<Result<void>> {
                    co_return Result<void>();
                };
                done += co_await backend().clone(what, "", quiet, call_) ? 1 : 0;
            });
        }
        co_await group.wait(after(60s));
        EXPECT_EQ(done, 6);
        co_return Result<void>();
    };
    ASSERT_TRUE(await(all()));
    EXPECT_LE(most_at_once(vcenter()), 2);
}

TEST_F(DatastoreClones, LeaveNothingBehindWhenTheyFail) {
    vcenter().fault(
        R"({"match":{"kind":"task","method":"CopyVirtualDisk_Task"},"action":"task_fault","fault":"NoDiskSpace","at_byte":1000,"count":0})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto outcome = clone(what);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::no_space) << outcome.error().message;
    EXPECT_EQ(names_beside(what), 0U);
}

TEST_F(DatastoreClones, TryAgainAfterATroubleThatPasses) {
    vcenter().fault(
        R"({"match":{"kind":"task","method":"CopyVirtualDisk_Task"},"action":"task_fault","fault":"HostCommunication","count":1})"
    );
    const auto what = request(stored_disk(), "vm/disk.vmdk");
    const auto account = clone(what);
    ASSERT_TRUE(account) << account.error().message;
    expect_whole_and_alone(what);
}

TEST_F(DatastoreClones, KeepTheirSourceFromBeingRemoved) {
    const auto source = stored_disk();
    const auto what = request(source, "vm/disk.vmdk");
    vcenter().set(R"({"task_rate":100000})");
    std::optional<Result<void>> removed;
    auto both = [&]() -> awaitable<Result<Account>> {
        TaskGroup group(co_await asio::this_coro::executor);
        auto executor = co_await asio::this_coro::executor;
        group.spawn_on(executor, "remover", [&]() -> awaitable<void> {
            const Deadline limit = after(30s);
            const auto copies = [](int percent) { return percent > 0; };
            while (std::ranges::none_of(percents_, copies) &&
                   std::chrono::steady_clock::now() < limit)
                co_await sleep_for(5ms);
            removed = co_await backend().remove(source, call_);
            vcenter().set(R"({"task_rate":0})");
        });
        auto account = co_await backend().clone(what, "", progress_, call_);
        co_await group.wait(after(10s));
        co_return account;
    };
    const auto account = await(both());
    ASSERT_TRUE(account) << account.error().message;
    ASSERT_TRUE(removed);
    ASSERT_FALSE(*removed);
    EXPECT_EQ(removed->error().code, Errc::unavailable);
    EXPECT_EQ(removed->error().reason, "FileLocked");
    expect_whole_and_alone(what);
    EXPECT_TRUE(await(backend().remove(source, call_)));
}

}  // namespace
}  // namespace slipway::test
