#include "net/http_client.h"

#include "base/async.h"
#include "tests/unit/net/net_fixture.h"

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include <atomic>
#include <future>

namespace slipway::net {
namespace {

using namespace std::chrono_literals;

Result<Answer> reply_to_get(std::string reply) {
    ScriptedServer server({answering(std::move(reply))});
    return fetch_once(request_to(server.url("/")));
}

// Sends `body` in a PUT and returns all that the server got, once the client has hung up.
struct Sent {
    Result<Answer> answer;
    std::string bytes;
};

Sent put(ByteSource& body) {
    std::promise<std::string> received;
    ScriptedServer server({[&](Peer& peer) {
        std::string bytes = peer.read_head();
        peer.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        for (auto more = peer.read_some(4096); !more.empty(); more = peer.read_some(4096))
            bytes += more;
        received.set_value(std::move(bytes));
    }});
    auto request = request_to(server.url("/folder/x?dsName=a%20b"), "PUT");
    request.body = &body;
    auto answer = fetch_once(request);
    return {std::move(answer), received.get_future().get()};
}

TEST(HttpClient, SendsOneHeadAndReadsAFixedBody) {
    std::string head;
    ScriptedServer server({[&](Peer& peer) {
        head = peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a: 2\r\n\r\nhello");
    }});
    auto request = request_to(server.url("/a?b=c"));
    request.headers = {{"Cookie", "k=v"}};
    EXPECT_EQ(fetch_once(request)->body, "hello");
    EXPECT_EQ(
        head,
        "GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
            "\r\nUser-Agent: slipway\r\nCookie: k=v\r\n\r\n"
    );
}

TEST(HttpClient, FindsHeadersInAnyCase) {
    ScriptedServer server({answering(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\nSET-COOKIE: b=2\r\n\r\n"
    )});
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        const auto response = (co_await client.send(request_to(server.url("/")), {}, {})).value();
        EXPECT_EQ(response->header("set-cookie"), "a=1");
        EXPECT_EQ(response->header_values("Set-Cookie"), (std::vector<std::string>{"a=1", "b=2"}));
        EXPECT_EQ(response->header("absent"), "");
        EXPECT_EQ(response->content_length(), 0U);
    };
    test::run(body());
}

TEST(HttpClient, ReadsChunksAndSkipsInterimAnswersAndTrailers) {
    const auto answer = reply_to_get(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n1;ext=1\r\n \r\n5\r\nworld\r\n0\r\nX-Roles: admin\r\n\r\n"
    );
    EXPECT_EQ(answer->body, "hello world");
}

TEST(HttpClient, KnowsThatSomeAnswersHaveNoBody) {
    ScriptedServer server({answering("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")});
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        auto response = (co_await client.send(request_to(server.url("/"), "HEAD"), {}, {})).value();
        EXPECT_EQ(response->content_length(), 99U);
        EXPECT_EQ((co_await response->read_text(10)).value(), "");
    };
    test::run(body());
    EXPECT_EQ(reply_to_get("HTTP/1.1 204 No Content\r\n\r\n")->status, 204);
}

TEST(HttpClient, DoesNotFollowRedirects) {
    ScriptedServer elsewhere({answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")});
    const auto answer = reply_to_get(
        "HTTP/1.1 302 Found\r\nLocation: " + elsewhere.url("/") + "\r\nContent-Length: 0\r\n\r\n"
    );
    EXPECT_EQ(answer->status, 302);
    EXPECT_EQ(elsewhere.connections(), 0);
}

TEST(HttpClient, RefusesAnswersThatAreNotHttp) {
    const std::string ok = "HTTP/1.1 200 OK\r\n";
    const std::vector<std::string> bad = {
        "garbage\r\n\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        std::string("\0\1\2\3\r\n\r\n", 8),
        ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk",
        ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        ok + "Content-Length: 2, 2\r\n\r\nok",
        ok + "Content-Length: -1\r\n\r\nok",
        ok + "Content-Length: +2\r\n\r\nok",
        ok + "Content-Length: 18446744073709551616\r\n\r\nok",
        ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: xchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
        ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nokk\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nok\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n" + std::string(200'000, '0') +
            "2\r\nok\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n2;" + std::string(200'000, 'x') +
            "\r\nok\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nT: " + std::string(200'000, 'x') + "\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ok + "Bad Name: x\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        ok + "Set-Cookie: " + std::string(1U << 20U, 'x') + "\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 " + std::string(100'000, 'x') + "\r\nContent-Length: 2\r\n\r\nok",
    };
    for (const auto& reply : bad) {
        const auto answer = reply_to_get(reply);
        ASSERT_FALSE(answer) << reply.substr(0, 100);
        EXPECT_EQ(answer.error().code, Errc::corrupt)
            << reply.substr(0, 100) << answer.error().message;
    }
}

TEST(HttpClient, EndsAFloodOfInterimAnswers) {
    std::string flood;
    for (int i = 0; i < 1000; ++i) flood += "HTTP/1.1 102 Processing\r\n\r\n";
    EXPECT_EQ(reply_to_get(flood).error().code, Errc::corrupt);
}

TEST(HttpClient, RefusesABodyWithoutAnEnd) {
    EXPECT_EQ(reply_to_get("HTTP/1.1 200 OK\r\n\r\nsome").error().code, Errc::corrupt);
    EXPECT_EQ(
        reply_to_get("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").error().code, Errc::corrupt
    );
}

TEST(HttpClient, StopsAnEndlessReplyAtTheLimit) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (;;) peer.write("400\r\n" + std::string(1024, 'x') + "\r\n");
    }});
    const auto answer = fetch_once(request_to(server.url("/")));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::too_large);
}

// Every prefix of a good answer, over a cut connection: never taken for the whole.
void expect_no_prefix_passes(const std::string& whole, std::optional<test::Identity> identity) {
    std::atomic<std::size_t> cut_at = 0;  // read by the server's thread
    ScriptedServer server(
        {[&](Peer& peer) {
            peer.read_head();
            peer.write(std::string_view(whole).substr(0, cut_at));
            peer.cut();
        }},
        identity
    );
    const TlsTrust trust{.insecure = identity.has_value()};
    for (; cut_at < whole.size(); ++cut_at) {
        const auto answer = fetch_once(request_to(server.url("/")), trust);
        ASSERT_FALSE(answer) << "cut at " << cut_at;
        ASSERT_EQ(answer.error().code, Errc::unavailable) << "cut at " << cut_at;
    }
    EXPECT_EQ(fetch_once(request_to(server.url("/")), trust)->body, "hello");
}

constexpr const char* kFixed = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
constexpr const char* kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n";

TEST(HttpClient, NeverTakesATruncatedBodyForTheWhole) {
    expect_no_prefix_passes(kFixed, {});
    expect_no_prefix_passes(kChunked, {});
}

TEST(HttpClient, NeverTakesATruncatedBodyForTheWholeOverTls) {
    const auto identity = test::make_certificate({});
    expect_no_prefix_passes(kFixed, identity);
    expect_no_prefix_passes(kChunked, identity);
}

TEST(HttpClient, WritesAFixedBodyExactly) {
    AnnouncedText source("hello world", 11);
    const auto sent = put(source);
    EXPECT_EQ(sent.answer->status, 201);
    EXPECT_TRUE(sent.bytes.ends_with("Content-Length: 11\r\n\r\nhello world")) << sent.bytes;
}

TEST(HttpClient, WritesABodyOfUnknownSizeInChunks) {
    AnnouncedText source("hello world", std::nullopt);
    const auto sent = put(source);
    EXPECT_EQ(sent.answer->status, 201);
    EXPECT_TRUE(sent.bytes.ends_with(
        "Transfer-Encoding: chunked\r\n\r\n7\r\nhello w\r\n4\r\norld\r\n0\r\n\r\n"
    )) << sent.bytes;
}

TEST(HttpClient, WritesAnEmptyBody) {
    AnnouncedText fixed("", 0);
    EXPECT_TRUE(put(fixed).bytes.ends_with("Content-Length: 0\r\n\r\n"));
    AnnouncedText chunked("", std::nullopt);
    EXPECT_TRUE(put(chunked).bytes.ends_with("\r\n\r\n0\r\n\r\n"));
}

TEST(HttpClient, BreaksOffWhenTheBodyIsNotAsAnnounced) {
    for (const std::uint64_t announced : {0U, 5U, 10U, 12U, 1000U}) {
        AnnouncedText source("hello world", announced);
        const auto sent = put(source);
        ASSERT_FALSE(sent.answer) << announced;
        EXPECT_EQ(sent.answer.error().code, Errc::corrupt);
        const auto body = sent.bytes.substr(sent.bytes.find("\r\n\r\n") + 4);
        if (announced > 0) {
            EXPECT_LT(body.size(), announced) << "looks complete to the server";
        }
    }
}

// Fails after `good` bytes.
class FailingSource final : public ByteSource {
public:
    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (std::exchange(given_, true)) co_return Error(Errc::forbidden, "no more of this");
        into[0] = std::byte{'x'};
        co_return 1U;
    }

private:
    bool given_ = false;
};

TEST(HttpClient, PassesOnTheErrorOfTheSource) {
    FailingSource source;
    const auto sent = put(source);
    ASSERT_FALSE(sent.answer);
    EXPECT_EQ(sent.answer.error().message, "no more of this");
    EXPECT_FALSE(sent.bytes.ends_with("0\r\n\r\n"));
}

// A server that refuses at once and closes while the client still sends.
void expect_early_refusal(bool announce, std::optional<test::Identity> identity) {
    ScriptedServer server(
        {[](Peer& peer) {
             peer.read_head();
             peer.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
             peer.reset();
         },
         [](Peer& peer) {
             peer.read_head();
             peer.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
         }},
        identity
    );
    for (int i = 0; i < 10; ++i) {
        PatternSource source(64U << 20U, {.announced = announce});
        auto request = request_to(server.url("/x"), "PUT");
        request.body = &source;
        const auto answer = fetch_once(request, {.insecure = true});
        // A reset may overtake what was sent before it; a close may not.
        if (i == 0 && !answer) continue;
        ASSERT_TRUE(answer) << answer.error().message;
        EXPECT_EQ(answer->status, 401);
        EXPECT_LT(source.given(), 64U << 20U);
    }
}

TEST(HttpClient, ReportsARefusalThatComesWhileItSends) {
    expect_early_refusal(true, {});
    expect_early_refusal(false, {});
}

TEST(HttpClient, ReportsARefusalThatComesWhileItSendsOverTls) {
    expect_early_refusal(true, test::make_certificate({}));
}

TEST(HttpClient, GoesOnSendingBelowAnEarlySuccess) {
    Digest digest = Digest::create("sha256").value();
    constexpr std::size_t kSize = 8U << 20U;
    PatternSource source(kSize);
    std::promise<void> taken;  // the client may be done while the last bytes are on their way
    ScriptedServer server({[&](Peer& peer) {
        peer.read_head();
        peer.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
        const auto bytes = peer.read_exactly(kSize);
        digest.update(as_bytes_of(bytes));
        taken.set_value();
    }});
    auto request = request_to(server.url("/x"), "PUT");
    request.body = &source;
    const auto answer = fetch_once(request);
    EXPECT_EQ(answer->status, 201);
    ASSERT_EQ(taken.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
    EXPECT_EQ(digest.finish_hex(), test::pattern_sha256(kSize));
}

TEST(HttpClient, DoesNotBelieveASuccessThatLeavesTheBodyUnread) {
    ScriptedServer server({[&](Peer& peer) {
        peer.read_head();
        peer.write("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
    }});
    PatternSource source(64U << 20U);
    auto request = request_to(server.url("/x"), "PUT");
    request.body = &source;
    EXPECT_EQ(fetch_once(request).error().code, Errc::unavailable);
}

TEST(HttpClient, RefusesToSendWhatWouldBreakItsFraming) {
    ScriptedServer server({answering(kFixed)});
    const auto refused = [&](HttpRequest request) {
        const auto answer = fetch_once(std::move(request));
        return !answer && answer.error().code == Errc::invalid_argument;
    };
    auto request = request_to(server.url("/"));
    request.headers = {{"X-A", "b\r\nX-C: d"}};
    EXPECT_TRUE(refused(request));
    request.headers = {{"X A", "b"}};
    EXPECT_TRUE(refused(request));
    request.headers = {{"content-length", "3"}};
    EXPECT_TRUE(refused(request));
    request.headers = {{"Expect", "100-continue"}};
    EXPECT_TRUE(refused(request));
    request = request_to(server.url("/"));
    request.url.target = "/a b";
    EXPECT_TRUE(refused(request));
    request = request_to(server.url("/"), "GET /x HTTP/1.1\r\n");
    EXPECT_TRUE(refused(request));
}

}  // namespace
}  // namespace slipway::net
