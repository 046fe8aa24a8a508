#include "auth/token.h"

#include "base/json.h"
#include "base/text.h"

namespace slipway::auth {

namespace {

constexpr json::Limits kLimits{8U << 20U, 32, 200'000};

Error not_a_token(const std::string& what) {
    return {Errc::corrupt, "Keystone's answer is no token: " + what};
}

// A user, project or domain: its id, its name and the id of its domain.
struct Named {
    std::optional<std::string> id;
    std::optional<std::string> name;
    std::optional<std::string> domain;
};

Result<Named> named(const json::Value& token, std::string_view key) {
    Named found;
    const auto value = token.find(key);
    if (!value || value->is_null()) return found;
    if (!value->is_object()) return not_a_token("\"" + std::string(key) + "\" is no object");
    SLIPWAY_TRY(found.id, value->required_string("id"));
    SLIPWAY_TRY(found.name, value->optional_string("name"));
    if (const auto domain = value->find("domain"); domain && domain->is_object()) {
        SLIPWAY_TRY(found.domain, domain->optional_string("id"));
    }
    return found;
}

Result<std::vector<std::string>> roles_of(const json::Value& token) {
    std::vector<std::string> roles;
    const auto list = token.find("roles");
    if (!list || !list->is_array()) return roles;
    for (const json::Value& role : list->elements()) {
        if (!role.is_object()) return not_a_token("a role is no object");
        SLIPWAY_TRY(const std::string name, role.required_string("name"));
        roles.push_back(lower_case(name));
    }
    return roles;
}

Result<std::vector<Endpoint>> catalog_of(const json::Value& token) {
    std::vector<Endpoint> all;
    const auto services = token.find("catalog");
    if (!services || !services->is_array()) return all;
    for (const json::Value& service : services->elements()) {
        const auto endpoints = service.is_object() ? service.find("endpoints") : std::nullopt;
        if (!endpoints || !endpoints->is_array()) continue;
        SLIPWAY_TRY(const auto type, service.optional_string("type"));
        for (const json::Value& entry : endpoints->elements()) {
            if (!entry.is_object()) return not_a_token("an endpoint is no object");
            SLIPWAY_TRY(const auto interface, entry.optional_string("interface"));
            SLIPWAY_TRY(const auto region, entry.optional_string("region_id"));
            SLIPWAY_TRY(const auto url, entry.optional_string("url"));
            all.push_back(
                {type.value_or(""), interface.value_or(""), region.value_or(""), url.value_or("")}
            );
        }
    }
    return all;
}

// Absent without a restriction; an empty list allows nothing.
Result<std::optional<std::vector<AccessRule>>> access_rules_of(const json::Value& token) {
    std::optional<std::vector<AccessRule>> rules;
    const auto credential = token.find("application_credential");
    if (!credential || credential->is_null()) return rules;
    if (!credential->is_object()) return not_a_token("\"application_credential\" is no object");
    const auto list = credential->find("access_rules");
    if (!list || list->is_null()) return rules;
    if (!list->is_array()) return not_a_token("\"access_rules\" is no array");
    rules.emplace();
    for (const json::Value& entry : list->elements()) {
        if (!entry.is_object()) return not_a_token("an access rule is no object");
        AccessRule rule;
        SLIPWAY_TRY(rule.service, entry.required_string("service"));
        SLIPWAY_TRY(rule.method, entry.required_string("method"));
        SLIPWAY_TRY(rule.path, entry.required_string("path"));
        rules->push_back(std::move(rule));
    }
    return rules;
}

Result<TokenFacts> facts_of(const json::Value& token) {
    TokenFacts facts;
    Identity& identity = facts.identity;
    SLIPWAY_TRY(const Named user, named(token, "user"));
    if (!user.id) return not_a_token("it has no user");
    identity.user = user.id;
    identity.user_name = user.name;
    identity.user_domain = user.domain;
    SLIPWAY_TRY(const Named project, named(token, "project"));
    identity.project = project.id;
    identity.project_name = project.name;
    identity.project_domain = project.domain;
    SLIPWAY_TRY(const Named domain, named(token, "domain"));
    identity.domain = domain.id;
    if (const auto system = token.find("system"); system && system->is_object())
        identity.system_scope = "all";
    SLIPWAY_TRY(identity.roles, roles_of(token));
    SLIPWAY_TRY(identity.access_rules, access_rules_of(token));
    SLIPWAY_TRY(const std::string issued_at, token.required_string("issued_at"));
    SLIPWAY_TRY(facts.issued_at, parse_iso8601(issued_at));
    SLIPWAY_TRY(const std::string expires_at, token.required_string("expires_at"));
    SLIPWAY_TRY(facts.expires_at, parse_iso8601(expires_at));
    SLIPWAY_TRY(facts.catalog, catalog_of(token));
    return facts;
}

}  // namespace

Result<TokenFacts> parse_token(std::string_view body) {
    const auto document = json::Document::parse(body, kLimits);
    if (!document) return not_a_token(document.error().message);
    const json::Value root = document->root();
    const auto token = root.is_object() ? root.find("token") : std::nullopt;
    if (!token || !token->is_object()) return not_a_token("it has no member \"token\"");
    auto facts = facts_of(*token);
    if (!facts && facts.error().code != Errc::corrupt) return not_a_token(facts.error().message);
    return facts;
}

}  // namespace slipway::auth
