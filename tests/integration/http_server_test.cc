#include "tests/integration/http_server_fixture.h"

#include <sys/resource.h>
#include <boost/system/error_code.hpp>

#include <cerrno>
#include <list>

namespace slipway::http {
namespace {

using namespace std::chrono_literals;
using test::RawClient;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST_F(HttpServerTest, ServesRequestsOneAfterTheOtherOnOneConnection) {
    start();
    RawClient client(port);
    for (int i = 0; i < 3; ++i) {
        client.send(kGet);
        const auto answer = client.read_answer();
        EXPECT_EQ(answer.status, 200);
        EXPECT_EQ(answer.body, "ok");
        EXPECT_EQ(answer.header("Connection"), "");
        EXPECT_TRUE(answer.header("x-openstack-request-id").starts_with("req-"));
    }
    EXPECT_EQ(server->connections(), 1U);
}

TEST_F(HttpServerTest, ServesPipelinedRequestsInOrder) {
    start();
    RawClient client(port);
    std::string many;
    for (int i = 0; i < 100; ++i) many += kGet;
    client.send(many);
    for (int i = 0; i < 100; ++i) ASSERT_EQ(client.read_answer().body, "ok") << i;
}

TEST_F(HttpServerTest, ClosesWhenTheClientAsksForIt) {
    start();
    RawClient client(port);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(client.read_answer().header("Connection"), "close");
    EXPECT_TRUE(client.is_closed_by_peer());
    EXPECT_FALSE(client.was_reset());
}

TEST_F(HttpServerTest, SpeaksHttp10) {
    start();
    RawClient once(port);
    once.send("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(once.read_answer().body, "ok");
    EXPECT_TRUE(once.is_closed_by_peer());
    RawClient kept(port);
    for (int i = 0; i < 2; ++i) {
        kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_EQ(kept.read_answer().header("Connection"), "keep-alive");
    }
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
    start();
    RawClient client(port);
    client.send(
        "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /stream?size=1000 HTTP/1.1\r\nHost: a\r\n\r\n" +
        kGet
    );
    EXPECT_EQ(client.read_answer(true).header("Content-Length"), "2");
    EXPECT_EQ(client.read_answer(true).header("Content-Length"), "1000");
    EXPECT_EQ(client.read_answer().body, "ok");
    EXPECT_EQ(produced_bytes, 0U);
}

TEST_F(HttpServerTest, AnswersAHandlerThatThrowsAndLives) {
    start();
    RawClient client(port);
    client.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.body.find("invariant"), std::string::npos);
    EXPECT_TRUE(client.is_closed_by_peer());
    RawClient next(port);
    next.send(kGet);
    EXPECT_EQ(next.read_answer().status, 200);
}

TEST_F(HttpServerTest, LetsNoLineBreakIntoAHeader) {
    start();
    RawClient client(port);
    client.send("GET /bad-header HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 500);
    EXPECT_EQ(answer.head.find("X-Injected"), std::string::npos);
}

TEST_F(HttpServerTest, ClosesAHeadThatDrips) {
    limits.header_timeout = 300ms;
    start();
    const auto begun = std::chrono::steady_clock::now();
    RawClient client(port);
    client.send("GET / HT");
    while (client.send("x") && std::chrono::steady_clock::now() - begun < 10s)
        std::this_thread::sleep_for(50ms);
    EXPECT_TRUE(client.is_closed_by_peer());
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 250ms);
    RawClient silent(port);
    EXPECT_TRUE(silent.is_closed_by_peer());
    EXPECT_EQ(requests, 0);
}

TEST_F(HttpServerTest, ClosesALaterHeadThatDrips) {
    limits.header_timeout = 2s;
    limits.idle_timeout = 60s;
    start();
    RawClient client(port);
    client.send(kGet);
    EXPECT_EQ(client.read_answer().status, 200);
    client.send("GET /");
    EXPECT_TRUE(client.is_closed_by_peer());
}

TEST_F(HttpServerTest, ClosesAnIdleConnection) {
    limits.idle_timeout = 200ms;
    start();
    RawClient client(port);
    client.send(kGet);
    EXPECT_EQ(client.read_answer().status, 200);
    EXPECT_TRUE(client.is_closed_by_peer());
}

TEST_F(HttpServerTest, PausesAcceptingAtItsLimitOfConnections) {
    limits.connections = 2;
    start();
    auto first = std::make_unique<RawClient>(port);
    RawClient second(port);
    ASSERT_TRUE(reaches_connections(2));
    RawClient third(port);
    third.send(kGet);
    EXPECT_FALSE(server->connections() > 2);
    first.reset();
    EXPECT_EQ(third.read_answer().status, 200);
}

TEST_F(HttpServerTest, ClosesConnectionsAboveTheLimitOfTheirAddress) {
    limits.connections_per_address = 2;
    start();
    RawClient first(port);
    RawClient second(port);
    ASSERT_TRUE(reaches_connections(2));
    RawClient third(port);
    EXPECT_TRUE(third.is_closed_by_peer());
    second.send(kGet);
    EXPECT_EQ(second.read_answer().status, 200);
}

TEST_F(HttpServerTest, RecoversWhenDescriptorsRunOut) {
    start();
    // The sanitizer opens a pipe when it meets a class's virtual table for the first time, which
    // must not be when there are no descriptors.
    EXPECT_FALSE(
        boost::system::error_code(EMFILE, boost::system::system_category()).message().empty()
    );
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    auto clients = std::make_unique<std::list<RawClient>>();
    rlimit low = old;
    low.rlim_cur = 64;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    try {
        while (clients->size() < 64) clients->emplace_back(port);
    } catch (const std::runtime_error&) {
        // No descriptor is left for a client, nor for the server to accept with.
    }
    std::this_thread::sleep_for(50ms);
    EXPECT_GT(clients->size(), 10U);
    clients.reset();
    ASSERT_TRUE(reaches_connections(0));
    RawClient client(port);
    client.send(kGet);
    EXPECT_EQ(client.read_answer().status, 200);
    setrlimit(RLIMIT_NOFILE, &old);
}

TEST_F(HttpServerTest, FinishesTheRequestInFlightWhenStopped) {
    start();
    RawClient idle(port);
    idle.send(kGet);
    EXPECT_EQ(idle.read_answer().status, 200);
    RawClient busy(port);
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    while (requests < 2) std::this_thread::sleep_for(5ms);
    server->stop_accepting();
    EXPECT_TRUE(idle.is_closed_by_peer());
    released = true;
    const auto answer = busy.read_answer();
    EXPECT_EQ(answer.body, "waited");
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_TRUE(busy.is_closed_by_peer());
    const auto stopped_port = port;
    EXPECT_TRUE(stop());
    EXPECT_THROW(RawClient(stopped_port, 0, 100ms), std::runtime_error);
}

TEST_F(HttpServerTest, CutsTheRequestThatOutlastsTheDeadline) {
    start();
    RawClient busy(port);
    busy.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    while (requests < 1) std::this_thread::sleep_for(5ms);
    EXPECT_FALSE(stop(200ms));
    EXPECT_EQ(busy.read_answer().status, 0);
}

TEST_F(HttpServerTest, ReportsAnAddressInUse) {
    start();
    ListenerOptions options;
    options.port = port;
    const auto second = server->listen(options);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::unavailable);
}

}  // namespace
}  // namespace slipway::http
