#pragma once

#include "model/caller.h"

#include <string_view>
#include <vector>

namespace slipway::auth {

// Whether `path` (decoded) matches the path of an access rule: {name} and * stand for one part of
// it, ** for any number of characters. Source: Identity API v3, application credentials.
bool matches_path(std::string_view pattern, std::string_view path);

// Whether any of the rules lets its token send `method` to `path` of this service.
bool is_admitted(
    const std::vector<AccessRule>& rules,
    std::string_view service_type,
    std::string_view method,
    std::string_view path
);

}  // namespace slipway::auth
