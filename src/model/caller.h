#pragma once

#include "base/call.h"
#include "base/secret.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

// One thing that the token of a restricted application credential is for: "GET" of
// "/v2/images/*" at "image".
struct AccessRule {
    std::string service;
    std::string method;
    std::string path;
};

// Who asks, as the identity service vouches for it.
struct Identity {
    std::optional<std::string> user;
    std::optional<std::string> project;  // that the token is for; absent: it is for none
    std::vector<std::string> roles;      // lower case
    bool is_admin = false;
    bool is_service =
        false;  // a service's token, or the listener for services: sees the service face

    // For rules, and for the log.
    std::optional<std::string> user_name;
    std::optional<std::string> project_name;
    std::optional<std::string> user_domain;
    std::optional<std::string> project_domain;
    std::optional<std::string> domain;        // a token for a domain
    std::optional<std::string> system_scope;  // a token for the system: "all"

    // Who passes the request on, when a service's token came with it.
    std::optional<std::string> service_user;
    std::optional<std::string> service_project;
    std::vector<std::string> service_roles;  // lower case

    // All that the token is for; absent: it is not restricted.
    std::optional<std::vector<AccessRule>> access_rules;

    Secret token;  // the caller's own, for what is done in its name elsewhere

    [[nodiscard]] bool has_role(std::string_view role) const {
        for (const std::string& held : roles)
            if (held == role) return true;
        return false;
    }
};

// A Call with an Identity: what services take. Below them the identity falls away.
struct Caller {
    Call call;
    Identity identity;
    std::string address = {};  // where the caller is, as far as it is known: an IP address
};

}  // namespace slipway
