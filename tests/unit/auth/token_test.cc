#include "auth/token.h"

#include "tests/support/results.h"
#include "tests/unit/auth/fake_keystone.h"

#include <gmock/gmock.h>

namespace slipway::auth {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace slipway::test;

TEST(Token, SaysWhoItIs) {
    const auto facts = parse_token(test::token_body("demo", {"Member", "reader"}));
    ASSERT_OK(facts);
    const Identity& identity = facts->identity;
    EXPECT_EQ(identity.user, "u-demo");
    EXPECT_EQ(identity.user_name, "demo");
    EXPECT_EQ(identity.user_domain, "default");
    EXPECT_EQ(identity.project, "p-demo");
    EXPECT_EQ(identity.project_name, "demo");
    EXPECT_EQ(identity.project_domain, "default");
    EXPECT_THAT(identity.roles, ElementsAre("member", "reader"));
    EXPECT_FALSE(identity.is_admin || identity.is_service);
    EXPECT_FALSE(identity.system_scope || identity.domain);
    EXPECT_EQ(to_iso8601(facts->expires_at), "2026-08-01T13:00:00Z");
    EXPECT_THAT(facts->catalog, IsEmpty());
}

std::string with_scope(const std::string& scope) {
    return R"({"token": {"issued_at": "2026-08-01T12:00:00Z", "expires_at": "2026-08-01T13:00:00Z",
               "user": {"id": "u", "name": "n", "domain": {"id": "d"}})" +
           scope + "}}";
}

TEST(Token, MayBeForTheSystemADomainOrNothing) {
    const auto of_system = parse_token(with_scope(R"(, "system": {"all": true}, "roles": [])"));
    EXPECT_EQ(of_system->identity.system_scope, "all");
    const auto of_domain = parse_token(with_scope(R"(, "domain": {"id": "d1", "name": "D"})"));
    EXPECT_EQ(of_domain->identity.domain, "d1");
    const auto unscoped = parse_token(with_scope(""));
    EXPECT_FALSE(unscoped->identity.project || unscoped->identity.domain);
    EXPECT_THAT(unscoped->identity.roles, IsEmpty());
}

TEST(Token, HoldsTheAccessRulesOfItsCredential) {
    const auto rules = [](const std::string& credential) {
        return parse_token(with_scope(", \"application_credential\": " + credential))
            ->identity.access_rules;
    };
    EXPECT_FALSE(rules("null"));
    EXPECT_FALSE(rules(R"({"id": "c", "name": "n", "restricted": true})"));
    EXPECT_FALSE(rules(R"({"id": "c", "access_rules": null})"));
    EXPECT_TRUE(rules(R"({"id": "c", "access_rules": []})").value().empty());
    const auto one = rules(
        R"({"access_rules": [{"id": "r", "service": "image", "method": "GET", "path": "/v2/**"}]})"
    );
    ASSERT_EQ(one.value().size(), 1U);
    EXPECT_EQ(one->front().service, "image");
    EXPECT_EQ(one->front().method, "GET");
    EXPECT_EQ(one->front().path, "/v2/**");
}

TEST(Token, HoldsTheCatalogue) {
    const auto facts = parse_token(with_scope(
        R"(, "catalog": [{"type": "compute", "name": "nova", "endpoints": [
             {"interface": "public", "region_id": "R", "url": "http://nova/v2.1"},
             {"interface": "internal", "region_id": "R", "url": "http://inside/v2.1"}]}])"
    ));
    ASSERT_OK(facts);
    ASSERT_EQ(facts->catalog.size(), 2U);
    EXPECT_EQ(facts->catalog[1].service_type, "compute");
    EXPECT_EQ(facts->catalog[1].interface, "internal");
    EXPECT_EQ(facts->catalog[1].region, "R");
    EXPECT_EQ(facts->catalog[1].url, "http://inside/v2.1");
}

TEST(Token, IsNothingElse) {
    for (const std::string& body :
         {std::string(""),
          std::string("[]"),
          std::string("{}"),
          std::string(R"({"token": null})"),
          std::string(R"({"token": {"issued_at": "2026-08-01T12:00:00Z"}})"),
          with_scope(R"(, "project": "p")"),
          with_scope(R"(, "project": {"id": 7})"),
          with_scope(R"(, "project": {"name": "no id"})"),
          with_scope(R"(, "application_credential": "c")"),
          with_scope(R"(, "application_credential": {"access_rules": {}})"),
          with_scope(R"(, "application_credential": {"access_rules": [{"path": "/"}]})"),
          with_scope(R"(, "roles": ["admin"])"),
          with_scope(R"(, "roles": [{"id": "r"}])")})
        EXPECT_ERROR(Errc::corrupt, parse_token(body)) << body;
}

}  // namespace
}  // namespace slipway::auth
