#include "service/policy_rule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace slipway::service {
namespace {

// The callers and targets of tests/peers/policy_verdicts.py, and its rules with a name.
using Known = std::map<std::string, std::vector<std::string>, std::less<>>;
const std::vector<Known> kCallers{
    {{"roles", {"admin", "member", "reader"}},
     {"project_id", {"p1"}},
     {"user_id", {"u1"}},
     {"is_admin", {"True"}}},
    {{"roles", {"member", "reader"}},
     {"project_id", {"p2"}},
     {"user_id", {"u2"}},
     {"is_admin", {"False"}}},
    {{"roles", {"reader"}},
     {"project_id", {"p1"}},
     {"user_id", {"u3"}},
     {"is_admin", {"False"}},
     {"service_roles", {"service"}}},
    {{"roles", {}}, {"project_id", {"p3"}}, {"user_id", {"u4"}}, {"is_admin", {"False"}}}};

using Attributes = std::map<std::string, std::string, std::less<>>;
const std::vector<Attributes> kTargets{
    {{"owner", "p1"},
     {"project_id", "p1"},
     {"visibility", "private"},
     {"member_id", "p2"},
     {"size", "None"}},
    {{"owner", "p2"},
     {"project_id", "p2"},
     {"visibility", "public"},
     {"protected", "True"},
     {"size", "5"}},
    {}};

RuleSet named_rules() {
    RuleSet rules;
    rules["default"] = parse_rule("role:admin").value();
    rules["owner"] = parse_rule("project_id:%(owner)s").value();
    rules["open"] = parse_rule("'public':%(visibility)s or rule:owner").value();
    rules["nested"] = parse_rule("not (rule:open and role:reader)").value();
    return rules;
}

class Facts final : public RuleFacts {
public:
    Facts(const Known& caller, const Attributes& target) : caller_(caller), target_(target) {}

    [[nodiscard]] bool has_role(std::string_view role) const override {
        return std::ranges::find(caller_.at("roles"), role) != caller_.at("roles").end();
    }
    [[nodiscard]] std::vector<std::string> credentials(std::string_view name) const override {
        const auto known = caller_.find(name);
        return known == caller_.end() ? std::vector<std::string>() : known->second;
    }
    [[nodiscard]] std::optional<std::string> attribute(std::string_view name) const override {
        const auto known = target_.find(name);
        return known == target_.end() ? std::nullopt : std::optional(known->second);
    }

private:
    const Known& caller_;
    const Attributes& target_;
};

// A rule that can not be read lets nobody pass.
std::string verdicts_of(const std::string& text) {
    RuleSet rules = named_rules();
    if (auto rule = parse_rule(text)) rules["asked"] = std::move(*rule);
    std::string verdicts;
    for (const Known& caller : kCallers)
        for (const Attributes& target : kTargets) {
            const bool pass =
                rules.contains("asked") && passes(rules, "asked", Facts(caller, target));
            verdicts += pass ? '1' : '0';
        }
    return verdicts;
}

TEST(PolicyVerdicts, AreThoseOfOsloPolicy) {
    std::ifstream file(SLIPWAY_SOURCE_DIR "/tests/unit/service/policy_verdicts.tsv");
    std::string line;
    int rules = 0;
    for (; std::getline(file, line); ++rules) {
        const std::size_t tab = line.find('\t');
        std::string rule = line.substr(0, tab);
        std::string expected = line.substr(tab + 1);
        for (std::size_t at = rule.find("\\n"); at != std::string::npos; at = rule.find("\\n"))
            rule.replace(at, 2, "\n");
        std::ranges::replace(expected, 'x', '0');
        EXPECT_EQ(verdicts_of(rule), expected) << rule;
    }
    EXPECT_EQ(rules, 400);
}

}  // namespace
}  // namespace slipway::service
