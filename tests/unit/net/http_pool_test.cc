#include "base/async.h"
#include "net/http_client.h"
#include "tests/unit/net/net_fixture.h"

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include <future>

namespace slipway::net {
namespace {

using namespace std::chrono_literals;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Serves requests for as long as they come.
void keep_alive(Peer& peer) {
    for (;;) {
        peer.read_head();
        peer.write(kOk);
    }
}

// Two requests by one client; the number of connections that it took.
struct Pair {
    Result<Answer> first;
    Result<Answer> second;
};

Pair fetch_twice(HttpRequest one, HttpRequest two, std::chrono::milliseconds between = 0ms) {
    auto body = [](HttpRequest a, HttpRequest b, std::chrono::milliseconds wait
                ) -> awaitable<Pair> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        auto first = co_await fetch(client, std::move(a));
        co_await sleep_for(wait);
        auto second = co_await fetch(client, std::move(b));
        co_return Pair{std::move(first), std::move(second)};
    };
    return test::run(body(std::move(one), std::move(two), between));
}

TEST(HttpPool, UsesAConnectionAgain) {
    ScriptedServer server({keep_alive});
    const auto pair = fetch_twice(request_to(server.url("/1")), request_to(server.url("/2")));
    EXPECT_TRUE(pair.first && pair.second);
    EXPECT_EQ(server.connections(), 1);
}

TEST(HttpPool, UsesATlsConnectionAgainForTheSameTrustOnly) {
    const auto identity = test::make_certificate({});
    ScriptedServer server({keep_alive}, identity);
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        const TlsTrust any{.insecure = true};
        const TlsTrust pinned{.sha256_thumbprints = {std::string(64, '0')}};
        EXPECT_TRUE(co_await fetch(client, request_to(server.url("/")), any));
        EXPECT_TRUE(co_await fetch(client, request_to(server.url("/")), any));
        EXPECT_EQ(server.connections(), 1);
        EXPECT_FALSE(co_await fetch(client, request_to(server.url("/")), pinned));
        EXPECT_EQ(server.connections(), 2);
    };
    test::run(body());
}

TEST(HttpPool, KeepsFreshConnectionsApart) {
    ScriptedServer server({keep_alive});
    auto fresh = request_to(server.url("/"));
    fresh.fresh_connection = true;
    fetch_twice(request_to(server.url("/")), fresh);
    EXPECT_EQ(server.connections(), 2);
}

TEST(HttpPool, DropsConnectionsThatTheServerWantsClosed) {
    ScriptedServer server(
        {answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")}
    );
    const auto pair = fetch_twice(request_to(server.url("/1")), request_to(server.url("/2")));
    EXPECT_TRUE(pair.first && pair.second);
    EXPECT_EQ(server.connections(), 2);
}

TEST(HttpPool, DropsAConnectionWithSurplusBytes) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.write(std::string(kOk) + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
        peer.stall();
    }});
    const auto pair = fetch_twice(request_to(server.url("/1")), request_to(server.url("/2")));
    EXPECT_EQ(pair.second->body, "ok");
    EXPECT_EQ(server.connections(), 2);
}

TEST(HttpPool, DropsAConnectionWhoseBodyWasNotRead) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\nok");
        peer.stall();
    }});
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        for (int i = 0; i < 2; ++i)
            EXPECT_TRUE(co_await client.send(request_to(server.url("/")), {}, {}));
    };
    test::run(body());
    EXPECT_EQ(server.connections(), 2);
}

TEST(HttpPool, SeesThatAnIdleConnectionWasClosed) {
    ScriptedServer server({answering(kOk), keep_alive});
    AnnouncedText source("x", 1);
    auto post = request_to(server.url("/2"), "POST");
    post.body = &source;
    const auto pair = fetch_twice(request_to(server.url("/1")), post, 1s);
    EXPECT_TRUE(pair.second);
    EXPECT_EQ(server.connections(), 2);
}

// The connection is closed when the second request has arrived: nobody can know in time.
void close_at_the_second(Peer& peer) {
    peer.read_head();
    peer.write(kOk);
    peer.read_head();
}

TEST(HttpPool, ReplacesAStaleConnectionOnceWhenThereIsNoBody) {
    ScriptedServer server({close_at_the_second, keep_alive});
    const auto pair = fetch_twice(request_to(server.url("/1")), request_to(server.url("/2")));
    EXPECT_TRUE(pair.second);
    EXPECT_EQ(server.connections(), 2);
}

TEST(HttpPool, DoesNotSendABodyTwice) {
    ScriptedServer server({close_at_the_second, keep_alive});
    AnnouncedText source("x", 1);
    auto post = request_to(server.url("/2"), "POST");
    post.body = &source;
    const auto pair = fetch_twice(request_to(server.url("/1")), post);
    ASSERT_FALSE(pair.second);
    EXPECT_EQ(pair.second.error().code, Errc::unavailable);
    EXPECT_EQ(server.connections(), 1);
}

TEST(HttpPool, DoesNotReplaceAFreshConnection) {
    ScriptedServer server({[](Peer& peer) { peer.read_head(); }});
    EXPECT_EQ(fetch_once(request_to(server.url("/"))).error().code, Errc::unavailable);
    EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTime, EndsAtTheDeadlineWhenNoAnswerComes) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.stall();
    }});
    Call call;
    call.deadline = after(50ms);
    EXPECT_EQ(fetch_once(request_to(server.url("/")), {}, call).error().code, Errc::timeout);
}

TEST(HttpTime, EndsAtTheDeadlineWhenTheHandshakeStalls) {
    ScriptedServer server({[](Peer& peer) { peer.stall(); }});
    auto request = request_to(server.url("/"));
    request.url.scheme = "https";
    Call call;
    call.deadline = after(50ms);
    EXPECT_EQ(fetch_once(request, {.insecure = true}, call).error().code, Errc::timeout);
}

TEST(HttpTime, WaitsForASmallRequestUntilItsDeadlineNotTheStallLimit) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.read_exactly(1);
        std::this_thread::sleep_for(1300ms);
        peer.write(kOk);
    }});
    AnnouncedText source("x", 1);
    auto post = request_to(server.url("/"), "POST");
    post.body = &source;
    Call call;
    call.deadline = after(20s);
    EXPECT_TRUE(fetch_once(post, {}, call, impatient_options()));
}

TEST(HttpTime, EndsABodyThatStalls) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
        peer.stall();
    }});
    const auto cut = fetch_once(request_to(server.url("/")), {}, {}, impatient_options());
    EXPECT_EQ(cut.error().code, Errc::timeout);
}

TEST(HttpTime, EndsATransferThatTheServerDoesNotTake) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.stall();
    }});
    PatternSource source(64U << 20U);
    auto request = request_to(server.url("/x"), "PUT");
    request.body = &source;
    EXPECT_EQ(fetch_once(request, {}, {}, impatient_options()).error().code, Errc::timeout);
}

TEST(HttpTime, SaysUnavailableWhenNobodyListens) {
    std::string url;
    {
        ScriptedServer server({keep_alive});
        url = server.url("/");
    }
    EXPECT_EQ(fetch_once(request_to(url)).error().code, Errc::unavailable);
}

TEST(HttpTime, KeepsTheNameOfTheServerOutOfItsErrors) {
    const auto answer = fetch_once(request_to("http://name.invalid/"));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message.find("name.invalid"), std::string::npos);
}

TEST(HttpTime, EndsWhenItIsCancelled) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.stall();
    }});
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        PatternSource source(64U << 20U);
        auto request = request_to(server.url("/x"), "PUT");
        request.body = &source;
        const TlsTrust trust;
        const Call call;
        auto sending = client.send(request, trust, call);
        const auto result = co_await with_deadline(after(100ms), std::move(sending));
        EXPECT_EQ(result.error().code, Errc::timeout);
    };
    test::run(body());
}

constexpr std::uint64_t kLarge = 48U << 20U;

void expect_upload(bool announce, std::optional<test::Identity> identity) {
    PatternSource source(kLarge, {.announced = announce});
    std::promise<std::string> received;
    ScriptedServer server(
        {[&](Peer& peer) {
            auto digest = Digest::create("sha256").value();
            const auto head = peer.read_head();
            if (announce) {
                for (std::uint64_t left = kLarge; left > 0;) {
                    const auto bytes = peer.read_exactly(std::min<std::uint64_t>(left, 1U << 20U));
                    digest.update(as_bytes_of(bytes));
                    left -= bytes.size();
                }
            } else {
                for (;;) {
                    std::string line;
                    while (!line.ends_with("\r\n")) line += peer.read_exactly(1);
                    const auto size = std::stoul(line, nullptr, 16);
                    const auto bytes = peer.read_exactly(size + 2);
                    if (size == 0) break;
                    digest.update(as_bytes_of(bytes).first(size));
                }
            }
            received.set_value(digest.finish_hex());
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }},
        identity
    );
    auto request = request_to(server.url("/x"), "PUT");
    request.body = &source;
    const auto answer = fetch_once(request, {.insecure = true});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(received.get_future().get(), test::pattern_sha256(kLarge));
}

TEST(HttpTransfer, UploadsEveryByte) {
    expect_upload(true, {});
}
TEST(HttpTransfer, UploadsEveryByteInChunks) {
    expect_upload(false, {});
}
TEST(HttpTransfer, UploadsEveryByteOverTls) {
    expect_upload(true, test::make_certificate({}));
}

// A reader that pauses holds the server back instead of filling memory.
TEST(HttpTransfer, DownloadsEveryByteAtTheReadersPace) {
    std::atomic<std::uint64_t> written = 0;
    ScriptedServer server(
        {[&](Peer& peer) {
            peer.read_head();
            peer.write("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
            constexpr std::size_t kBlock = 1U << 20U;
            for (std::uint64_t at = 0; at < kLarge; at += kBlock) {
                peer.write(test::pattern(kBlock, at));
                written += kBlock;
            }
        }},
        test::make_certificate({})
    );
    auto body = [&]() -> awaitable<std::string> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        const TlsTrust trust{.insecure = true};
        auto response = (co_await client.send(request_to(server.url("/")), trust, {})).value();
        EXPECT_EQ(response->body().size_bytes(), kLarge);
        co_await sleep_for(200ms);
        EXPECT_LT(written, 24U << 20U);

        auto digest = Digest::create("sha256").value();
        std::vector<std::byte> buffer(300'000);
        for (;;) {
            const auto got = (co_await response->body().read_some(buffer)).value();
            if (got == 0) break;
            digest.update(std::span(buffer).first(got));
        }
        co_return digest.finish_hex();
    };
    const auto downloaded = test::run(body());
    EXPECT_EQ(downloaded, test::pattern_sha256(kLarge));
}

}  // namespace
}  // namespace slipway::net
