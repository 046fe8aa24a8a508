#include "service/property_protection.h"

#include "base/text.h"

#include <algorithm>

namespace slipway::service {

namespace {

bool holds(const std::vector<std::string>& roles, const std::string& role) {
    return std::ranges::find(roles, role) != roles.end();
}

std::string_view verb_of(PropertyAction action) {
    switch (action) {
        case PropertyAction::create:
            return "create";
        case PropertyAction::read:
            return "read";
        case PropertyAction::update:
            return "change";
        case PropertyAction::remove:
            return "remove";
    }
    return "use";
}

}  // namespace

bool PropertyProtections::allows(
    PropertyAction action, std::string_view name, const Identity& identity
) const {
    if (rules_.empty() || name.starts_with("os_glance")) return true;
    const auto rule = std::ranges::find_if(rules_, [&](const PropertyRule& candidate) {
        return candidate.name.is_in(name);
    });
    if (rule == rules_.end()) return false;
    const auto who = rule->who.find(action);
    if (who == rule->who.end()) return false;
    return std::ranges::any_of(who->second, [&](const std::string& word) {
        if (word == "@") return true;
        if (word == "!") return false;
        if (by_policy_) return by_policy_(word, identity);
        return holds(identity.roles, lower_case(word)) ||
               holds(identity.service_roles, lower_case(word));
    });
}

Result<void> PropertyProtections::authorize(
    PropertyAction action, std::string_view name, const Identity& identity
) const {
    if (allows(action, name, identity)) return {};
    return Error(
        Errc::forbidden,
        "You are not permitted to " + std::string(verb_of(action)) + " the property '" +
            std::string(name) + "'."
    );
}

void PropertyProtections::hide_unreadable(Image& image, const Identity& identity) const {
    if (rules_.empty()) return;
    std::erase_if(image.properties, [&](const auto& property) {
        return !allows(PropertyAction::read, property.first, identity);
    });
}

}  // namespace slipway::service
