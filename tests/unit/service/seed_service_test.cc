#include "service/seed_service.h"

#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using service::SeedInput;
using service::SeedPolicy;
using service::SeedService;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::uint64_t kHalfGib = 1ULL << 29U;

ServicesOptions reachable() {
    ServicesOptions options;
    options.store.publishes_locations = true;
    return options;
}

SeedPolicy eager_policy() {
    SeedPolicy policy;
    policy.name = "cluster1";
    policy.datacenter = "DC0";
    policy.datastore_regex = ".*";
    policy.base_folders = {"prod_base"};
    policy.sizes_gib = {1, 8};
    policy.eager = true;
    return policy;
}

class Seeds : public testing::Test {
protected:
    Seeds() : services_(reachable()) { make({}); }

    void make(std::vector<SeedPolicy> policies) {
        seeds_ = std::make_unique<SeedService>(SeedService::Dependencies{
            *services_.catalog,
            services_.backends,
            services_.policy,
            services_.runner,
            std::move(policies),
            {}});
        services_.runner.handle(
            TaskKind::seed,
            [this](const TaskRecord& task, store::CloneProgress& progress, const Call& call) {
                return seeds_->run_task(task, progress, call);
            }
        );
    }
    // From now on images are seeded before they are active.
    void seed_eagerly() {
        make({eager_policy()});
        services_.before_active = [this](
                                      const Image& image,
                                      const Location& disk,
                                      const std::function<bool()>& stopped,
                                      const Call& call
                                  ) {
            return seeds_->seed_before_active(image, disk, stopped, call);
        };
    }
    // An upload that is seeded, and then fails.
    void fail_an_upload(const ImageId& id) {
        const auto seed = services_.before_active;
        services_.before_active = [this, seed](
                                      const Image& image,
                                      const Location& disk,
                                      const std::function<bool()>& stopped,
                                      const Call& call
                                  ) -> awaitable<void> {
            co_await seed(image, disk, stopped, call);
            source_ = disk.id;
            static_cast<void>(co_await services_.catalog->fail_upload(disk.id));
        };
        EXPECT_FALSE(services_.upload(id, pattern(8192)));
        EXPECT_EQ(services_.image(id).status, ImageStatus::queued);
        EXPECT_EQ(services_.memory.seed_source("prod_base", id.str()), source_);
        services_.before_active = seed;
    }
    SeedRecord kept(const ImageId& id) {
        return services_.await(services_.catalog->list_seeds(id)).value().at(0);
    }
    ImageId active_image() {
        ImageId id = services_.create_image("raw");
        EXPECT_OK(services_.upload(id, pattern(4096)));
        return id;
    }
    Result<Account> run(const TaskRecord& task) {
        return services_.run_task(
            task,
            [this](const TaskRecord& t, store::CloneProgress& p, const Call& c) {
                return seeds_->run_task(t, p, c);
            }
        );
    }
    static SeedInput input(std::vector<std::uint64_t> sizes = {}) {
        return {{"DC0", "memory", "prod_base"}, std::move(sizes)};
    }

    Services services_;
    std::unique_ptr<SeedService> seeds_;
    LocationId source_;
};

TEST_F(Seeds, PutsTheDiskIntoTheCacheByATask) {
    const ImageId id = active_image();
    const auto task = services_.await(seeds_->start(administrator(), id, input({1, 8})));
    ASSERT_OK(task);
    EXPECT_EQ(task->kind, TaskKind::seed);
    const auto account = run(*task);
    ASSERT_OK(account);
    EXPECT_EQ(account->bytes_through, 0U);
    const auto there = services_.memory.seed_at("prod_base", id.str());
    ASSERT_TRUE(there);
    EXPECT_TRUE(there->base);
    EXPECT_THAT(there->sizes_gib, ElementsAre(1, 8));
    const auto kept = services_.await(seeds_->list(administrator(), id));
    ASSERT_OK(kept);
    ASSERT_THAT(*kept, SizeIs(1));
    EXPECT_EQ(kept->front().state, SeedStatus::warm);
}

TEST_F(Seeds, ComesBackWhenTheCacheHasLostIt) {
    const ImageId id = active_image();
    ASSERT_OK(run(services_.await(seeds_->start(administrator(), id, input())).value()));
    services_.memory.forget_seed("prod_base", id.str());
    services_.clock.advance(std::chrono::hours(1));
    EXPECT_EQ(services_.await(seeds_->keep_warm_once()).value(), 1U);
    const TaskRecord again = services_.tasks().front();
    EXPECT_EQ(again.status, TaskStatus::pending);
    ASSERT_OK(run(again));
    EXPECT_TRUE(services_.memory.seed_at("prod_base", id.str())->base);
    EXPECT_EQ(services_.await(seeds_->keep_warm_once()).value(), 0U);
}

TEST_F(Seeds, AreForgottenButNotRemovedWhenTheyEnd) {
    const ImageId id = active_image();
    ASSERT_OK(run(services_.await(seeds_->start(administrator(), id, input())).value()));
    ASSERT_OK(services_.await(seeds_->stop(administrator(), id, false)));
    EXPECT_TRUE(services_.memory.seed_at("prod_base", id.str())->base);
    EXPECT_THAT(services_.await(seeds_->list(administrator(), id)).value(), IsEmpty());
}

TEST_F(Seeds, AreRemovedOnRequest) {
    const ImageId id = active_image();
    ASSERT_OK(run(services_.await(seeds_->start(administrator(), id, input())).value()));
    ASSERT_OK(services_.await(seeds_->stop(administrator(), id, true)));
    EXPECT_FALSE(services_.memory.seed_at("prod_base", id.str()));
}

TEST_F(Seeds, OfPolicyAreThereBeforeTheImageIsActive) {
    seed_eagerly();
    ImageStatus status = ImageStatus::queued;
    services_.before_active = [&, seed = services_.before_active](
                                  const Image& image,
                                  const Location& disk,
                                  const std::function<bool()>& stopped,
                                  const Call& call
                              ) -> awaitable<void> {
        Image large = image;
        large.boot_form->capacity_bytes = 3 * kHalfGib;  // 2 GiB, rounded up
        co_await seed(large, disk, stopped, call);
        status = (co_await services_.catalog->find_image(image.id)).value().status;
    };
    const ImageId id = active_image();
    EXPECT_EQ(status, ImageStatus::saving);
    const auto there = services_.memory.seed_at("prod_base", id.str());
    ASSERT_TRUE(there);
    EXPECT_TRUE(there->base);
    EXPECT_THAT(there->sizes_gib, ElementsAre(8));  // a flavor of 1 GiB can not hold the image
    EXPECT_EQ(kept(id).state, SeedStatus::warm);
    EXPECT_FALSE(kept(id).doubtful);
}

TEST_F(Seeds, OfAnUploadThatFailedAreNotThoseOfTheNext) {
    seed_eagerly();
    const ImageId id = services_.create_image("raw");
    fail_an_upload(id);
    ASSERT_OK(services_.upload(id, pattern(4096)));
    const Location disk = services_.live_locations(id).at(0);
    EXPECT_EQ(services_.memory.seed_source("prod_base", id.str()), disk.id);
    EXPECT_FALSE(kept(id).doubtful);
}

TEST_F(Seeds, OfAnUploadThatFailedAreTakenAway) {
    seed_eagerly();
    const ImageId id = services_.create_image("raw");
    fail_an_upload(id);
    ASSERT_OK(services_.await(seeds_->keep_warm_once()));
    EXPECT_FALSE(services_.memory.seed_at("prod_base", id.str()));

    // Where no policy seeds it before it is active, a task does so later, and from its own bytes.
    fail_an_upload(id);
    services_.before_active = {};
    ASSERT_OK(services_.upload(id, pattern(4096)));
    services_.clock.advance(std::chrono::hours(1));
    ASSERT_OK(services_.await(seeds_->keep_warm_once()));
    ASSERT_OK(run(services_.tasks().front()));
    const Location disk = services_.live_locations(id).at(0);
    EXPECT_EQ(services_.memory.seed_source("prod_base", id.str()), disk.id);
}

TEST_F(Seeds, OfAnImageThatWasDeletedDuringItsUploadAreTakenAway) {
    seed_eagerly();
    const ImageId id = services_.create_image("raw");
    services_.before_active = [this, seed = services_.before_active](
                                  const Image& image,
                                  const Location& disk,
                                  const std::function<bool()>& stopped,
                                  const Call& call
                              ) -> awaitable<void> {
        co_await seed(image, disk, stopped, call);
        static_cast<void>(co_await services_.images.remove(member_of("owner"), image.id));
    };
    EXPECT_EQ(services_.upload(id, pattern(4096)).error().code, Errc::gone);
    EXPECT_TRUE(services_.memory.seed_at("prod_base", id.str()));
    ASSERT_OK(services_.await(seeds_->keep_warm_once()));
    EXPECT_FALSE(services_.memory.seed_at("prod_base", id.str()));
    EXPECT_THAT(services_.await(services_.catalog->list_seeds(id)).value(), IsEmpty());
}

TEST_F(Seeds, AreWaitedForUntilTheImageIsDeleted) {
    seed_eagerly();
    const ImageId id = services_.create_image("raw");
    bool cancelled = false;
    services_.runner.handle(
        TaskKind::seed,
        [&](const TaskRecord&,
            store::CloneProgress& progress,
            const Call&) -> awaitable<Result<Account>> {
            static_cast<void>(co_await services_.images.remove(member_of("owner"), id));
            while (!progress.cancelled()) co_await sleep_for(std::chrono::milliseconds(10));
            cancelled = true;
            co_return Error(Errc::cancelled, "the seed was cancelled");
        }
    );
    EXPECT_EQ(services_.upload(id, pattern(4096)).error().code, Errc::gone);
    EXPECT_TRUE(cancelled);
}

TEST_F(Seeds, ThatAServerLeftBehindAreNotFinished) {
    seed_eagerly();
    const ImageId id = services_.create_image("raw");
    TaskRecord task;
    services_.runner.handle(
        TaskKind::seed,
        [&](const TaskRecord& begun,
            store::CloneProgress&,
            const Call&) -> awaitable<Result<Account>> {
            task = begun;
            co_return Error(Errc::unavailable, "the process is gone");
        }
    );
    services_.before_active = [this, seed = services_.before_active](
                                  const Image& image,
                                  const Location& disk,
                                  const std::function<bool()>& stopped,
                                  const Call& call
                              ) -> awaitable<void> {
        co_await seed(image, disk, stopped, call);
        static_cast<void>(co_await services_.catalog->fail_upload(disk.id));
    };
    EXPECT_FALSE(services_.upload(id, pattern(4096)));
    store::CloneProgress progress;
    progress.report = [](int) {};
    progress.cancelled = [] { return false; };
    const auto again = services_.await(seeds_->run_task(task, progress, Call()));
    EXPECT_EQ(again.error().code, Errc::cancelled);
    EXPECT_FALSE(services_.memory.seed_at("prod_base", id.str()));
}

TEST_F(Seeds, AreLeftToTheTaskThatIsAtWork) {
    const ImageId id = active_image();
    ASSERT_OK(services_.await(seeds_->start(administrator(), id, input())));
    services_.clock.advance(std::chrono::hours(1));
    ASSERT_OK(services_.await(seeds_->keep_warm_once()));
    EXPECT_THAT(services_.tasks(), SizeIs(1));
}

TEST_F(Seeds, RefusesWhatCanNotBe) {
    const ImageId id = active_image();
    EXPECT_EQ(
        services_.await(seeds_->start(member_of("owner"), id, input())).error().code,
        Errc::forbidden
    );
    SeedInput elsewhere = input();
    elsewhere.place.datastore = "unknown";
    EXPECT_EQ(
        services_.await(seeds_->start(administrator(), id, elsewhere)).error().code,
        Errc::invalid_argument
    );
    const ImageId queued = services_.create_image("raw");
    EXPECT_EQ(
        services_.await(seeds_->start(administrator(), queued, input())).error().code,
        Errc::conflict
    );
}

TEST(SeedRequest, IsReadStrictly) {
    const json::Limits limits;
    const auto read = service::read_seed_request(
        R"({"datacenter": "DC0", "datastore": "ds", "cache_prefix": "prod", "sizes_gb": [40, 20]})",
        limits
    );
    ASSERT_OK(read);
    EXPECT_EQ(read->place.base_folder, "prod_base");
    EXPECT_THAT(read->sizes_gib, ElementsAre(20, 40));
    for (const char* const wrong :
         {"[]",
          "{}",
          R"({"datacenter": "DC0"})",
          R"({"datacenter": "DC0", "datastore": "ds", "sizes_gb": [0]})",
          R"({"datacenter": "DC0", "datastore": "ds", "sizes_gb": ["8"]})",
          R"({"datacenter": "DC0", "datastore": "ds", "sizes_gb": [99999999]})",
          R"({"datacenter": "DC0", "datastore": "ds", "size": 8})"})
        EXPECT_EQ(service::read_seed_request(wrong, limits).error().code, Errc::invalid_argument)
            << wrong;
}

}  // namespace
}  // namespace slipway::test
