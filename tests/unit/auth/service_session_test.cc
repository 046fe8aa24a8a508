#include "auth/service_session.h"

#include "tests/support/results.h"
#include "tests/support/run.h"
#include "tests/unit/auth/fake_keystone.h"

#include <gmock/gmock.h>

namespace slipway::auth {
namespace {

using testing::HasSubstr;
using namespace slipway::test;
using test::FakeKeystone;
using test::kCall;

class Sessions : public testing::Test {
protected:
    Result<RestReply> ask(const std::string& token = "good") {
        RestRequest request;
        request.url = session.auth_url() + "/auth/tokens";
        request.headers.emplace_back("X-Subject-Token", token);
        return run(session.send(request, kCall));
    }

    FakeKeystone keystone;
    ServiceSession session{keystone, test::account()};
};

TEST_F(Sessions, LogInOnceForManyRequests) {
    keystone.know("good", "{}");
    EXPECT_EQ(ask()->status, 200);
    EXPECT_EQ(ask("other")->status, 404);
    EXPECT_EQ(keystone.logins, 1);
    EXPECT_EQ(keystone.seen[0].url, "http://keystone:5000/v3/auth/tokens");
}

TEST_F(Sessions, LogInAnewWhenKeystoneForgotTheirToken) {
    keystone.know("good", "{}");
    EXPECT_EQ(ask()->status, 200);
    keystone.forget_account_token();
    EXPECT_EQ(ask()->status, 200);
    EXPECT_EQ(keystone.logins, 2);
}

TEST_F(Sessions, GiveUpWhenANewTokenIsRefusedAsWell) {
    keystone.validation = RestReply{401, {}, "{}"};
    EXPECT_ERROR(Errc::unavailable, ask());
    EXPECT_EQ(keystone.logins, 2);
}

TEST_F(Sessions, LeaveKeystoneAloneAfterARefusedLogin) {
    keystone.refuses_login = true;
    EXPECT_ERROR(Errc::unavailable, ask());
    EXPECT_ERROR(Errc::unavailable, ask());
    EXPECT_EQ(keystone.count("POST"), 1);
}

TEST_F(Sessions, SayNothingOfWhatWasSentWhenKeystoneIsAway) {
    keystone.away = true;
    const auto reply = ask();
    ASSERT_FALSE(reply);
    EXPECT_EQ(
        reply.error().message,
        "The identity service can not be asked at the moment; try again later."
    );
}

TEST(Login, IsByPasswordOnAProject) {
    EXPECT_EQ(
        login_body(test::account()),
        R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"slipway",)"
        R"("domain":{"id":"default"},"password":"secret"}}},)"
        R"("scope":{"project":{"name":"service","domain":{"name":"Default"}}}}})"
    );
}

TEST(Login, IsByIdsOnTheSystem) {
    Account account;
    account.user_id = "u1";
    account.password = Secret("secret");
    account.system_scope = "all";
    EXPECT_EQ(
        login_body(account),
        R"({"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"u1",)"
        R"("password":"secret"}}},"scope":{"system":{"all":true}}}})"
    );
}

TEST(Login, IsByApplicationCredentialWhichHasItsOwnScope) {
    Account account;
    account.application_credential_id = "c1";
    account.application_credential_secret = Secret("shh");
    EXPECT_EQ(
        login_body(account),
        R"({"auth":{"identity":{"methods":["application_credential"],)"
        R"("application_credential":{"id":"c1","secret":"shh"}}}})"
    );
    account.application_credential_id.clear();
    account.application_credential_name = "mine";
    account.user_id = "u1";
    EXPECT_EQ(
        login_body(account),
        R"({"auth":{"identity":{"methods":["application_credential"],)"
        R"("application_credential":{"name":"mine","user":{"id":"u1"},"secret":"shh"}}}})"
    );
}

}  // namespace
}  // namespace slipway::auth
