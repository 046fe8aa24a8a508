#include "service/policy_rule.h"

#include <gmock/gmock.h>

namespace slipway::service {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A member of project "blue" with the roles member and reader, and a public image of "blue".
class SomeFacts final : public RuleFacts {
public:
    [[nodiscard]] bool has_role(std::string_view role) const override {
        return role == "member" || role == "reader";
    }
    [[nodiscard]] std::vector<std::string> credentials(std::string_view name) const override {
        if (name == "project_id") return {"blue"};
        if (name == "service_roles") return {"service", "other"};
        if (name == "is_admin") return {"False"};
        return {};
    }
    [[nodiscard]] std::optional<std::string> attribute(std::string_view name) const override {
        if (name == "owner") return "blue";
        if (name == "visibility") return "public";
        if (name == "size") return "None";
        return std::nullopt;
    }
};

bool passes(const std::string& text, RuleSet rules = {}) {
    rules["asked"] = parse_rule(text).value();
    return service::passes(rules, "asked", SomeFacts());
}

std::string complaint(const std::string& text) {
    const auto rule = parse_rule(text);
    return rule ? "" : rule.error().message;
}

TEST(PolicyRule, AnswersAsWritten) {
    struct Row {
        const char* text;
        bool passes;
    };
    for (const Row& row :
         {Row{"", true},
          Row{"@", true},
          Row{"!", false},
          Row{"role:member", true},
          Row{"role:MEMBER", true},
          Row{"role:admin", false},
          Row{"project_id:blue", true},
          Row{"project_id:red", false},
          Row{"project_id:%(owner)s", true},
          Row{"project_id:x%(owner)s", false},
          Row{"project_id:%(absent)s", false},
          Row{"user_id:%(owner)s", false},
          Row{"service_roles:service", true},
          Row{"service_roles:admin", false},
          Row{"'public':%(visibility)s", true},
          Row{"\"public\":%(visibility)s", true},
          Row{"'private':%(visibility)s", false},
          Row{"None:%(size)s", true},
          Row{"None:%(owner)s", false},
          Row{"False:%(size)s", false},
          Row{"is_admin:False", true},
          Row{"is_admin:True", false},
          Row{"7:7", true},
          Row{"'a%':a%%", true}})
        EXPECT_EQ(passes(row.text), row.passes) << row.text;
}

TEST(PolicyRule, BindsNotBeforeAndBeforeOr) {
    struct Row {
        const char* text;
        bool passes;
    };
    for (const Row& row :
         {Row{"@ or @ and !", true},
          Row{"! and @ or @", true},
          Row{"(@ or @) and !", false},
          Row{"not @ or @", true},
          Row{"not (@ or @)", false},
          Row{"not ! and @", true},
          Row{"not not @", true},
          Row{"@ AND Not !", true},
          Row{"((role:member and (role:reader)))", true},
          Row{"  role:member\n  or\trole:admin ", true}})
        EXPECT_EQ(passes(row.text), row.passes) << row.text;
}

TEST(PolicyRule, FollowsReferences) {
    RuleSet rules;
    rules["own"] = parse_rule("project_id:%(owner)s").value();
    EXPECT_TRUE(passes("rule:own and role:member", rules));
    EXPECT_FALSE(passes("not rule:own", rules));
}

TEST(PolicyRule, TakesTheDefaultRuleForAReferenceThatIsNotThere) {
    EXPECT_FALSE(passes("rule:absent"));
    RuleSet rules;
    rules["default"] = parse_rule("@").value();
    EXPECT_TRUE(passes("rule:absent", rules));
}

TEST(PolicyRule, SaysWhatIsWrongWithAText) {
    struct Row {
        const char* text;
        const char* complaint;
    };
    for (const Row& row :
         {Row{"admin", "which is no check; write role:NAME"},
          Row{"   ", "ends where a check should follow"},
          Row{"role:admin or", "ends where a check should follow"},
          Row{"or role:admin", "has \"or\" where a check should stand"},
          Row{"(role:admin", "lacks a closing parenthesis"},
          Row{"role:admin)", "goes on at \")\""},
          Row{"role:admin role:member", "goes on at \"role:member\""},
          Row{"'public'", "compare it with something"},
          Row{"project_id:%(owner)d", "an attribute is written %(name)s"},
          Row{"project_id:100%", "an attribute is written %(name)s"},
          Row{"%(owner)s:project_id", "the left side is a name"},
          Row{"not(role:admin)", "the left side is a name"},
          Row{"http://policy.example.org/%(name)s", "not supported"}})
        EXPECT_THAT(complaint(row.text), HasSubstr(row.complaint)) << row.text;
}

TEST(PolicyRule, RefusesATextThatIsNestedWithoutEnd) {
    EXPECT_THAT(complaint(std::string(100'000, '(')), HasSubstr("nested too deeply"));
    std::string nots;
    for (int i = 0; i < 10'000; ++i) nots += "not ";
    EXPECT_THAT(complaint(nots + "@"), HasSubstr("nested too deeply"));
}

TEST(PolicyRule, FindsCircles) {
    RuleSet rules;
    rules["a"] = parse_rule("role:x or rule:b").value();
    rules["b"] = parse_rule("not rule:c").value();
    rules["c"] = parse_rule("rule:a").value();
    rules["outside"] = parse_rule("rule:a").value();
    rules["twice"] = parse_rule("rule:plain and rule:plain").value();
    rules["plain"] = parse_rule("@").value();
    EXPECT_THAT(circle_from(rules, "a"), ElementsAre("a", "b", "c", "a"));
    EXPECT_THAT(circle_from(rules, "outside"), IsEmpty());
    EXPECT_THAT(circle_from(rules, "twice"), IsEmpty());
}

TEST(PolicyRule, FindsACircleThroughTheDefaultRule) {
    RuleSet rules;
    rules["default"] = parse_rule("rule:absent").value();
    EXPECT_THAT(circle_from(rules, "default"), ElementsAre("default", "default"));
}

}  // namespace
}  // namespace slipway::service
