#pragma once

#include "base/call.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

// Who asks, as the identity service vouches for it.
struct Identity {
    std::optional<std::string> user;
    std::optional<std::string> project;
    std::vector<std::string> roles;  // lower case
    bool is_admin = false;
    bool is_service =
        false;  // a service's token, or the listener for services: sees the service face

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
};

}  // namespace slipway
