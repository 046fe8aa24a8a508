#pragma once

#include "base/pattern.h"
#include "model/caller.h"
#include "model/image.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::service {

enum class PropertyAction { create, read, update, remove };

// One section of a property_protection_file.
struct PropertyRule {
    Pattern name;  // looked for in the property's name
    // Roles, "@" for everyone, "!" for nobody; or the name of one policy.
    std::map<PropertyAction, std::vector<std::string>> who;
};

// Who may do what with which additional properties. The first rule whose pattern is in the name
// decides, whatever later ones say; where none is, nobody may. Names that begin with os_glance are
// slipway's own and not looked at. Without rules everything is allowed.
class PropertyProtections {
public:
    // Whether the policy of that name lets the caller pass, for files that name policies.
    using ByPolicy = std::function<bool(const std::string& policy, const Identity& identity)>;

    PropertyProtections() = default;
    // `by_policy` empty: the file names roles.
    PropertyProtections(std::vector<PropertyRule> rules, ByPolicy by_policy)
        : rules_(std::move(rules)), by_policy_(std::move(by_policy)) {}

    [[nodiscard]] bool allows(
        PropertyAction action, std::string_view name, const Identity& identity
    ) const;
    // The same as an answer. Errors: forbidden.
    [[nodiscard]] Result<void> authorize(
        PropertyAction action, std::string_view name, const Identity& identity
    ) const;
    // Takes out of `image` what the caller may not read.
    void hide_unreadable(Image& image, const Identity& identity) const;

private:
    std::vector<PropertyRule> rules_;
    ByPolicy by_policy_;
};

}  // namespace slipway::service
