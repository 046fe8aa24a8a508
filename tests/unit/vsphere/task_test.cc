#include "vsphere/task.h"

#include "tests/unit/vsphere/fake_server.h"
#include "vsphere/task_updates.h"

#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <algorithm>

namespace slipway::vsphere {
namespace {

using namespace std::chrono_literals;
using test::FakeServer;
using test::kCall;
using test::soap;
using test::soap_fault;

const ManagedObjectReference kTask{"Task", "task-42"};

std::string change(std::string_view name, std::string_view val) {
    return "<changeSet><name>" + std::string(name) + "</name><op>assign</op>" + std::string(val) +
           "</changeSet>";
}

std::string state(std::string_view value) {
    return change("info.state", "<val xsi:type=\"TaskInfoState\">" + std::string(value) + "</val>");
}

std::string percent(std::string_view value) {
    return change("info.progress", "<val xsi:type=\"xsd:int\">" + std::string(value) + "</val>");
}

std::string object(
    std::string_view changes, std::string_view task = "task-42", std::string_view kind = "modify"
) {
    return "<objectSet><kind>" + std::string(kind) + "</kind><obj type=\"Task\">" +
           std::string(task) + "</obj>" + std::string(changes) + "</objectSet>";
}

test::Answer updates(std::string_view version, std::string_view objects) {
    return soap(
        "WaitForUpdatesEx",
        "<returnval><version>" + std::string(version) +
            R"(</version><filterSet><filter type="PropertyFilter">f</filter>)" +
            std::string(objects) + "</filterSet></returnval>"
    );
}

// Knows collectors and filters; WaitForUpdatesEx is scripted by next(), and blocks a little when
// the script is at its end.
struct TaskServer : FakeServer {
    TaskServer() {
        on("CreatePropertyCollector", [this](const test::Seen&) {
            return soap(
                "CreatePropertyCollector",
                "<returnval type=\"PropertyCollector\">pc-" + std::to_string(++collectors) +
                    "</returnval>"
            );
        });
        on("CreateFilter", [this](const test::Seen&) {
            return soap(
                "CreateFilter",
                "<returnval type=\"PropertyFilter\">filter-" + std::to_string(++filters) +
                    "</returnval>"
            );
        });
        on("DestroyPropertyFilter", soap("DestroyPropertyFilter"));
        auto nothing = soap("WaitForUpdatesEx");
        nothing.delay = 5ms;
        on("WaitForUpdatesEx", nothing);
    }

    int collectors = 0;
    int filters = 0;
};

Result<TaskResult> outcome(TaskServer& server, TaskCallbacks callbacks = {}, Call call = kCall) {
    std::optional<Result<TaskResult>> result;
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        result.emplace(co_await wait_for_task(client, kTask, call, callbacks));
    });
    return std::move(*result);
}

TEST(WaitForTask, ReportsProgressAndReturnsTheResult) {
    TaskServer server;
    server.next(
        "WaitForUpdatesEx",
        updates("1", object(state("queued") + change("info.progress", ""), "task-42", "enter"))
    );
    server.next("WaitForUpdatesEx", updates("2", object(state("running") + percent("40"))));
    server.next(
        "WaitForUpdatesEx",
        updates(
            "3",
            object(
                state("success") +
                change("info.result", R"(<val xsi:type="xsd:string">[ds] a.vmdk</val>)")
            )
        )
    );
    std::vector<int> seen;
    const auto result =
        outcome(server, {.progress = [&](int p) { seen.push_back(p); }, .cancelled = {}});
    ASSERT_TRUE(result);
    ASSERT_TRUE(result->result);
    EXPECT_EQ(result->result->text(), "[ds] a.vmdk");
    EXPECT_EQ(result->task, kTask);
    EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST(WaitForTask, SendsExactlyThis) {
    TaskServer server;
    server.next("WaitForUpdatesEx", updates("v&amp;1", object(state("running"))));
    server.next("WaitForUpdatesEx", updates("v2", object(state("success"))));
    ASSERT_TRUE(outcome(server));
    EXPECT_EQ(
        server.calls("CreatePropertyCollector").front().soap_body(),
        R"(<CreatePropertyCollector xmlns="urn:vim25">)"
        R"(<_this type="PropertyCollector">propertyCollector</_this></CreatePropertyCollector>)"
    );
    EXPECT_EQ(
        server.calls("CreateFilter").front().soap_body(),
        R"(<CreateFilter xmlns="urn:vim25"><_this type="PropertyCollector">pc-1</_this><spec><propSet>)"
        R"(<type>Task</type><pathSet>info.state</pathSet><pathSet>info.progress</pathSet>)"
        R"(<pathSet>info.error</pathSet><pathSet>info.result</pathSet></propSet>)"
        R"(<objectSet><obj type="Task">task-42</obj></objectSet></spec>)"
        R"(<partialUpdates>false</partialUpdates></CreateFilter>)"
    );
    const auto waits = server.calls("WaitForUpdatesEx");
    ASSERT_EQ(waits.size(), 2U);
    EXPECT_EQ(
        waits[0].soap_body(),
        R"(<WaitForUpdatesEx xmlns="urn:vim25"><_this type="PropertyCollector">pc-1</_this>)"
        R"(<version></version><options><maxWaitSeconds>30</maxWaitSeconds></options>)"
        R"(</WaitForUpdatesEx>)"
    );
    EXPECT_NE(waits[1].soap_body().find("<version>v&amp;1</version>"), std::string::npos);
}

TEST(WaitForTask, RemovesItsFilterAfterwards) {
    TaskServer server;
    server.next("WaitForUpdatesEx", updates("1", object(state("success"))));
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(co_await wait_for_task(client, kTask, kCall));
        for (int i = 0; i < 200 && server.count("DestroyPropertyFilter") == 0; ++i)
            co_await sleep_for(5ms);
    });
    ASSERT_EQ(server.count("DestroyPropertyFilter"), 1U);
    EXPECT_EQ(
        server.calls("DestroyPropertyFilter").front().soap_body(),
        R"(<DestroyPropertyFilter xmlns="urn:vim25"><_this type="PropertyFilter">filter-1</_this>)"
        R"(</DestroyPropertyFilter>)"
    );
}

TEST(WaitForTask, ReturnsTheTasksOwnFault) {
    TaskServer server;
    server.next(
        "WaitForUpdatesEx",
        updates(
            "1",
            object(
                state("error") +
                change(
                    "info.error",
                    R"(<val xsi:type="LocalizedMethodFault"><fault xsi:type="NoDiskSpace">)"
                    R"(<file>[ds] a</file></fault><localizedMessage>full</localizedMessage></val>)"
                )
            )
        )
    );
    const auto result = outcome(server);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::no_space);
    EXPECT_EQ(result.error().reason, "NoDiskSpace");
}

TEST(WaitForTask, SaysWhenTheTaskVanishes) {
    TaskServer left;
    left.next("WaitForUpdatesEx", updates("1", object(state("running"))));
    left.next("WaitForUpdatesEx", updates("2", object("", "task-42", "leave")));
    const auto gone = outcome(left);
    EXPECT_EQ(gone.error().code, Errc::not_found);
    EXPECT_EQ(gone.error().reason, kTaskVanished);

    TaskServer unknown;
    unknown.on("CreateFilter", soap_fault("ManagedObjectNotFound"));
    unknown.on("RetrievePropertiesEx", soap("RetrievePropertiesEx"));
    EXPECT_EQ(outcome(unknown).error().reason, kTaskVanished);
}

TEST(WaitForTask, RebuildsALostCollectorWithAnEmptyVersion) {
    for (const auto* fault : {"InvalidCollectorVersion", "ManagedObjectNotFound"}) {
        TaskServer server;
        server.next("WaitForUpdatesEx", updates("7", object(state("running"))));
        server.next("WaitForUpdatesEx", soap_fault(fault));
        server.next("WaitForUpdatesEx", updates("1", object(state("success"))));
        EXPECT_TRUE(outcome(server)) << fault;
        EXPECT_EQ(server.collectors, 2) << fault;
        const auto last = server.calls("WaitForUpdatesEx").back().soap_body();
        EXPECT_NE(last.find("<version></version>"), std::string::npos) << fault;
    }
}

TEST(WaitForTask, GoesOnInANewSession) {
    TaskServer server;
    server.next("WaitForUpdatesEx", updates("1", object(state("running"))));
    server.next("WaitForUpdatesEx", soap_fault("NotAuthenticated"));
    server.next("WaitForUpdatesEx", updates("1", object(state("success"))));
    EXPECT_TRUE(outcome(server));
    EXPECT_EQ(server.logins, 2);
    EXPECT_EQ(server.collectors, 2);
}

TEST(WaitForTask, TakesTruncatedUpdatesAndTimeOuts) {
    TaskServer server;
    server.next("WaitForUpdatesEx", soap("WaitForUpdatesEx"));
    auto truncated = updates("1", object(state("running")));
    const std::string end = "</filterSet></returnval>";
    truncated.body.replace(
        truncated.body.find(end), end.size(), "</filterSet><truncated>true</truncated></returnval>"
    );
    server.next("WaitForUpdatesEx", truncated);
    server.next("WaitForUpdatesEx", updates("2", object(state("success"))));
    EXPECT_TRUE(outcome(server));
}

TEST(WaitForTask, EndsAtTheDeadlineAndLeavesTheTaskAlone) {
    TaskServer server;
    const auto result = outcome(server, {}, {.request_id = "req-1", .deadline = after(30ms)});
    EXPECT_EQ(result.error().code, Errc::timeout);
    EXPECT_EQ(server.count("CancelTask"), 0U);
}

TEST(WaitForTask, EndsAtTheDeadlineThoughTheServerDoesNotEvenTakeTheFilter) {
    TaskServer server;
    auto never = soap("CreateFilter");
    never.delay = 10min;
    server.on("CreateFilter", never);
    const auto result = outcome(server, {}, {.request_id = "req-1", .deadline = after(30ms)});
    EXPECT_EQ(result.error().code, Errc::timeout);
}

TEST(WaitForTask, CancelsTheTaskOnce) {
    TaskServer server;
    server.on("CancelTask", [&](const test::Seen&) {
        server.next(
            "WaitForUpdatesEx",
            updates(
                "9",
                object(
                    state("error") +
                    change("info.error", R"(<val><fault xsi:type="RequestCanceled"/></val>)")
                )
            )
        );
        return soap("CancelTask");
    });
    const auto result = outcome(server, {.progress = {}, .cancelled = [] { return true; }});
    EXPECT_EQ(result.error().code, Errc::cancelled);
    ASSERT_EQ(server.count("CancelTask"), 1U);
    EXPECT_EQ(
        server.calls("CancelTask").front().soap_body(),
        R"(<CancelTask xmlns="urn:vim25"><_this type="Task">task-42</_this></CancelTask>)"
    );
}

TEST(WaitForTask, SurvivesATaskThatCanNotBeCancelled) {
    TaskServer server;
    server.on("CancelTask", [&](const test::Seen&) {
        server.next("WaitForUpdatesEx", updates("9", object(state("success"))));
        return soap_fault("NotSupported");
    });
    EXPECT_TRUE(outcome(server, {.progress = {}, .cancelled = [] { return true; }}));
}

TEST(WaitForTask, GivesUpOnAnAccountThatIsRefused) {
    TaskServer server;
    server.next("Login", soap_fault("InvalidLogin"));
    EXPECT_EQ(outcome(server).error().reason, "InvalidLogin");
}

TEST(WaitForTask, SaysThatItLostSightOfTheTask) {
    TaskServer server;
    server.on(
        "WaitForUpdatesEx", test::Answer{.failure = Error(Errc::unavailable, "the link broke")}
    );
    const auto result = outcome(server);
    EXPECT_EQ(result.error().code, Errc::unavailable);
    EXPECT_EQ(result.error().reason, kTaskUnseen);
}

TEST(WaitForTask, LeavesATaskAloneThatIsSomebodyElsesNow) {
    TaskServer server;
    TaskCallbacks callbacks;
    callbacks.lost = [] { return true; };
    callbacks.cancelled = [] { return true; };
    EXPECT_EQ(outcome(server, callbacks).error().code, Errc::conflict);
    EXPECT_EQ(server.count("CancelTask"), 0U);
}

// The answer to CreateFilter comes when the collector it was for is gone, and another one of the
// same session is there: its filter tells nothing about the task.
TEST(TaskWatcher, DoesNotTakeAFilterOfAnEarlierCollector) {
    TaskServer server;
    bool second_waits = false;
    server.on("WaitForUpdatesEx", [&](const test::Seen& request) {
        const bool knows_both = request.body.find(">pc-2<") != std::string::npos;
        if (!knows_both && second_waits) return soap_fault("InvalidCollectorVersion");
        if (knows_both && server.filters >= 4)
            return updates("1", object(state("success")) + object(state("success"), "task-43"));
        auto nothing = soap("WaitForUpdatesEx");
        nothing.delay = 5ms;
        return nothing;
    });
    server.on("CreateFilter", [&](const test::Seen& request) {
        auto answer = soap(
            "CreateFilter",
            "<returnval type=\"PropertyFilter\">filter-" + std::to_string(++server.filters) +
                "</returnval>"
        );
        if (request.body.find(">task-43<") != std::string::npos && !second_waits) {
            second_waits = true;
            answer.delay = 100ms;
        }
        return answer;
    });
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        const auto wait = [&](std::string id) -> awaitable<void> {
            const ManagedObjectReference task{"Task", std::move(id)};
            EXPECT_TRUE(co_await wait_for_task(client, task, kCall));
        };
        group.spawn("first", [&] { return wait("task-42"); });
        for (int i = 0; i < 200 && server.count("WaitForUpdatesEx") == 0; ++i)
            co_await sleep_for(5ms);
        group.spawn("second", [&] { return wait("task-43"); });
        EXPECT_TRUE(co_await group.wait(after(10s)));
    });
    EXPECT_EQ(server.collectors, 2);
}

TEST(TaskWatcher, ServesManyWaitersWithOneLoop) {
    TaskServer server;
    constexpr int kTasks = 12;
    std::string all;
    for (int i = 0; i < kTasks; ++i) all += object(state("success"), "task-" + std::to_string(i));
    server.on("WaitForUpdatesEx", [&](const test::Seen&) {
        if (server.filters < kTasks) {
            auto nothing = soap("WaitForUpdatesEx");
            nothing.delay = 2ms;
            return nothing;
        }
        return updates("1", all);
    });
    int done = 0;
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        for (int i = 0; i < kTasks; ++i) {
            group.spawn("waiter", [&, i]() -> awaitable<void> {
                const ManagedObjectReference task{"Task", "task-" + std::to_string(i)};
                const auto result = co_await wait_for_task(client, task, kCall);
                done += result ? 1 : 0;
            });
        }
        EXPECT_TRUE(co_await group.wait(after(5s)));
    });
    EXPECT_EQ(done, kTasks);
    EXPECT_EQ(server.collectors, 1);
}

TEST(TaskWatcher, FailsOnlyTheWaiterWhoseTaskIsRefused) {
    TaskServer server;
    server.on("CreateFilter", [&](const test::Seen& request) {
        if (request.body.find(">task-1<") != std::string::npos) return soap_fault("NoPermission");
        server.next("WaitForUpdatesEx", updates("1", object(state("success"))));
        return soap("CreateFilter", R"(<returnval type="PropertyFilter">f</returnval>)");
    });
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        group.spawn("allowed", [&]() -> awaitable<void> {
            EXPECT_TRUE(co_await wait_for_task(client, kTask, kCall));
        });
        group.spawn("refused", [&]() -> awaitable<void> {
            const auto result = co_await wait_for_task(client, {"Task", "task-1"}, kCall);
            EXPECT_EQ(result.error().code, Errc::forbidden);
        });
        EXPECT_TRUE(co_await group.wait(after(5s)));
    });
}

TEST(TaskWatcher, RefusesWhatIsNoTask) {
    FakeServer server;
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        for (const auto& id : {std::string(), std::string("a\nb"), std::string(300, 'a')}) {
            const auto result = co_await wait_for_task(client, {"Task", id}, kCall);
            EXPECT_EQ(result.error().code, Errc::invalid_argument);
        }
    });
}

TaskUpdate update_of(std::string_view new_state, std::optional<int> new_percent = {}) {
    TaskUpdate update;
    update.task = kTask;
    update.state = new_state;
    update.percent = new_percent;
    return update;
}

TEST(TaskState, IgnoresWhatComesAfterTheEnd) {
    TaskState state;
    state.apply(update_of("success"));
    state.apply(update_of("running", 3));
    state.apply(update_of("error"));
    state.vanish();
    EXPECT_TRUE(state.finished);
    EXPECT_FALSE(state.fault);
    EXPECT_FALSE(state.vanished);
    EXPECT_EQ(state.percent, 100);
}

TEST(TaskState, NeverGoesBack) {
    TaskState state;
    state.apply(update_of("running", 50));
    state.apply(update_of("running", 0));
    EXPECT_EQ(state.percent, 50);
}

TEST(TaskUpdates, LeaveOutWhatIsNotUnderstood) {
    const auto answer = updates(
        "1",
        object(state("dancing") + percent("101") + percent("-5") + change("info.error", "")) +
            "<objectSet><kind>modify</kind></objectSet>" + object(state("success"), "")
    );
    const auto reply = parse_reply("WaitForUpdatesEx", 200, answer.body);
    ASSERT_TRUE(reply);
    const auto read = read_task_updates(*reply);
    ASSERT_EQ(read.size(), 1U);
    EXPECT_FALSE(read[0].percent);
    EXPECT_FALSE(read[0].fault);
    TaskState task;
    task.apply(read[0]);
    EXPECT_FALSE(task.finished);
}

TEST(TaskUpdates, ReadAWholeTaskInfoToo) {
    const auto answer = updates(
        "1",
        object(change(
            "info",
            R"(<val xsi:type="TaskInfo"><state>running</state>)"
            R"(<progress>7</progress></val>)"
        ))
    );
    const auto reply = parse_reply("WaitForUpdatesEx", 200, answer.body);
    ASSERT_TRUE(reply);
    const auto read = read_task_updates(*reply);
    ASSERT_EQ(read.size(), 1U);
    EXPECT_EQ(read[0].state, "running");
    EXPECT_EQ(read[0].percent, 7);
}

}  // namespace
}  // namespace slipway::vsphere
