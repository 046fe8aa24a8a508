#include "net/guarded_fetch.h"
#include "tests/unit/net/net_fixture.h"

#include <gtest/gtest.h>

#include <boost/asio/this_coro.hpp>

#include <thread>

namespace slipway::net {
namespace {

using namespace std::chrono_literals;

using Addresses = std::vector<asio::ip::address>;

const asio::ip::address kLoopback = asio::ip::make_address("127.0.0.1");

// "images.example", at this machine, may be fetched from, on any port.
FetchFilter open_filter() {
    FetchFilter filter;
    filter.allowed_hosts = {"images.example"};
    filter.allowed_ports.clear();
    return filter;
}

// Every name has these addresses.
Resolver at(Addresses addresses) {
    return [addresses](std::string) -> awaitable<Result<Addresses>> { co_return addresses; };
}

std::string url_of(const ScriptedServer& server, const std::string& path = "/disk.raw") {
    return "http://images.example:" + std::to_string(server.port()) + path;
}

Result<Answer> fetch_guarded(
    std::string uri,
    FetchFilter filter,
    Resolver resolve,
    std::optional<ByteRange> range = std::nullopt,
    std::optional<std::uint64_t>* size = nullptr
) {
    auto body = [&]() -> awaitable<Result<Answer>> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        const GuardedFetch fetch(client, filter, {}, resolve);
        const Call call;
        SLIPWAY_CO_TRY(const auto fetched, co_await fetch.open(uri, range, call));
        if (size) *size = fetched.size_bytes;
        Answer answer;
        answer.body.resize(1000);
        SLIPWAY_CO_TRY(
            const std::size_t got,
            co_await read_full(*fetched.bytes, std::as_writable_bytes(std::span(answer.body)))
        );
        answer.body.resize(got);
        co_return answer;
    };
    return test::run(body());
}

std::string redirect_to(const std::string& location) {
    return "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + "\r\n\r\n";
}

constexpr const char* kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

TEST(GuardedFetch, ConnectsToTheCheckedAddressAndKeepsTheName) {
    std::string head;
    ScriptedServer server({[&](Peer& peer) {
        head = peer.read_head();
        peer.write(kHello);
    }});
    std::optional<std::uint64_t> size;
    const auto answer =
        fetch_guarded(url_of(server), open_filter(), at({kLoopback}), std::nullopt, &size);
    EXPECT_EQ(answer.value().body, "hello");
    EXPECT_EQ(size, 5U);
    EXPECT_NE(head.find("Host: images.example:" + std::to_string(server.port())), std::string::npos)
        << head;
}

TEST(GuardedFetch, AsksForTheAddressesOfAHostOnce) {
    ScriptedServer server({answering(kHello)});
    int asked = 0;
    const Resolver resolve = [&](std::string) -> awaitable<Result<Addresses>> {
        co_return ++asked == 1 ? Addresses{kLoopback}
                               : Addresses{asio::ip::make_address("203.0.113.7")};
    };
    EXPECT_TRUE(fetch_guarded(url_of(server), open_filter(), resolve));
    EXPECT_EQ(asked, 1);
}

TEST(GuardedFetch, RefusesAHostWithOneClosedAddressAmongOpenOnes) {
    const auto refused = fetch_guarded(
        "http://h.example/", {}, at({asio::ip::make_address("203.0.113.7"), kLoopback})
    );
    EXPECT_EQ(refused.error().code, Errc::invalid_argument);
}

TEST(GuardedFetch, DoesNotTellAnUnknownHostFromAClosedOne) {
    const Resolver unknown = [](std::string) -> awaitable<Result<Addresses>> {
        co_return Error(Errc::unavailable, "no such name");
    };
    EXPECT_EQ(
        fetch_guarded("http://h.example/", {}, unknown).error(),
        fetch_guarded("http://h.example/", {}, at({kLoopback})).error()
    );
}

TEST(GuardedFetch, DoesNotTellAClosedPortFromASilentOne) {
    ScriptedServer silent({[](Peer& peer) { peer.read_head(); }});
    const auto first = fetch_guarded(url_of(silent), open_filter(), at({kLoopback}));
    std::string closed;
    {
        const ScriptedServer gone({});
        closed = url_of(gone);
    }
    EXPECT_EQ(first.error(), fetch_guarded(closed, open_filter(), at({kLoopback})).error());
}

TEST(GuardedFetch, FollowsThreeRedirectsAndNoMore) {
    const std::string again = redirect_to("/next");
    ScriptedServer three({answering(again), answering(again), answering(again), answering(kHello)});
    EXPECT_EQ(fetch_guarded(url_of(three), open_filter(), at({kLoopback})).value().body, "hello");
    ScriptedServer four({answering(again), answering(again), answering(again), answering(again)});
    EXPECT_EQ(
        fetch_guarded(url_of(four), open_filter(), at({kLoopback})).error().code, Errc::unavailable
    );
}

TEST(GuardedFetch, ChecksWhereARedirectLeads) {
    for (const char* target :
         {"http://127.0.0.1/",
          "http://[::1]/",
          "http://2130706433/",
          "http://localhost/",
          "file:///etc/passwd",
          "http://other.example/"}) {
        ScriptedServer server({answering(redirect_to(target))});
        EXPECT_EQ(
            fetch_guarded(url_of(server), open_filter(), at({kLoopback})).error().code,
            Errc::invalid_argument
        ) << target;
    }
}

TEST(GuardedFetch, ReadsAPart) {
    std::string head;
    ScriptedServer server({[&](Peer& peer) {
        head = peer.read_head();
        peer.write(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n"
            "Content-Range: bytes 1-3/5\r\n\r\nell"
        );
    }});
    std::optional<std::uint64_t> size;
    const auto answer = fetch_guarded(
        url_of(server), open_filter(), at({kLoopback}), ByteRange{.first = 1, .length = 3}, &size
    );
    EXPECT_EQ(answer.value().body, "ell");
    EXPECT_EQ(size, 5U);
    EXPECT_NE(head.find("Range: bytes=1-3\r\n"), std::string::npos) << head;
}

TEST(GuardedFetch, RefusesAnotherPartThanAskedFor) {
    for (const char* reply :
         {kHello,
          "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n\r\nhel",
          "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\n"
          "Content-Range: bytes 0-2/5\r\n\r\nhel"}) {
        ScriptedServer server({answering(reply)});
        EXPECT_FALSE(fetch_guarded(
            url_of(server), open_filter(), at({kLoopback}), ByteRange{.first = 1, .length = 3}
        )) << reply;
    }
}

TEST(GuardedFetch, TellsMissingDataFromAServerInTrouble) {
    ScriptedServer missing({answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")});
    EXPECT_EQ(
        fetch_guarded(url_of(missing), open_filter(), at({kLoopback})).error().code, Errc::not_found
    );
    ScriptedServer broken({answering("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")});
    EXPECT_EQ(
        fetch_guarded(url_of(broken), open_filter(), at({kLoopback})).error().code,
        Errc::unavailable
    );
}

TEST(GuardedFetch, AsksForTheSizeAlone) {
    std::string head;
    ScriptedServer server({[&](Peer& peer) {
        head = peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    }});
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        const GuardedFetch fetch(client, open_filter(), {}, at({kLoopback}));
        const Call call;
        EXPECT_EQ((co_await fetch.size(url_of(server), call)).value(), 1000U);
    };
    test::run(body());
    EXPECT_TRUE(head.starts_with("HEAD /disk.raw ")) << head;
}

TEST(GuardedFetch, GivesUpABodyThatComesTooSlowly) {
    ScriptedServer server({[](Peer& peer) {
        peer.read_head();
        peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        for (;;) {  // until the client has gone
            peer.write("x");
            std::this_thread::sleep_for(10ms);
        }
    }});
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        const GuardedFetch fetch(
            client, open_filter(), {}, at({kLoopback}), MinimumRate(200ms, 1'000'000)
        );
        const Call call;
        auto fetched = co_await fetch.open(url_of(server), std::nullopt, call);
        EXPECT_TRUE(fetched);
        if (!fetched) co_return;
        std::vector<std::byte> into(100'000);
        const auto got = co_await read_full(*fetched->bytes, into);
        EXPECT_EQ(got.error().code, Errc::timeout);
    };
    test::run(body());
}

TEST(GuardedFetch, ResolvesThisMachineToAnAddressThatIsClosed) {
    auto body = [&]() -> awaitable<void> {
        HttpClient client(co_await asio::this_coro::executor, patient_options());
        const GuardedFetch fetch(client, {});
        const Call call;
        for (const char* uri : {"http://localhost/", "http://127.0.0.1/", "http://[::1]/"})
            EXPECT_EQ((co_await fetch.check(uri, call)).error().code, Errc::invalid_argument)
                << uri;
    };
    test::run(body());
}

}  // namespace
}  // namespace slipway::net
