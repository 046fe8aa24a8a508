#include "store/datastore_turns.h"

#include "tests/support/run.h"

#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace slipway::store {
namespace {

using namespace std::chrono_literals;

vsphere::DatastoreInfo datastore(const std::string& name, const std::vector<std::string>& hosts) {
    vsphere::DatastoreInfo info;
    info.ref = {"Datastore", name};
    info.name = name;
    for (const auto& host : hosts)
        info.hosts.push_back(
            {.host = {"HostSystem", host},
             .access_mode = "readWrite",
             .mounted = true,
             .accessible = true}
        );
    return info;
}

bool never() {
    return false;
}

// The turns that can be had at once, one copy after another.
std::size_t at_once(
    DatastoreTurns& turns,
    const std::vector<std::pair<vsphere::DatastoreInfo, vsphere::DatastoreInfo>>& copies
) {
    std::vector<DatastoreTurns::Turn> taken;
    auto body = [&]() -> awaitable<void> {
        for (const auto& [source, target] : copies) {
            auto turn = co_await turns.acquire(source, target, after(0s), never);
            if (turn) taken.push_back(std::move(*turn));
        }
    };
    test::run(body());
    return taken.size();
}

TEST(DatastoreTurns, AreNoMoreThanTheHostsCanTakeOverAllDatastores) {
    DatastoreTurns turns({.per_datastore = 8, .per_host = 4});
    const auto source = datastore("images", {"h1"});
    std::vector<std::pair<vsphere::DatastoreInfo, vsphere::DatastoreInfo>> copies;
    for (int i = 0; i < 20; ++i)
        copies.emplace_back(source, datastore("ds" + std::to_string(i % 5), {"h1"}));
    EXPECT_EQ(at_once(turns, copies), 4U);
}

TEST(DatastoreTurns, AreHadAtOnceOrNotAtAll) {
    DatastoreTurns turns({.per_datastore = 1, .per_host = 1});
    const auto source = datastore("images", {"h1"});
    const auto target = datastore("work", {"h1"});
    auto first = turns.try_acquire(source, target);
    ASSERT_TRUE(first);
    EXPECT_FALSE(turns.try_acquire(source, target));
    first.reset();
    EXPECT_TRUE(turns.try_acquire(source, target));
}

TEST(DatastoreTurns, CountTheSourceToo) {
    DatastoreTurns turns({.per_datastore = 8, .per_host = 100});
    const auto source = datastore("images", {"h1"});
    std::vector<std::pair<vsphere::DatastoreInfo, vsphere::DatastoreInfo>> copies;
    for (int i = 0; i < 20; ++i)
        copies.emplace_back(source, datastore("ds" + std::to_string(i), {"h1"}));
    EXPECT_EQ(at_once(turns, copies), 8U);
}

TEST(DatastoreTurns, CountACopyWithinOneDatastoreOnce) {
    DatastoreTurns turns({.per_datastore = 3, .per_host = 100});
    const auto both = datastore("images", {"h1"});
    EXPECT_EQ(at_once(turns, {{both, both}, {both, both}, {both, both}, {both, both}}), 3U);
}

TEST(DatastoreTurns, UseEveryHostThatMountsBoth) {
    DatastoreTurns turns({.per_datastore = 100, .per_host = 2});
    const auto source = datastore("images", {"h1", "h2", "h3"});
    const auto target = datastore("work", {"h2", "h3", "h4"});
    EXPECT_EQ(
        at_once(
            turns,
            {{source, target},
             {source, target},
             {source, target},
             {source, target},
             {source, target}}
        ),
        4U
    );
}

TEST(DatastoreTurns, CountAtBothSidesWhenNoHostMountsBoth) {
    DatastoreTurns turns({.per_datastore = 100, .per_host = 2});
    const auto source = datastore("images", {"h1", "h2"});
    const auto target = datastore("far", {"h9"});
    EXPECT_EQ(at_once(turns, {{source, target}, {source, target}, {source, target}}), 2U);
}

TEST(DatastoreTurns, AreNotHeldUpByHostsThatAreNotKnown) {
    DatastoreTurns turns({.per_datastore = 3, .per_host = 1});
    const auto source = datastore("images", {});
    const auto target = datastore("work", {});
    EXPECT_EQ(at_once(turns, {{source, target}, {source, target}}), 2U);
}

TEST(DatastoreTurns, AreHandedOnInTheOrderInWhichTheyWereAskedFor) {
    DatastoreTurns turns({.per_datastore = 1, .per_host = 1});
    const auto source = datastore("images", {"h1"});
    std::vector<int> order;
    auto body = [&]() -> awaitable<void> {
        auto executor = co_await asio::this_coro::executor;
        TaskGroup group(executor);
        std::optional<DatastoreTurns::Turn> first;
        {
            auto turn = co_await turns.acquire(source, source, kNoDeadline, never);
            first.emplace(std::move(*turn));
        }
        for (int i = 0; i < 5; ++i) {
            group.spawn_on(executor, "copy", [&, i]() -> awaitable<void> {
                auto turn = co_await turns.acquire(source, source, kNoDeadline, never);
                EXPECT_TRUE(turn);
                order.push_back(i);
            });
        }
        co_await sleep_for(20ms);
        EXPECT_TRUE(order.empty());
        first.reset();
        EXPECT_TRUE(co_await group.wait(after(10s)));
    };
    test::run(body());
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(DatastoreTurns, PassByOneThatWaitsForSomethingElse) {
    DatastoreTurns turns({.per_datastore = 1, .per_host = 100});
    const auto a = datastore("a", {"h1"});
    const auto b = datastore("b", {"h1"});
    const auto c = datastore("c", {"h1"});
    auto body = [&]() -> awaitable<void> {
        auto executor = co_await asio::this_coro::executor;
        TaskGroup group(executor);
        auto busy = co_await turns.acquire(a, a, kNoDeadline, never);
        EXPECT_TRUE(busy);
        bool gives_up = false;
        group.spawn_on(executor, "blocked", [&]() -> awaitable<void> {
            const auto turn =
                co_await turns.acquire(a, b, kNoDeadline, [&gives_up] { return gives_up; });
            EXPECT_EQ(turn.error().code, Errc::cancelled);
        });
        co_await sleep_for(20ms);
        EXPECT_TRUE(co_await turns.acquire(b, c, kNoDeadline, never));
        gives_up = true;
        EXPECT_TRUE(co_await group.wait(after(10s)));
    };
    test::run(body());
}

TEST(DatastoreTurns, AreNotLostByThoseWhoStopWaiting) {
    DatastoreTurns turns({.per_datastore = 1, .per_host = 1});
    const auto source = datastore("images", {"h1"});
    auto body = [&]() -> awaitable<void> {
        auto executor = co_await asio::this_coro::executor;
        {
            auto busy = co_await turns.acquire(source, source, kNoDeadline, never);
            EXPECT_TRUE(busy);
            TaskGroup group(executor);
            group.spawn_on(executor, "waits", [&]() -> awaitable<void> {
                static_cast<void>(co_await turns.acquire(source, source, kNoDeadline, never));
            });
            co_await sleep_for(20ms);
            group.cancel(asio::cancellation_type::terminal);
            EXPECT_TRUE(co_await group.wait(after(10s)));
            const auto late = co_await turns.acquire(source, source, after(5ms), never);
            EXPECT_EQ(late.error().code, Errc::timeout);
        }
        EXPECT_TRUE(co_await turns.acquire(source, source, after(0s), never));
    };
    test::run(body());
}

}  // namespace
}  // namespace slipway::store
