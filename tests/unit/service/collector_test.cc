#include "service/collector.h"

#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

// A store that never answers when something is to be removed.
class SilentBackend final : public MemoryBackend {
public:
    using MemoryBackend::MemoryBackend;

    awaitable<Result<void>> remove(const Location&, const Call&) override {
        asked = true;
        co_await sleep_for(1h);
        co_return Error(Errc::timeout, "no answer");
    }

    bool asked = false;
};

TEST(Collector, IsNotHeldUpByAStoreThatDoesNotAnswer) {
    Services services;
    auto silent = std::make_unique<SilentBackend>(MemoryBackendOptions{BackendId("silent"), false});
    SilentBackend& dead = *silent;
    auto lively = std::make_unique<MemoryBackend>();
    MemoryBackend& alive = *lively;
    std::vector<std::unique_ptr<store::Backend>> stores;
    stores.push_back(std::move(silent));
    stores.push_back(std::move(lively));
    store::BackendSet backends(std::move(stores), true);
    service::Collector collector(*services.catalog, backends, services.transfers, services.group);

    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, "bytes"));
    const Location stored = services.live_locations(id).at(0);
    const auto leave_garbage = [&](store::Backend& backend, const BackendId& name, bool known) {
        Location location = stored;
        location.id = LocationId(new_uuid());
        location.backend = name;
        location.datastore = "elsewhere";
        location.directory.replace(location.directory.size() - 16, 16, random_hex(16));
        ASSERT_OK(services.await(services.catalog->add_location(location)));
        if (known) ASSERT_OK(services.await(backend.open_writer(location, 0, Call())));
        ASSERT_OK(services.await(services.catalog->drop_location(location.id, 0s)));
        services.clock.advance(1s);
    };
    leave_garbage(dead, BackendId("silent"), false);
    leave_garbage(alive, BackendId("nowhere"), false);
    leave_garbage(alive, BackendId("memory"), true);
    ASSERT_THAT(alive.directories(), SizeIs(1));

    const auto until_it_is_gone = [&]() -> awaitable<Result<void>> {
        services.group.spawn("collector", [&] { return collector.run(); });
        auto wait = [&]() -> awaitable<Result<void>> {
            while (!dead.asked || !alive.directories().empty()) co_await sleep_for(1ms);
            co_return Result<void>();
        };
        auto result = co_await with_deadline(after(30s), wait());
        services.group.cancel(asio::cancellation_type::terminal);
        co_await services.group.wait(kNoDeadline);
        co_return result;
    };
    EXPECT_OK(services.await(until_it_is_gone()));
    EXPECT_THAT(alive.directories(), IsEmpty());
}

}  // namespace
}  // namespace slipway::test
