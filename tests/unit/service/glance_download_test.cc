#include "service/glance_download.h"

#include "tests/fakes/scripted_server.h"
#include "tests/support/run.h"
#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/this_coro.hpp>

namespace slipway::test {
namespace {

using service::FetchedData;
using service::GlanceDownload;
using service::ImportMethod;
using service::ImportRequest;
using testing::HasSubstr;

constexpr const char* kRemote = "70c4b014-c77e-467c-a910-1902585b5391";

std::string answer(const std::string& body, int status = 200) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

const std::string kRecord =
    R"({"id": "70c4b014-c77e-467c-a910-1902585b5391", "status": "active", "size": 5,
        "disk_format": "qcow2", "container_format": "bare", "hw_cpu_cores": "5",
        "os_distro": "rhel", "speed": "88mph", "os_glance_x": "no", "owner": "hw_no"})";

class GlanceDownloads : public testing::Test {
protected:
    ScriptedServer::Script saying(std::string reply) {
        return [this, reply = std::move(reply)](Peer& peer) {
            heads_.push_back(peer.read_head());
            peer.write(reply);
        };
    }

    // Fetches with the token "secret"; the body is read to its end.
    Result<std::string> fetch(ScriptedServer& server, bool with_check = true) {
        auto work = [&]() -> awaitable<Result<std::string>> {
            net::HttpClient client(co_await asio::this_coro::executor, {});
            net::FetchFilter filter;
            filter.allowed_hosts = {"127.0.0.1"};
            filter.allowed_ports.clear();
            const std::string endpoint =
                "http://127.0.0.1:" + std::to_string(server.port()) + "/image/";
            GlanceDownload download({
                client,
                filter,
                {},
                [&](std::string region, std::string interface, const Call&)
                    -> awaitable<Result<std::string>> {
                    EXPECT_EQ(interface, "public");
                    if (region != "two") co_return Error(Errc::not_found, "no such region");
                    co_return endpoint;
                },
                {"hw_", "os_distro"},
                "server",
            });
            ImportRequest request;
            request.method = ImportMethod::glance_download;
            request.region = "two";
            request.remote_image = kRemote;
            TaskRecord task;
            task.id = TaskId("t");
            Caller caller = member_of("owner");
            EXPECT_EQ(
                (co_await download.check(caller, request, task)).error().code, Errc::forbidden
            ) << "no token";
            caller.identity.token = Secret("secret");
            if (with_check) SLIPWAY_CO_CHECK(co_await download.check(caller, request, task));
            if (with_check) EXPECT_EQ(task.server, "server");
            SLIPWAY_CO_TRY(FetchedData data, co_await download.fetch(task, request, Call()));
            EXPECT_EQ(data.size_bytes, 5U);
            data.change(image_);
            std::string text(6, '\0');
            SLIPWAY_CO_TRY(
                const std::size_t got,
                co_await read_full(*data.body, std::as_writable_bytes(std::span(text)))
            );
            text.resize(got);
            co_return text;
        };
        return run(work());
    }

    std::vector<std::string> heads_;
    Image image_;
};

TEST_F(GlanceDownloads, TakesDataFormatsAndSomeProperties) {
    ScriptedServer server({saying(answer(kRecord)), saying(answer("hello"))});
    image_.properties = {{"hw_cpu_cores", "1"}, {"hw_gone", "x"}, {"mine", "y"}};
    EXPECT_EQ(fetch(server).value(), "hello");
    EXPECT_EQ(image_.disk_format, "qcow2");
    EXPECT_EQ(image_.container_format, "bare");
    const std::map<std::string, std::optional<std::string>> expected{
        {"hw_cpu_cores", "5"}, {"os_distro", "rhel"}, {"mine", "y"}};
    EXPECT_EQ(image_.properties, expected);
    ASSERT_EQ(heads_.size(), 2U);
    EXPECT_THAT(heads_[0], HasSubstr(std::string("GET /image/v2/images/") + kRemote + " HTTP"));
    EXPECT_THAT(heads_[0], HasSubstr("X-Auth-Token: secret"));
    EXPECT_THAT(heads_[1], HasSubstr("/file HTTP"));
}

TEST_F(GlanceDownloads, NeedAnActiveImage) {
    for (const std::string& reply :
         {answer("{}", 404),
          answer("{}", 403),
          answer("[]"),
          answer("{\"status\": \"queued\"}"),
          answer("oops", 500),
          answer("", 302)}) {
        ScriptedServer server({saying(reply)});
        EXPECT_FALSE(fetch(server)) << reply;
    }
}

TEST_F(GlanceDownloads, AreOverWithTheProcessThatHadTheToken) {
    ScriptedServer server({});
    const auto refused = fetch(server, false);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("token"));
}

}  // namespace
}  // namespace slipway::test
