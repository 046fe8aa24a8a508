#include "auth/keystone.h"

#include "tests/support/manual_clock.h"
#include "tests/support/results.h"
#include "tests/support/run.h"
#include "tests/unit/auth/fake_keystone.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>

namespace slipway::auth {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace slipway::test;
using test::FakeKeystone;
using test::kCall;
using test::token_body;

class KeystoneTest : public testing::Test {
protected:
    KeystoneTest() {
        keystone.know("demo", token_body("demo", {"member", "reader"}));
        keystone.know("nova", token_body("nova", {"service"}));
        make({});
    }

    void make(KeystoneOptions options) {
        options.www_authenticate_uri = "https://keystone.example.org";
        service = std::make_unique<KeystoneIdentityService>(session, clock, std::move(options));
    }
    Result<Identity> identify(const std::string& token, const std::string& service_token = "") {
        return run(service->identify({token, service_token, "GET", "/v2/images"}, kCall));
    }
    Result<Identity> request(const std::string& method, const std::string& path) {
        return run(service->identify({"restricted", "", method, path}, kCall));
    }
    [[nodiscard]] int validations() const { return keystone.count("GET"); }

    ManualClock clock;
    FakeKeystone keystone;
    ServiceSession session{keystone, test::account()};
    std::unique_ptr<KeystoneIdentityService> service;
};

TEST_F(KeystoneTest, KnowsWhoIsBehindAToken) {
    const auto identity = identify("demo");
    ASSERT_OK(identity);
    EXPECT_EQ(identity->project, "p-demo");
    EXPECT_THAT(identity->roles, ElementsAre("member", "reader"));
    EXPECT_EQ(identity->token.reveal(), "demo");
    EXPECT_FALSE(identity->is_service || identity->is_admin);
}

TEST_F(KeystoneTest, WantsATokenThatIsOne) {
    for (const std::string& token : {std::string(), std::string("unknown"), std::string(8193, 'x')})
        EXPECT_ERROR(Errc::unauthenticated, identify(token));
    EXPECT_EQ(validations(), 1) << "only the one that could be a token";
    EXPECT_EQ(service->challenge(), "Keystone uri=\"https://keystone.example.org\"");
}

TEST_F(KeystoneTest, TakesARequestWithoutATokenWhereThatIsAllowed) {
    make({.allow_anonymous = true});
    const auto identity = identify("");
    ASSERT_OK(identity);
    EXPECT_THAT(identity->roles, IsEmpty());
    EXPECT_FALSE(identity->project || identity->is_admin);
    EXPECT_ERROR(Errc::unauthenticated, identify("unknown"));
    EXPECT_ERROR(Errc::unauthenticated, identify("", "nova"));
}

TEST_F(KeystoneTest, KnowsAServiceByTheRolesOfItsToken) {
    const auto identity = identify("demo", "nova");
    ASSERT_OK(identity);
    EXPECT_TRUE(identity->is_service);
    EXPECT_EQ(identity->user, "u-demo");
    EXPECT_EQ(identity->service_user, "u-nova");
    EXPECT_EQ(identity->service_project, "p-nova");
    EXPECT_THAT(identity->service_roles, ElementsAre("service"));
    EXPECT_THAT(identity->roles, ElementsAre("member", "reader"));
}

TEST_F(KeystoneTest, RefusesARequestWithABadServiceToken) {
    EXPECT_ERROR(Errc::unauthenticated, identify("demo", "unknown"));
}

TEST_F(KeystoneTest, CountsAServiceTokenWithoutTheRoleForNothingOrRefusesIt) {
    const auto identity = identify("demo", "demo");
    ASSERT_OK(identity);
    EXPECT_FALSE(identity->is_service);
    make({.service_token_roles_required = true});
    EXPECT_ERROR(Errc::unauthenticated, identify("demo", "demo"));
    EXPECT_OK(identify("demo", "nova"));
}

TEST_F(KeystoneTest, TakesAnExpiredTokenFromAServiceOnly) {
    keystone.expired_tokens["old"] = token_body("demo", {"member"}, "2026-08-01T11:00:00.000000Z");
    EXPECT_ERROR(Errc::unauthenticated, identify("old"));
    EXPECT_ERROR(Errc::unauthenticated, identify("old", "demo"));
    EXPECT_OK(identify("old", "nova"));
    EXPECT_ERROR(Errc::unauthenticated, identify("old")) << "nor afterwards";
}

TEST_F(KeystoneTest, KeepsATokenToTheAccessRulesOfItsCredential) {
    std::string body = token_body("demo", {"member"});
    body.insert(
        body.find("\"roles\""),
        R"("application_credential": {"access_rules": [
            {"service": "image", "method": "GET", "path": "/v2/images/*"}]}, )"
    );
    keystone.know("restricted", body);
    EXPECT_OK(request("GET", "/v2/images/1"));
    EXPECT_OK(request("GET", "/v2/image%73/1"));
    EXPECT_ERROR(Errc::unauthenticated, request("GET", "/v2/images"));
    EXPECT_ERROR(Errc::unauthenticated, request("GET", "/v2/images/1/file"));
    EXPECT_ERROR(Errc::unauthenticated, request("DELETE", "/v2/images/1"));
    EXPECT_ERROR(Errc::unauthenticated, request("GET", "/v2/images/%"));
    EXPECT_EQ(validations(), 1) << "also what is remembered is kept to them";
    EXPECT_OK(identify("restricted", "nova")) << "a service goes on with what the user began";
    EXPECT_ERROR(Errc::unauthenticated, identify("restricted", "restricted"));
    make({.service_type = "object-store"});
    EXPECT_ERROR(Errc::unauthenticated, request("GET", "/v2/images/1"));
}

TEST_F(KeystoneTest, AsksOnceForTheSameToken) {
    for (int i = 0; i < 5; ++i) EXPECT_OK(identify("demo"));
    for (int i = 0; i < 5; ++i) EXPECT_ERROR(Errc::unauthenticated, identify("unknown"));
    EXPECT_EQ(validations(), 2);
}

TEST_F(KeystoneTest, AsksEveryTimeWithoutACache) {
    make({.token_cache_time = std::chrono::seconds(0)});
    EXPECT_OK(identify("demo"));
    keystone.tokens.erase("demo");
    EXPECT_ERROR(Errc::unauthenticated, identify("demo")) << "it was revoked";
    keystone.know("demo", token_body("demo", {"member"}));
    EXPECT_OK(identify("demo"));
}

TEST_F(KeystoneTest, DoesNotKeepATokenBeyondItsEnd) {
    keystone.know("short", token_body("demo", {"member"}, "2026-08-01T12:00:00.000000Z"));
    EXPECT_OK(identify("short")) << "Keystone has the last word, not our clock";
    keystone.tokens.erase("short");
    EXPECT_ERROR(Errc::unauthenticated, identify("short"));
}

TEST_F(KeystoneTest, BelievesKnownTokensWhileKeystoneIsAwayAndNoOthers) {
    EXPECT_OK(identify("demo"));
    keystone.away = true;
    EXPECT_OK(identify("demo"));
    EXPECT_ERROR(Errc::unavailable, identify("nova"));
    EXPECT_ERROR(Errc::unavailable, identify("unknown"));
    keystone.away = false;
    EXPECT_OK(identify("nova")) << "the failure was not remembered";
}

TEST_F(KeystoneTest, GivesNobodyAccessWhenTheAnswerIsNone) {
    for (const RestReply& reply :
         {RestReply{403, {}, "{}"},
          RestReply{200, {}, "{}"},
          RestReply{200, {}, "<html>"},
          RestReply{302, {}, ""},
          RestReply{500, {}, ""}}) {
        keystone.validation = reply;
        EXPECT_ERROR(Errc::unavailable, identify("demo")) << reply.status << reply.body;
    }
}

TEST_F(KeystoneTest, LetsManyRequestsWithOneTokenWaitForOneAnswer) {
    asio::io_context io;
    int waiting = 0;
    keystone.before_validation = [&]() -> awaitable<void> {
        // Everybody has arrived when the loop has nothing else to do.
        for (int i = 0; i < 100; ++i) co_await asio::post(io, asio::use_awaitable);
        EXPECT_EQ(waiting, 20);
    };
    int known = 0;
    const auto request = [&]() -> awaitable<void> {
        ++waiting;
        const auto identity = co_await service->identify({"demo", "", "GET", "/v2/images"}, kCall);
        known += identity && identity->user == "u-demo" ? 1 : 0;
    };
    for (int i = 0; i < 20; ++i) asio::co_spawn(io, request, asio::detached);
    io.run();
    EXPECT_EQ(known, 20);
    EXPECT_EQ(validations(), 1);
}

TEST_F(KeystoneTest, AsksForNoMoreTokensAtATimeThanItMay) {
    make({.validations = 2});
    asio::io_context io;
    int now = 0;
    int most = 0;
    keystone.before_validation = [&]() -> awaitable<void> {
        most = std::max(most, ++now);
        for (int i = 0; i < 50; ++i) co_await asio::post(io, asio::use_awaitable);
        --now;
    };
    const auto request = [&](std::string token) -> awaitable<void> {
        EXPECT_ERROR(
            Errc::unauthenticated,
            co_await service->identify({token, "", "GET", "/v2/images"}, kCall)
        );
    };
    for (int i = 0; i < 20; ++i)
        asio::co_spawn(io, request("bad-" + std::to_string(i)), asio::detached);
    io.run();
    EXPECT_EQ(most, 2);
    EXPECT_EQ(validations(), 20);
}

TEST_F(KeystoneTest, LetsTheNextAskWhenTheFirstIsCutOff) {
    asio::io_context io;
    bool first = true;
    keystone.before_validation = [&]() -> awaitable<void> {
        if (!std::exchange(first, false)) co_return;
        co_await sleep_for(std::chrono::hours(1));
    };
    const auto request = [&]() -> awaitable<void> {
        EXPECT_OK(co_await service->identify({"demo", "", "GET", "/v2/images"}, kCall));
    };
    asio::cancellation_signal cut;
    asio::co_spawn(io, request(), asio::bind_cancellation_slot(cut.slot(), [](std::exception_ptr) {
                   }));
    bool done = false;
    asio::co_spawn(io, request(), [&](std::exception_ptr thrown) { done = !thrown; });
    asio::post(io, [&] { cut.emit(asio::cancellation_type::terminal); });
    io.run();
    EXPECT_TRUE(done);
}

}  // namespace
}  // namespace slipway::auth
