#include "service/policy.h"

#include "service/metadef_scope.h"
#include "service/policy_defaults.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace slipway::service {

namespace {

bool owns(const Identity& identity, const Image& image) {
    return identity.project && image.owner && *identity.project == *image.owner;
}

std::string text_of(const std::optional<std::string>& text) {
    return text.value_or("None");
}

template <class Number>
std::string text_of(const std::optional<Number>& number) {
    return number ? std::to_string(*number) : "None";
}

std::string text_of(bool flag) {
    return flag ? "True" : "False";
}

std::optional<std::string> attribute_of(const Image& image, std::string_view name) {
    if (name == "id" || name == "image_id") return image.id.str();
    if (name == "name") return text_of(image.name);
    if (name == "status") return std::string(to_string(image.status));
    if (name == "visibility") return std::string(to_string(image.visibility));
    if (name == "owner" || name == "project_id") return text_of(image.owner);
    if (name == "size") return text_of(image.size_bytes);
    if (name == "virtual_size") return text_of(image.virtual_size_bytes);
    if (name == "disk_format") return text_of(image.disk_format);
    if (name == "container_format") return text_of(image.container_format);
    if (name == "min_disk") return std::to_string(image.min_disk_gib);
    if (name == "min_ram") return std::to_string(image.min_ram_mib);
    if (name == "protected") return text_of(image.is_protected);
    if (name == "os_hidden") return text_of(image.hidden);
    if (name == "checksum") return text_of(image.checksum);
    if (name == "os_hash_algo") return text_of(image.os_hash_algo);
    if (name == "os_hash_value") return text_of(image.os_hash_value);
    const auto property = image.properties.find(std::string(name));
    if (property == image.properties.end()) return std::nullopt;
    return text_of(property->second);
}

std::optional<std::string> attribute_of(const NamespaceTarget& target, std::string_view name) {
    if (name == "namespace") return target.name;
    if (name == "owner" || name == "project_id") return text_of(target.owner);
    if (name == "visibility") return target.visibility;
    return std::nullopt;
}

// The caller and the target, as rules see them.
class Facts final : public RuleFacts {
public:
    Facts(const Identity& identity, const Target& target) : identity_(identity), target_(target) {}

    [[nodiscard]] bool has_role(std::string_view role) const override {
        return identity_.has_role(role);
    }

    [[nodiscard]] std::vector<std::string> credentials(std::string_view name) const override {
        if (name == "project_id" || name == "tenant") return one(identity_.project);
        if (name == "user_id" || name == "user") return one(identity_.user);
        if (name == "roles") return identity_.roles;
        if (name == "is_admin") return {text_of(identity_.is_admin)};
        if (name == "is_service") return {text_of(identity_.is_service)};
        if (name == "domain_id") return one(identity_.domain);
        if (name == "user_domain_id") return one(identity_.user_domain);
        if (name == "project_domain_id") return one(identity_.project_domain);
        if (name == "system_scope" || name == "system") return one(identity_.system_scope);
        if (name == "service_roles") return identity_.service_roles;
        if (name == "service_user_id") return one(identity_.service_user);
        if (name == "service_project_id") return one(identity_.service_project);
        return {};
    }

    [[nodiscard]] std::optional<std::string> attribute(std::string_view name) const override {
        if (name == "member_id" || name == "member") {
            if (target_.member) return target_.member;
            if (target_.shared_with_caller) return identity_.project;
            if (target_.image == nullptr) return std::nullopt;
        }
        if (target_.image != nullptr) return attribute_of(*target_.image, name);
        if (target_.metadef_namespace != nullptr)
            return attribute_of(*target_.metadef_namespace, name);
        if (name == "owner" || name == "project_id") return text_of(target_.owner);
        return std::nullopt;
    }

private:
    static std::vector<std::string> one(const std::optional<std::string>& value) {
        return value ? std::vector<std::string>{*value} : std::vector<std::string>();
    }

    const Identity& identity_;
    const Target& target_;
};

// Whether the catalogue shows the namespace to the caller at all, before any rule.
bool shows_namespace(const Identity& identity, const NamespaceTarget& metadefs) {
    return identity.is_admin || metadefs.visibility == "public" ||
           (identity.project && identity.project == metadefs.owner);
}

// The project that the target belongs to.
std::optional<std::string> owner_of(const Target& target) {
    return target.image != nullptr ? target.image->owner : target.owner;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

RuleCheck either(RuleCheck first, RuleCheck second) {
    RuleCheck check;
    check.kind = RuleCheck::Kind::any_of;
    check.parts.push_back(std::move(first));
    check.parts.push_back(std::move(second));
    return check;
}

}  // namespace

Policy::Policy() {
    add_defaults();
}

Policy::Policy(
    const PolicyOptions& options,
    const std::vector<PolicyOverride>& overrides,
    std::vector<PolicyFinding>& findings
)
    : options_(options) {
    add_defaults();
    for (const PolicyOverride& rule : overrides) {
        auto check = parse_rule(rule.text);
        if (check)
            rules_[rule.name] = std::move(*check);
        else
            findings.push_back({true, rule.file, rule.line, rule.name + " " + check.error().message}
            );
    }
    check_references(overrides, findings);
}

void Policy::add_defaults() {
    for (const PolicyDefault& policy : policy_defaults()) {
        RuleCheck check = parse_rule(policy.rule).value();
        if (!options_.new_defaults && !policy.legacy.empty())
            check = either(std::move(check), parse_rule(policy.legacy).value());
        rules_[std::string(policy.name)] = std::move(check);
    }
}

void Policy::check_references(
    const std::vector<PolicyOverride>& overrides, std::vector<PolicyFinding>& findings
) const {
    std::set<std::string, std::less<>> used;
    for (const PolicyDefault& policy : policy_defaults()) used.emplace(policy.name);
    used.insert(options_.named_elsewhere.begin(), options_.named_elsewhere.end());
    std::set<std::string> in_a_circle;
    std::map<std::string_view, const PolicyOverride*> in_force;
    for (const PolicyOverride& rule : overrides) in_force[rule.name] = &rule;
    for (const PolicyOverride& rule : overrides) {
        const auto found = rules_.find(rule.name);
        if (found == rules_.end() || in_force[rule.name] != &rule) continue;
        for (const std::string& name : references_of(found->second)) {
            used.insert(name);
            if (!rules_.contains(name))
                findings.push_back(
                    {false,
                     rule.file,
                     rule.line,
                     rule.name + " refers to the rule " + name + ", which there is not; the rule " +
                         std::string(kDefaultRule) + " is taken instead"}
                );
        }
        const auto circle = circle_from(rules_, rule.name);
        if (circle.empty() || in_a_circle.contains(rule.name)) continue;
        in_a_circle.insert(circle.begin(), circle.end());
        findings.push_back(
            {true,
             rule.file,
             rule.line,
             rule.name + " refers to itself: " + joined(circle) + "; write one of them anew"}
        );
    }
    for (const PolicyOverride& rule : overrides) {
        if (!used.contains(rule.name))
            findings.push_back(
                {false,
                 rule.file,
                 rule.line,
                 rule.name + " is no policy of this version, and no rule uses it"}
            );
    }
}

bool Policy::allows(Action action, const Identity& identity, const Target& target) const {
    if (!check_scope(identity)) return false;
    const PolicyDefault& policy = default_of(action);
    if (!passes(rules_, policy.name, Facts(identity, target))) return false;
    if (options_.new_defaults || identity.is_admin) return true;
    const auto owner = owner_of(target);
    const bool is_owner = identity.project && owner == identity.project;
    return !(policy.legacy_owner_only && !is_owner) && !(policy.legacy_not_owner && is_owner);
}

Result<void> Policy::check_scope(const Identity& identity) const {
    if (!options_.enforce_scope) return {};
    if (!identity.system_scope && (!identity.domain || identity.project)) return {};
    return Error(
        Errc::forbidden,
        std::string("You are not authorized: your token is for ") +
            (identity.system_scope ? "the system" : "a domain") + "; get one for a project."
    );
}

Result<void> Policy::authorize(Action action, const Identity& identity, const Target& target)
    const {
    if (const Image* image = target.image) {
        if (!is_visible(identity, *image, target.shared_with_caller))
            return image_not_found(image->id);
        if (allows(action, identity, target)) return {};
        if (!allows(Action::get_image, identity, target)) return image_not_found(image->id);
        return refused(action);
    }
    SLIPWAY_CHECK(check_scope(identity));
    const NamespaceTarget* const metadefs = target.metadef_namespace;
    const bool has_namespace = metadefs != nullptr && action != Action::add_metadef_namespace;
    if (has_namespace && !shows_namespace(identity, *metadefs))
        return namespace_not_found(metadefs->name);
    if (allows(action, identity, target)) return {};
    if (has_namespace && !allows(Action::get_metadef_namespace, identity, target))
        return namespace_not_found(metadefs->name);
    return refused(action);
}

bool Policy::allows(const std::string& rule, const Identity& identity) const {
    return passes(rules_, rule, Facts(identity, {}));
}

bool Policy::is_administrator(const Identity& identity) const {
    return passes(rules_, "context_is_admin", Facts(identity, {}));
}

bool is_visible(const Identity& identity, const Image& image, bool shared_with_caller) {
    if (identity.is_admin || owns(identity, image)) return true;
    switch (image.visibility) {
        case Visibility::public_:
        case Visibility::community:
            return true;
        case Visibility::shared:
            return shared_with_caller || !image.owner;  // an old cloud's: nobody could share it
        case Visibility::private_:
            return false;
    }
    return false;
}

bool membership_decides(const Identity& identity, const Image& image) {
    return image.visibility == Visibility::shared && identity.project && !identity.is_admin &&
           !owns(identity, image);
}

void set_list_scope(MetadefQuery& query, const Identity& identity) {
    query.all = identity.is_admin;
    query.project = identity.project;
}

void set_list_scope(ListScope& scope, const Identity& identity) {
    scope.all = identity.is_admin;
    scope.project = identity.project;
}

bool sees_all_members(const Identity& identity, const Image& image) {
    return identity.is_admin || owns(identity, image);
}

std::optional<std::string> owner_of_visible_tasks(const Identity& identity) {
    if (identity.is_admin) return std::nullopt;
    return identity.project.value_or("");
}

bool sees_task(const Identity& identity, const TaskRecord& task) {
    return identity.is_admin || (identity.project && identity.project == task.owner);
}

bool sees_task_input(const Identity& identity) {
    return identity.is_admin || may_name_datastores(identity);
}

bool may_cancel_task(const Identity& identity, const TaskRecord& task) {
    return identity.is_admin || (sees_task(identity, task) && identity.has_role("member"));
}

bool holds_any_role(const Identity& identity, const std::vector<std::string>& roles) {
    for (const std::string& role : roles)
        if (identity.has_role(role) || (role == "admin" && identity.is_admin)) return true;
    return false;
}

bool sees_service_face(const Identity& identity) {
    return identity.is_service;
}

bool may_name_datastores(const Identity& identity) {
    return identity.is_service || identity.has_role("service") ||
           std::ranges::find(identity.service_roles, "service") != identity.service_roles.end();
}

bool sees_stores(const Identity& identity, const Image& image) {
    return identity.is_admin || image.status != ImageStatus::deactivated;
}

LocationView location_view(
    const Policy& policy,
    const Identity& identity,
    const Image& image,
    const LocationVisibility& visibility
) {
    if (identity.is_service) return {visibility.services, visibility.services};
    if (!policy.allows(Action::get_image_location, identity, {&image, false, {}, {}})) return {};
    return {visibility.show_multiple_locations, visibility.show_image_direct_url};
}

Error image_not_found(const ImageId& id) {
    return Error(Errc::not_found, "No image found with ID " + id.str());
}

Error namespace_not_found(const std::string& name) {
    return Error(Errc::not_found, "Metadata definition namespace " + name + " was not found.");
}

Error refused(Action action) {
    return Error(
        Errc::forbidden, "You are not authorized to " + std::string(default_of(action).deed) + "."
    );
}

}  // namespace slipway::service
