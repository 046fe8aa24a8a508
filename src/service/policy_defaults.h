#pragma once

#include "service/policy.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::service {

// The rule of a policy until a policy file says otherwise.
struct PolicyDefault {
    std::optional<Action> action;  // absent: a rule for others to refer to
    std::string_view name;
    std::string rule;
    // Additionally allowed where the new defaults are not enforced; empty: nothing.
    std::string legacy;
    // Where the new defaults are not enforced, only the owner or an administrator may, whatever the
    // rule says; with `not_owner`, everybody but the owner.
    bool legacy_owner_only = false;
    bool legacy_not_owner = false;
    // Goes on after "You are not authorized to ".
    std::string_view deed;
};

// One for each Action, in their order, after the rules that others refer to.
const std::vector<PolicyDefault>& policy_defaults();
const PolicyDefault& default_of(Action action);

}  // namespace slipway::service
