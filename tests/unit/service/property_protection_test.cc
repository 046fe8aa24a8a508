#include "service/property_protection.h"

#include <gtest/gtest.h>

namespace slipway::service {
namespace {

using enum PropertyAction;

PropertyRule rule(const std::string& pattern, std::vector<std::string> who) {
    PropertyRule made{Pattern::compile(pattern).value(), {}};
    for (const PropertyAction action : {create, read, update, PropertyAction::remove})
        made.who[action] = who;
    return made;
}

Identity with_roles(std::vector<std::string> roles) {
    Identity identity;
    identity.roles = std::move(roles);
    return identity;
}

TEST(PropertyProtections, AllowEverythingWithoutRules) {
    EXPECT_TRUE(PropertyProtections().allows(create, "x", {}));
}

TEST(PropertyProtections, GoByTheFirstRuleThatMatchesWhateverLaterOnesSay) {
    const PropertyProtections strict_first({rule("^x_own", {"admin"}), rule("^x_", {"@"})}, {});
    EXPECT_FALSE(strict_first.allows(update, "x_owner", with_roles({"member"})));
    EXPECT_TRUE(strict_first.allows(update, "x_owner", with_roles({"admin"})));
    EXPECT_TRUE(strict_first.allows(update, "x_other", with_roles({"member"})));
    const PropertyProtections open_first({rule("^x_", {"@"}), rule("^x_own", {"admin"})}, {});
    EXPECT_TRUE(open_first.allows(update, "x_owner", with_roles({"member"})));
}

TEST(PropertyProtections, AllowNothingWhereNoRuleMatches) {
    const PropertyProtections protections({rule("^x_", {"@"})}, {});
    EXPECT_FALSE(protections.allows(read, "y", with_roles({"admin"})));
    EXPECT_TRUE(protections.allows(read, "os_glance_import_task", {}));
    EXPECT_EQ(protections.authorize(create, "y", {}).error().code, Errc::forbidden);
}

TEST(PropertyProtections, KnowEverybodyAndNobody) {
    const PropertyProtections protections({rule("^a$", {"@"}), rule("^b$", {"!"})}, {});
    EXPECT_TRUE(protections.allows(PropertyAction::remove, "a", {}));
    EXPECT_FALSE(protections.allows(PropertyAction::remove, "b", with_roles({"admin", "!"})));
}

TEST(PropertyProtections, CountTheRolesOfAService) {
    const PropertyProtections protections({rule(".", {"Service"})}, {});
    Identity identity;
    identity.service_roles = {"service"};
    EXPECT_TRUE(protections.allows(read, "a", identity));
}

TEST(PropertyProtections, MayGoByPolicies) {
    const PropertyProtections protections(
        {rule(".", {"own_rule"})},
        [](const std::string& policy, const Identity& identity) {
            return policy == "own_rule" && identity.project == "p";
        }
    );
    Identity identity;
    EXPECT_FALSE(protections.allows(read, "a", identity));
    identity.project = "p";
    EXPECT_TRUE(protections.allows(read, "a", identity));
}

TEST(PropertyProtections, HideWhatMayNotBeRead) {
    const PropertyProtections protections({rule("^x_", {"@"})}, {});
    Image image;
    image.properties = {{"x_a", "1"}, {"b", "2"}};
    protections.hide_unreadable(image, {});
    EXPECT_EQ(image.properties.size(), 1U);
    EXPECT_TRUE(image.properties.contains("x_a"));
}

}  // namespace
}  // namespace slipway::service
