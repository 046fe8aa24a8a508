#pragma once

#include "base/result.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Rules as oslo.policy writes and reads them:
//
//   role:admin or (role:member and project_id:%(owner)s)
//   rule:owner_only and not 'public':%(visibility)s
//   @                       everybody; so does an empty rule
//   !                       nobody
//
// "not" binds before "and", "and" before "or"; words may be written in capitals.
namespace slipway::service {

// What a rule looks at, by the names that rules use.
class RuleFacts {
public:
    virtual ~RuleFacts() = default;
    // Whether the caller has the role; `role` is lower case.
    [[nodiscard]] virtual bool has_role(std::string_view role) const = 0;
    // What is known of the caller under `name`, the left side of a comparison. Nothing fits a
    // caller of whom nothing is known: two absent projects are not the same project.
    [[nodiscard]] virtual std::vector<std::string> credentials(std::string_view name) const = 0;
    // %(name)s: absent, when the target has no attribute of that name; "None" for a null one.
    [[nodiscard]] virtual std::optional<std::string> attribute(std::string_view name) const = 0;
};

// The right side of a comparison: text, with attributes of the target in it.
struct RulePattern {
    struct Part {
        bool is_attribute = false;
        std::string text;  // as it is, or the attribute's name
    };
    std::vector<Part> parts;

    // Absent when an attribute is.
    [[nodiscard]] std::optional<std::string> filled(const RuleFacts& facts) const;
};

// A rule, read: a tree of checks.
struct RuleCheck {
    enum class Kind { always, never, all_of, any_of, none_of, rule, role, credential, literal };

    Kind kind = Kind::never;
    std::vector<RuleCheck> parts;  // of all_of, any_of; the one of none_of
    std::string name;              // of the rule, or the left side of a comparison
    RulePattern pattern;           // of role, credential, literal
};

// Errors: invalid_argument, with a sentence that says what is wrong with the text.
Result<RuleCheck> parse_rule(std::string_view text);

using RuleSet = std::map<std::string, RuleCheck, std::less<>>;

// What a reference to a rule that is not there means.
inline constexpr std::string_view kDefaultRule = "default";

// Whether the rule `name` lets the caller pass. `rules` must have no circles.
bool passes(const RuleSet& rules, std::string_view name, const RuleFacts& facts);

// Names that the rule refers to by rule:NAME.
std::vector<std::string> references_of(const RuleCheck& rule);

// The rules that refer to each other in a circle that begins and ends at `name`; empty: none does.
std::vector<std::string> circle_from(const RuleSet& rules, const std::string& name);

}  // namespace slipway::service
