#include "auth/rest.h"

#include "auth/nova_flavors.h"
#include "tests/fakes/scripted_server.h"
#include "tests/support/results.h"
#include "tests/unit/auth/fake_keystone.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>

#include <gmock/gmock.h>

#include <charconv>
#include <mutex>

namespace slipway::auth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace slipway::test;

std::string answer(
    const std::string& status, const std::string& body, const std::string& more = ""
) {
    return "HTTP/1.1 " + status +
           "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n" + more + "\r\n" + body;
}

// Keystone and Nova on one port, by plain HTTP.
class SmallCloud {
public:
    SmallCloud() : server_({[this](Peer& peer) { serve(peer); }}) {}

    [[nodiscard]] std::string url(const std::string& path) const { return server_.url(path); }
    std::vector<std::string> heads() {
        const std::lock_guard lock(mutex_);
        return heads_;
    }

private:
    void serve(Peer& peer) {
        while (true) {
            const std::string head = peer.read_head();
            {
                const std::lock_guard lock(mutex_);
                heads_.push_back(head);
            }
            peer.read_exactly(body_bytes(head));
            if (head.starts_with("POST /v3/auth/tokens"))
                peer.write(answer(
                    "201 Created",
                    test::token_body("slipway", {"admin"}),
                    "X-Subject-Token: our-token\r\n"
                ));
            else if (head.find("X-Auth-Token: our-token\r\n") == std::string::npos)
                peer.write(answer("401 Unauthorized", "{}"));
            else if (head.starts_with("GET /v2.1/flavors/detail?is_public=None HTTP"))
                peer.write(answer("200 OK", R"({"flavors": [{"id": "a", "disk": 20}],
                    "flavors_links": [{"rel": "next", "href": "http://elsewhere/"}]})"));
            else
                peer.write(answer("200 OK", R"({"flavors": [{"id": "b", "disk": 40}]})"));
        }
    }
    static std::size_t body_bytes(const std::string& head) {
        const std::string name = "Content-Length: ";
        const std::size_t at = head.find(name);
        std::size_t bytes = 0;
        if (at != std::string::npos)
            std::from_chars(head.data() + at + name.size(), head.data() + head.size(), bytes);
        return bytes;
    }

    std::mutex mutex_;
    std::vector<std::string> heads_;  // guarded by mutex_
    ScriptedServer server_;           // last: its threads use the rest
};

TEST(HttpRestClient, AsksNovaForFlavorsWithATokenOfKeystone) {
    SmallCloud cloud;
    asio::io_context io;
    net::HttpClient http(asio::make_strand(io), {});
    HttpRestClient wire(http, {});
    Account account = test::account();
    account.auth_url = cloud.url("/v3");
    ServiceSession session(wire, account);
    NovaFlavors flavors(session, cloud.url("/v2.1"));
    std::optional<Result<std::vector<std::uint64_t>>> sizes;
    const auto body = [&]() -> awaitable<void> {
        sizes = co_await flavors.root_disks(test::kCall);
    };
    asio::co_spawn(asio::make_strand(io), body, [&](std::exception_ptr thrown) {
        io.stop();
        if (thrown) std::rethrow_exception(thrown);
    });
    io.run();
    ASSERT_TRUE(sizes);
    ASSERT_OK(*sizes);
    EXPECT_THAT(**sizes, ElementsAre(20U, 40U));
    const auto heads = cloud.heads();
    ASSERT_EQ(heads.size(), 3U);
    EXPECT_THAT(heads[0], HasSubstr("Content-Type: application/json"));
    EXPECT_THAT(heads[2], HasSubstr("GET /v2.1/flavors/detail?is_public=None&marker=a HTTP/1.1"));
}

}  // namespace
}  // namespace slipway::auth
