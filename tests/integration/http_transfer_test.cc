#include "tests/integration/http_server_fixture.h"

#include <sys/socket.h>

namespace slipway::http {
namespace {

using namespace std::chrono_literals;
using test::RawClient;

constexpr std::size_t kMebibyte = 1U << 20U;
const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

using HttpTransferTest = HttpServerTest;

std::string put(const std::string& target, const std::string& fields) {
    return "PUT " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST_F(HttpTransferTest, Sends100OnlyWhenTheBodyIsRead) {
    start();
    RawClient reading(port);
    reading.send(put("/text", "Content-Length: 4\r\nExpect: 100-continue\r\n"));
    const auto interim = reading.read_answer();
    EXPECT_EQ(interim.head, "HTTP/1.1 100 Continue\r\n");
    reading.send("body");
    EXPECT_EQ(reading.read_answer().body, "body");
    reading.send(kGet);
    EXPECT_EQ(reading.read_answer().body, "ok");
}

TEST_F(HttpTransferTest, ReadsNoByteOfARefusedUpload) {
    start();
    RawClient refused(port);
    const auto before = server->read_calls();
    refused.send(put("/refuse", "Content-Length: 1000000\r\nExpect: 100-continue\r\n"));
    const auto answer = refused.read_answer();
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.header("Connection"), "close");
    EXPECT_LE(server->read_calls(), before + 1);
    EXPECT_EQ(body_bytes, 0U);
}

TEST_F(HttpTransferTest, LeavesOut100WhenTheBodyHasComeAlready) {
    start();
    RawClient client(port);
    client.send(put("/text", "Content-Length: 4\r\nExpect: 100-continue\r\n") + "body");
    EXPECT_EQ(client.read_answer().body, "body");
}

TEST_F(HttpTransferTest, ReadsALargeBodyInFewReads) {
    start();
    const auto body = pattern(20 * kMebibyte);
    for (const char* target : {"/sum?piece=4096", "/sum?piece=4194304"}) {
        const auto before = server->read_calls();
        RawClient client(port);
        client.send(put(target, "Content-Length: " + std::to_string(body.size()) + "\r\n"));
        client.send(body);
        EXPECT_EQ(client.read_answer().body, std::to_string(body.size())) << target;
        EXPECT_LT(server->read_calls() - before, 1500U) << target;
    }
}

TEST_F(HttpTransferTest, ReadsALargeChunkedBodyInFewReads) {
    start();
    const auto body = pattern(20 * kMebibyte);
    const auto before = server->read_calls();
    RawClient client(port);
    client.send(put("/sum?piece=4194304", "Transfer-Encoding: chunked\r\n"));
    for (std::size_t at = 0; at < body.size(); at += kMebibyte)
        client.send("100000\r\n" + body.substr(at, kMebibyte) + "\r\n");
    client.send("0\r\n\r\n");
    EXPECT_EQ(client.read_answer().body, std::to_string(body.size()));
    EXPECT_LT(server->read_calls() - before, 1500U);
}

TEST_F(HttpTransferTest, HoldsTheSenderBackWhileNobodyReads) {
    start();
    RawClient client(port, 0, 500ms);
    const auto before = allocated_bytes();
    client.send("PUT /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
    const std::string piece(64U << 10U, 'x');
    std::size_t taken = 0;
    while (taken < 100 * kMebibyte && client.send(piece)) taken += piece.size();
    EXPECT_LT(taken, 50 * kMebibyte);
    EXPECT_LT(allocated_bytes(), before + kMebibyte);
    released = true;
}

TEST_F(HttpTransferTest, GivesTheBodysMemoryBackWhenIdle) {
    start();
    RawClient client(port);
    client.send(kGet);
    client.read_answer();
    std::this_thread::sleep_for(50ms);
    const auto before = allocated_bytes();
    const std::string body = pattern(kMebibyte);
    client.send(
        put("/sum?piece=4096", "Content-Length: " + std::to_string(body.size()) + "\r\n") + body
    );
    EXPECT_EQ(client.read_answer().status, 200);
    const auto limit = before + body.size() + (32U << 10U);
    for (int looks = 0; looks < 500 && allocated_bytes() >= limit; ++looks)
        std::this_thread::sleep_for(10ms);
    EXPECT_LT(allocated_bytes(), limit);
}

TEST_F(HttpTransferTest, RefusesABodyThatEndsEarly) {
    start();
    RawClient client(port);
    client.send(put("/text", "Content-Length: 10\r\n") + "short");
    client.half_close();
    EXPECT_EQ(client.read_answer().status, 400);
    EXPECT_TRUE(client.is_closed_by_peer());
    EXPECT_EQ(broken_bodies, 1);
}

TEST_F(HttpTransferTest, CutsABodyThatStallsOrDrips) {
    limits.stall_limit = 500ms;
    limits.min_bytes_per_second = 1024;
    start();
    RawClient stalled(port);
    stalled.send(put("/sum", "Content-Length: 1000\r\n") + pattern(10));
    EXPECT_TRUE(stalled.is_closed_by_peer());
    RawClient dripping(port);
    dripping.send(put("/text", "Content-Length: 1000000\r\n"));
    for (int i = 0; i < 500 && dripping.send(pattern(1)); ++i) std::this_thread::sleep_for(20ms);
    EXPECT_TRUE(dripping.is_closed_by_peer());
    EXPECT_EQ(broken_bodies, 2);
    EXPECT_TRUE(reaches_connections(0));
}

TEST_F(HttpTransferTest, LetsAnEarlyAnswerBeSeenByAClientThatIsStillSending) {
    start();
    RawClient client(port);
    client.send(put("/refuse", "Content-Length: 104857600\r\n"));
    std::thread sender([&client] {
        const std::string piece(kMebibyte, 'x');
        for (int i = 0; i < 100 && client.send(piece); ++i) {
        }
    });
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 409);
    EXPECT_EQ(answer.header("Connection"), "close");
    sender.join();
    EXPECT_LT(server->read_calls(), 100U);
    EXPECT_TRUE(reaches_connections(0));
}

TEST_F(HttpTransferTest, KeepsTheConnectionAfterASmallBodyThatNobodyRead) {
    start();
    RawClient client(port);
    client.send(put("/refuse", "Content-Length: 10\r\n"));
    EXPECT_EQ(client.read_answer().status, 409);
    client.send("0123456789" + kGet);
    EXPECT_EQ(client.read_answer().body, "ok");
    client.send(put("/refuse", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n" + kGet);
    EXPECT_EQ(client.read_answer().status, 409);
    EXPECT_EQ(client.read_answer().body, "ok");
}

TEST_F(HttpTransferTest, SendsAStreamOfManyChunks) {
    start();
    const std::size_t size = 2 * kChunkBytes + 12345;
    RawClient client(port);
    client.send("GET /stream?size=" + std::to_string(size) + " HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.header("Content-Length"), std::to_string(size));
    EXPECT_TRUE(answer.body == pattern(size));
    EXPECT_EQ(client.read_answer().body, "ok");
}

TEST_F(HttpTransferTest, HoldsTwoChunksWhileAReaderIsSlow) {
    start();
    const std::size_t size = 64 * kMebibyte;
    const auto before = allocated_bytes();
    RawClient client(port, 64 << 10);
    client.send("GET /stream?size=" + std::to_string(size) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    std::this_thread::sleep_for(300ms);
    EXPECT_LT(allocated_bytes(), before + 2 * kChunkBytes + kMebibyte);
    EXPECT_LT(produced_bytes, 16 * kMebibyte);
    std::size_t got = 0;
    std::size_t most = 0;
    for (auto piece = client.read_some(); !piece.empty(); piece = client.read_some()) {
        got += piece.size();
        if (got % 64 == 0) most = std::max(most, allocated_bytes());
        if (got >= size) break;
    }
    EXPECT_GE(got, size);
    EXPECT_LT(most, before + 2 * kChunkBytes + 2 * kMebibyte);
}

TEST_F(HttpTransferTest, CutsAReaderThatTakesNothing) {
    limits.stall_limit = 2s;
    start();
    RawClient client(port, 64 << 10);
    client.send("GET /stream?size=1000000000 HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(reaches_connections(1));
    EXPECT_TRUE(reaches_connections(0));
    EXPECT_LT(client.read_to_end().size(), 100 * kMebibyte);
}

TEST_F(HttpTransferTest, AbortsAStreamThatIsShorterOrLongerThanAnnouncedOrFails) {
    start();
    for (const char* query :
         {"size=5000000&announced=6000000",
          "size=6000000&announced=5000000",
          "size=10000000&fails=5000000"}) {
        RawClient client(port);
        client.send("GET /stream?" + std::string(query) + " HTTP/1.1\r\nHost: a\r\n\r\n");
        const auto bytes = client.read_to_end();
        const auto body = bytes.size() - (bytes.find("\r\n\r\n") + 4);
        EXPECT_LT(body, 5'000'000U) << query;
        EXPECT_TRUE(client.was_reset()) << query;
    }
}

TEST_F(HttpTransferTest, AnswersAStreamThatFailsBeforeItsFirstByteWithAProblem) {
    start();
    RawClient client(port);
    client.send("GET /stream?size=100&fails=0 HTTP/1.1\r\nHost: a\r\n\r\n" + kGet);
    const auto answer = client.read_answer();
    EXPECT_EQ(answer.status, 503);
    EXPECT_NE(answer.header("x-openstack-request-id"), "");
    EXPECT_EQ(client.read_answer().body, "ok");
}

TEST_F(HttpTransferTest, SendsBackABodyWhileItStillComes) {
    start();
    const auto body = pattern(9 * kMebibyte);
    RawClient client(port);
    std::thread sender([&] {
        client.send(put("/echo", "Content-Length: " + std::to_string(body.size()) + "\r\n"));
        client.send(body);
    });
    const auto answer = client.read_answer();
    sender.join();
    EXPECT_TRUE(answer.body == body);
}

}  // namespace
}  // namespace slipway::http
