#include "service/store_trial.h"

#include "tests/fakes/faulty_backend.h"
#include "tests/fakes/memory_backend.h"
#include "tests/support/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>

namespace slipway::service {
namespace {

using store::Observation;
using store::Verdict;
using test::MemoryBackend;
using testing::Contains;
using testing::IsEmpty;

constexpr std::uint64_t kBytes = (1U << 20U) + 12'345;

// The ground of a trial in memory: counts, and can fail.
class MemoryGround final : public store::TrialGround {
public:
    awaitable<Result<void>> prepare(const Call&) override {
        ++prepared;
        if (fails_to_prepare) co_return Error(Errc::unavailable, "there is no vCenter");
        co_return Result<void>();
    }
    awaitable<Result<void>> clear(const Call&) override {
        ++cleared;
        if (fails_to_clear) co_return Error(Errc::unavailable, "a file is in use");
        co_return Result<void>();
    }
    awaitable<Result<std::vector<std::string>>> remains(const Call&) override {
        co_return std::vector<std::string>();
    }
    awaitable<Result<void>> clear_remains(const Call&) override { co_return Result<void>(); }
    [[nodiscard]] const std::vector<store::TrialTarget>& targets() const override {
        return targets_;
    }
    [[nodiscard]] CloneTarget clone_target(
        const store::TrialTarget& target, const std::string& name
    ) const override {
        return {target.datacenter, target.datastore, "trial/" + name + ".vmdk", ""};
    }
    [[nodiscard]] std::string cache_folder() const override { return "trial_base"; }
    awaitable<Result<void>>
    check_clone(const CloneTarget&, const store::TrialDisk& disk, const Call&) override {
        EXPECT_EQ(disk.size_bytes, kBytes);
        EXPECT_EQ(disk.capacity_bytes, 17U * 65536);
        co_return Result<void>();
    }
    awaitable<void>
    observe(const store::TrialDisk&, std::function<void(Observation)> tell, std::function<bool()>, const Call&)
        override {
        tell({"aborted_put", Verdict::ok, "no file is left"});
        co_return;
    }

    int prepared = 0;
    int cleared = 0;
    bool fails_to_prepare = false;
    bool fails_to_clear = false;

private:
    std::vector<store::TrialTarget> targets_{{"DC0", "memory", true}};
};

struct Trial {
    explicit Trial(int failing_call = std::numeric_limits<int>::max())
        : backend(memory, failing_call) {}

    std::optional<Error> run() {
        StoreTrial trial(
            {backend,
             ground,
             pool,
             kBytes,
             [this](const TrialStep& step) {
                 steps.push_back(step);
                 names.push_back(step.name);
             },
             [this](const Observation& told) { told_of[told.name] = told.verdict; },
             [this] { return static_cast<int>(steps.size()) >= stop_after; }}
        );
        test::run(trial.run(Call{"test"}));
        return trial.failure();
    }

    static test::MemoryBackendOptions reachable() {
        test::MemoryBackendOptions options;
        options.publishes_locations = true;
        return options;
    }

    MemoryBackend memory{reachable()};
    test::FaultyBackend backend;
    MemoryGround ground;
    BlockingPool pool{1};
    int stop_after = std::numeric_limits<int>::max();
    std::vector<TrialStep> steps;
    std::vector<std::string> names;
    std::map<std::string, Verdict> told_of;
};

TEST(StoreTrial, WritesReadsClonesSeedsAndDeletes) {
    Trial trial;
    EXPECT_EQ(trial.run(), std::nullopt);
    EXPECT_THAT(
        trial.names,
        testing::ElementsAre(
            "prepare",
            "write",
            "read",
            "read a part",
            "copy",
            "clone",
            "read the clone",
            "seed",
            "delete",
            "clean up"
        )
    );
    EXPECT_NE(trial.steps[4].skipped, "") << "there is one datastore";
    EXPECT_GT(trial.steps[1].account.bytes_through, kBytes) << "the disk, with its tables";
    EXPECT_EQ(trial.steps[5].account.path, "copy_disk");
    EXPECT_EQ(trial.told_of.at("sparse_source"), Verdict::untried);
    EXPECT_EQ(trial.told_of.at("copy_across"), Verdict::ok) << "the target is in a datacenter";
    EXPECT_EQ(trial.told_of.at("aborted_put"), Verdict::ok);
    EXPECT_THAT(trial.memory.directories(), IsEmpty());
    EXPECT_EQ(trial.ground.cleared, 1);
}

TEST(StoreTrial, ClearsItsGroundWhicheverCallFails) {
    for (int n = 0;; ++n) {
        ASSERT_LT(n, 100) << "the trial never succeeded";
        Trial trial(n);
        const auto failure = trial.run();
        EXPECT_EQ(trial.ground.cleared, 1) << "after failing call " << n;
        EXPECT_EQ(trial.names.back(), "clean up");
        if (!trial.backend.has_failed()) break;
        EXPECT_TRUE(failure) << "after failing call " << n;
        const bool told = std::ranges::any_of(trial.steps, [](const TrialStep& step) {
            return step.error.has_value();
        });
        EXPECT_TRUE(told);
    }
}

TEST(StoreTrial, ClearsItsGroundWheneverItIsInterrupted) {
    for (int steps = 0;; ++steps) {
        ASSERT_LT(steps, 100) << "the trial never ended by itself";
        Trial trial;
        trial.stop_after = steps;
        const auto failure = trial.run();
        EXPECT_EQ(trial.ground.cleared, 1);
        if (!failure) break;
        EXPECT_EQ(failure->code, Errc::cancelled);
        EXPECT_EQ(trial.names.back(), "clean up");
    }
}

TEST(StoreTrial, TellsWhatItCouldNotRemove) {
    Trial trial;
    trial.ground.fails_to_clear = true;
    const auto failure = trial.run();
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->message, "a file is in use");
}

TEST(StoreTrial, WritesNothingWithoutAGround) {
    Trial trial;
    trial.ground.fails_to_prepare = true;
    EXPECT_TRUE(trial.run());
    EXPECT_THAT(trial.names, testing::ElementsAre("prepare", "clean up"));
}

}  // namespace
}  // namespace slipway::service
