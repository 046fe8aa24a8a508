#include "app/cli/task_client.h"
#include "tests/support/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

namespace slipway::app::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kImage = "11111111-2222-4333-8444-555555555555";
constexpr const char* kTask = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";

std::string task_json(const std::string& status, int progress, const std::string& error = "null") {
    return R"({"id": ")" + std::string(kTask) + R"(", "status": ")" + status +
           R"(", "progress": )" + std::to_string(progress) + R"(, "error": )" + error + "}";
}

// A server that answers what it was told to, in order.
class ScriptedServer final : public ApiTransport {
public:
    explicit ScriptedServer(std::deque<Result<ApiReply>> replies) : replies_(std::move(replies)) {}

    awaitable<Result<ApiReply>> send(std::string method, std::string path, std::string body)
        override {
        requests.push_back(method + " " + path + (body.empty() ? "" : " " + body));
        if (replies_.empty()) co_return Error(Errc::internal, "the script is over");
        auto reply = std::move(replies_.front());
        replies_.pop_front();
        co_return reply;
    }

    std::vector<std::string> requests;

private:
    std::deque<Result<ApiReply>> replies_;
};

Result<ApiReply> reply(int status, std::string body) {
    return ApiReply{status, std::move(body)};
}
Result<ApiReply> lost() {
    return Error(Errc::unavailable, "the connection was reset");
}

struct Outcome {
    Result<ServerTask> task;
    std::vector<int> percents;
};

Outcome cloned(ScriptedServer& server, bool wait = true, std::string image = kImage) {
    CloneOptions options;
    options.image = std::move(image);
    options.datacenter = "DC0";
    options.datastore = "ds1";
    options.path = "vm/\"disk\".vmdk";
    options.wait = wait;
    std::vector<int> percents;
    TaskWatch watch;
    watch.seen = [&percents](const ServerTask& task) { percents.push_back(task.progress); };
    watch.pause = []() -> awaitable<void> { co_return; };
    auto task = test::run(run_clone(server, options, watch));
    return {std::move(task), std::move(percents)};
}

TEST(CloneCommand, AsksForACloneAndFollowsItsTask) {
    ScriptedServer server(
        {reply(202, task_json("pending", 0)),
         reply(200, task_json("running", 49)),
         reply(200, task_json("success", 100))}
    );
    const auto outcome = cloned(server);
    ASSERT_TRUE(outcome.task) << outcome.task.error().message;
    EXPECT_EQ(outcome.task->id, kTask);
    EXPECT_THAT(outcome.percents, ElementsAre(0, 49, 100));
    EXPECT_THAT(
        server.requests,
        ElementsAre(
            "POST /slipway/v1/images/11111111-2222-4333-8444-555555555555/clones "
            R"({"datacenter":"DC0","datastore":"ds1","path":"vm/\"disk\".vmdk"})",
            "GET /slipway/v1/tasks/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
            "GET /slipway/v1/tasks/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
        )
    );
}

TEST(CloneCommand, LeavesAtOnceWhenToldNotToWait) {
    ScriptedServer server({reply(202, task_json("pending", 0))});
    const auto outcome = cloned(server, false);
    ASSERT_TRUE(outcome.task);
    EXPECT_THAT(server.requests, testing::SizeIs(1));
}

TEST(CloneCommand, PassesOnWhatTheServerRefuses) {
    ScriptedServer server({reply(
        409,
        R"({"error": {"code": 409, "title": "Conflict", "message": "The target exists; choose another path."}})"
    )});
    const auto outcome = cloned(server);
    ASSERT_FALSE(outcome.task);
    EXPECT_EQ(outcome.task.error().code, Errc::conflict);
    EXPECT_EQ(outcome.task.error().message, "The target exists; choose another path.");
}

TEST(CloneCommand, ReportsATaskThatFailed) {
    ScriptedServer server(
        {reply(202, task_json("pending", 0)),
         reply(
             200,
             task_json(
                 "failure",
                 30,
                 R"({"code": 507, "title": "x", "message": "The datastore is full."})"
             )
         )}
    );
    const auto outcome = cloned(server);
    ASSERT_FALSE(outcome.task);
    EXPECT_EQ(outcome.task.error().code, Errc::internal);
    EXPECT_EQ(outcome.task.error().message, "the task ended with failure: The datastore is full.");
}

TEST(CloneCommand, OutlivesAServerThatIsAwayForAWhile) {
    ScriptedServer server(
        {reply(202, task_json("running", 1)),
         lost(),
         reply(503, ""),
         lost(),
         lost(),
         reply(200, task_json("running", 2)),
         lost(),
         reply(200, task_json("success", 100))}
    );
    EXPECT_TRUE(cloned(server).task);
}

TEST(CloneCommand, GivesUpOnAServerThatStaysAway) {
    ScriptedServer server(
        {reply(202, task_json("running", 1)), lost(), lost(), lost(), lost(), lost()}
    );
    const auto outcome = cloned(server);
    ASSERT_FALSE(outcome.task);
    EXPECT_EQ(outcome.task.error().code, Errc::unavailable);
    EXPECT_THAT(outcome.task.error().message, HasSubstr(kTask));
}

TEST(CloneCommand, DoesNotAskTwiceForAClone) {
    ScriptedServer server({lost()});
    EXPECT_EQ(cloned(server).task.error().code, Errc::unavailable);
    EXPECT_THAT(server.requests, testing::SizeIs(1));
}

TEST(CloneCommand, RefusesAnswersThatAreNoTask) {
    for (const char* body :
         {"",
          "[]",
          "{}",
          "<html>",
          R"({"id": "../../v2/images", "status": "running"})",
          R"({"id": 5})"}) {
        ScriptedServer server({reply(202, body)});
        EXPECT_EQ(cloned(server).task.error().code, Errc::corrupt) << body;
    }
    for (const char* body :
         {"", "not json", "[]", R"({"error": 5})", R"({"error": {"message": 5}})"}) {
        ScriptedServer server({reply(500, body)});
        EXPECT_EQ(cloned(server).task.error().message, "the server answered 500 without saying why")
            << body;
    }
}

TEST(CloneCommand, WantsAnImageId) {
    ScriptedServer server({});
    EXPECT_EQ(cloned(server, true, "../x").task.error().code, Errc::invalid_argument);
    EXPECT_THAT(server.requests, testing::IsEmpty());
}

}  // namespace
}  // namespace slipway::app::cli
