#include "tests/support/run.h"
#include "tests/unit/vsphere/fake_server.h"
#include "vsphere/methods.h"
#include "vsphere/property_collector.h"

#include <boost/asio/this_coro.hpp>

#include <gtest/gtest.h>

#include <ostream>

namespace slipway::vsphere {
namespace {

using namespace std::chrono_literals;
using test::FakeServer;
using test::kCall;
using test::soap;
using test::soap_fault;

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(Streamable<std::string> && !Streamable<Secret>);

SoapRequest question() {
    return methods::bare("RefreshDatastore", {"Datastore", "datastore-1"});
}

// Accepts calls with the cookie of the last login only.
FakeServer::Handler when_live(FakeServer& server, test::Answer answer) {
    return [&server, answer](const test::Seen& request) {
        const auto cookie = "vmware_soap_session=\"s" + std::to_string(server.logins) + "\"";
        if (!server.live || request.header("Cookie") != cookie)
            return soap_fault("NotAuthenticated");
        return answer;
    };
}

TEST(Session, LogsInWithTheFirstCallAndOutAtTheEnd) {
    FakeServer server;
    server.on("RefreshDatastore", when_live(server, soap("RefreshDatastore")));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(co_await client.call(question(), kCall));
        EXPECT_TRUE(co_await client.call(question(), kCall));
        EXPECT_EQ(client.generation(), 1U);
    });
    EXPECT_EQ(server.logins, 1);
    ASSERT_EQ(server.count("Login"), 1U);
    const auto login = server.calls("Login").front();
    EXPECT_EQ(
        login.soap_body(),
        R"(<Login xmlns="urn:vim25"><_this type="SessionManager">SessionManager</_this>)"
        R"(<userName>svc@vsphere.local</userName><password>p&lt;w</password><locale>en</locale></Login>)"
    );
    EXPECT_EQ(login.header("Cookie"), "");
    ASSERT_EQ(server.count("Logout"), 1U);
    EXPECT_EQ(server.calls("Logout").front().header("Cookie"), "vmware_soap_session=\"s1\"");
}

TEST(Session, SendsTheHeadersThatServersWant) {
    FakeServer server;
    server.on("RefreshDatastore", soap("RefreshDatastore"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(co_await client.call(question(), kCall));
    });
    const auto call = server.calls("RefreshDatastore").front();
    EXPECT_EQ(call.http_method, "POST");
    EXPECT_EQ(call.target, "/sdk");
    EXPECT_EQ(call.header("Content-Type"), "text/xml; charset=utf-8");
    EXPECT_EQ(call.header("SOAPAction"), "urn:vim25/8.0.2.0");
    EXPECT_EQ(call.header("Expect"), "");
    EXPECT_NE(call.body.find("<operationID>slipway-req-1</operationID>"), std::string::npos);
}

TEST(Session, LogsInOnceForTwentyCallsAtOnce) {
    FakeServer server;
    server.on("RefreshDatastore", when_live(server, soap("RefreshDatastore")));
    auto slow = soap("Login", "<returnval><key>52</key></returnval>");
    slow.headers.emplace_back("Set-Cookie", "vmware_soap_session=\"s1\"; Path=/");
    slow.delay = 20ms;
    server.on("Login", [&server, slow](const test::Seen&) {
        ++server.logins;
        server.live = true;
        return slow;
    });
    int done = 0;
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        TaskGroup group(co_await asio::this_coro::executor);
        for (int i = 0; i < 20; ++i) {
            group.spawn("call", [&]() -> awaitable<void> {
                const auto reply = co_await client.call(question(), kCall);
                done += reply ? 1 : 0;
            });
        }
        EXPECT_TRUE(co_await group.wait(after(5s)));
    });
    EXPECT_EQ(done, 20);
    EXPECT_EQ(server.logins, 1);
}

TEST(Session, IsRenewedAfterANotAuthenticatedFault) {
    FakeServer server;
    server.on("RefreshDatastore", when_live(server, soap("RefreshDatastore")));
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(co_await client.call(question(), kCall));
        server.live = false;
        EXPECT_TRUE(co_await client.call(question(), kCall));
        EXPECT_EQ(client.generation(), 2U);
    });
    EXPECT_EQ(server.logins, 2);
}

TEST(Session, IsRenewedWhenPropertiesAreMissingForWantOfIt) {
    FakeServer server;
    server.next(
        "RetrievePropertiesEx",
        soap(
            "RetrievePropertiesEx",
            R"(<returnval><objects><obj type="Datastore">d-1</obj><missingSet><path>name</path><fault>)"
            R"(<fault xsi:type="NotAuthenticated"/><localizedMessage/></fault></missingSet></objects>)"
            R"(</returnval>)"
        )
    );
    server.on(
        "RetrievePropertiesEx",
        soap(
            "RetrievePropertiesEx",
            R"(<returnval><objects><obj type="Datastore">d-1</obj><propSet><name>name</name>)"
            R"(<val xsi:type="xsd:string">images</val></propSet></objects></returnval>)"
        )
    );
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto content = co_await retrieve_one(client, {"Datastore", "d-1"}, {"name"}, kCall);
        EXPECT_EQ(content->text("name"), "images");
    });
    EXPECT_EQ(server.logins, 2);
}

TEST(Session, IsRenewedAfterAnEmptyReadThatCurrentTimeDoesNotConfirm) {
    FakeServer server;
    server.on("RetrievePropertiesEx", [&](const test::Seen&) {
        if (server.logins == 1) {
            server.live = false;
            return soap("RetrievePropertiesEx");
        }
        return soap(
            "RetrievePropertiesEx",
            R"(<returnval><objects><obj type="Datastore">d-1</obj></objects></returnval>)"
        );
    });
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(co_await retrieve_one(client, {"Datastore", "d-1"}, {"name"}, kCall));
    });
    EXPECT_EQ(server.logins, 2);
}

TEST(Session, StaysAfterAnEmptyReadThatCurrentTimeConfirms) {
    FakeServer server;
    server.on("RetrievePropertiesEx", soap("RetrievePropertiesEx"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto content = co_await retrieve_one(client, {"Datastore", "d-1"}, {"name"}, kCall);
        EXPECT_EQ(content.error().reason, "ManagedObjectNotFound");
    });
    EXPECT_EQ(server.logins, 1);
}

TEST(Session, IsNotRenewedForEver) {
    FakeServer server;
    server.on("RefreshDatastore", soap_fault("NotAuthenticated"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto reply = co_await client.call(question(), kCall);
        EXPECT_EQ(reply.error().code, Errc::unavailable);
        EXPECT_EQ(reply.error().reason, "NotAuthenticated");
    });
    EXPECT_EQ(server.logins, 2);
}

TEST(Session, TellsTheHolderOfAnOldOneThatItWasReplaced) {
    FakeServer server;
    server.on("RefreshDatastore", when_live(server, soap("RefreshDatastore")));
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        auto bound = question();
        const auto first = co_await client.call(bound, kCall);
        EXPECT_EQ(first->generation, 1U);
        bound.generation = first->generation;
        EXPECT_TRUE(co_await client.call(bound, kCall));
        server.live = false;
        const auto late = co_await client.call(bound, kCall);
        EXPECT_EQ(late.error().reason, kSessionReplaced);
    });
}

TEST(Session, StopsAfterARefusedPasswordUntilItIsCorrected) {
    FakeServer server;
    server.next("Login", soap_fault("InvalidLogin"));
    server.on("RefreshDatastore", soap("RefreshDatastore"));
    test::with_client(server, [&](VimClient& client) -> awaitable<void> {
        for (int i = 0; i < 5; ++i) {
            const auto reply = co_await client.call(question(), kCall);
            EXPECT_EQ(reply.error().code, Errc::unavailable);
            EXPECT_EQ(reply.error().reason, "InvalidLogin");
        }
        EXPECT_EQ(server.count("Login"), 1U);
        client.set_credentials({"svc@vsphere.local", Secret("right")});
        EXPECT_TRUE(co_await client.call(question(), kCall));
    });
    EXPECT_EQ(server.count("Login"), 2U);
}

TEST(Session, IgnoresACookieThatCanNotBeSentBack) {
    FakeServer server;
    auto huge = soap("Login", "<returnval/>");
    huge.headers.emplace_back("Set-Cookie", "vmware_soap_session=" + std::string(1U << 20U, 'x'));
    server.on("Login", huge);
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_EQ((co_await client.call(question(), kCall)).error().code, Errc::corrupt);
    });
}

test::Answer broken() {
    return {.failure = Error(Errc::unavailable, "the connection broke")};
}

TEST(Retry, SendsAnIdempotentCallAgain) {
    FakeServer server;
    server.next("RefreshDatastore", broken());
    server.next("RefreshDatastore", {.status = 502, .body = "<html/>"});
    server.on("RefreshDatastore", soap("RefreshDatastore"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_TRUE(co_await client.call(question(), kCall));
    });
    EXPECT_EQ(server.count("RefreshDatastore"), 3U);
}

TEST(Retry, GivesUpWhenTheAttemptsAreSpent) {
    FakeServer server;
    server.on("RefreshDatastore", {.status = 503, .body = "busy"});
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        const auto reply = co_await client.call(question(), kCall);
        EXPECT_EQ(reply.error().code, Errc::unavailable);
        EXPECT_EQ(reply.error().reason, "HttpStatus503");
    });
    EXPECT_EQ(server.count("RefreshDatastore"), 3U);
}

TEST(Retry, DoesNotRepeatWhatIsPermanent) {
    FakeServer server;
    server.on("RefreshDatastore", soap_fault("NoPermission"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        EXPECT_EQ((co_await client.call(question(), kCall)).error().code, Errc::forbidden);
    });
    EXPECT_EQ(server.count("RefreshDatastore"), 1U);
}

TEST(Retry, NeverRepeatsATaskWhoseAnswerWasLost) {
    test::Answer closed;
    closed.failure = Error(Errc::unavailable, "the connection was closed", "ConnectionClosed");
    test::Answer cut;
    cut.failure = Error(Errc::corrupt, "the answer is not HTTP");
    const test::Answer answers[] = {
        broken(), closed, cut, {.body = ""}, {.status = 502}, {.status = 503}};
    for (const auto& lost : answers) {
        FakeServer server;
        server.on("RefreshDatastore", lost);
        test::with_client(server, [](VimClient& client) -> awaitable<void> {
            auto once = question();
            once.idempotent = false;
            const auto reply = co_await client.call(once, kCall);
            EXPECT_EQ(reply.error().code, Errc::unavailable);
            EXPECT_EQ(reply.error().reason, kOutcomeUnknown);
        });
        EXPECT_EQ(server.count("RefreshDatastore"), 1U);
    }
}

TEST(Retry, SendsATaskOnAConnectionOfItsOwn) {
    FakeServer server;
    server.on("RefreshDatastore", soap("RefreshDatastore"));
    test::with_client(server, [](VimClient& client) -> awaitable<void> {
        auto once = question();
        once.idempotent = false;
        EXPECT_TRUE(co_await client.call(once, kCall));
    });
    EXPECT_TRUE(server.calls("RefreshDatastore").front().fresh_connection);
}

// A wire that is down: nothing is ever sent.
class DownTransport final : public HttpTransport {
public:
    awaitable<Result<std::unique_ptr<net::HttpResponse>>>
    send(net::HttpRequest, const net::TlsTrust&, const Call&) override {
        ++attempts;
        co_return Error(Errc::unavailable, "the server can not be reached");
    }
    int attempts = 0;
};

TEST(Retry, KnowsThatWhatWasNeverSentWasNotDone) {
    DownTransport transport;
    HttpRoundTripper http(transport, {.server = {}, .trust = {}});
    RetryRoundTripper retry(http, {.attempts = 2, .base_delay = 1ms, .max_delay = 1ms});
    auto once = question();
    once.idempotent = false;
    const auto reply = slipway::test::run(retry.round_trip(once, kCall));
    EXPECT_EQ(reply.error().reason, kNotSent);
    // Twice the call itself, and each time the question for the API versions.
    EXPECT_EQ(transport.attempts, 4);
}

}  // namespace
}  // namespace slipway::vsphere
