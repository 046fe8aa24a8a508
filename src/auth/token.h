#pragma once

#include "base/result.h"
#include "base/time.h"
#include "model/caller.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::auth {

// Where a service of the cloud is reached.
struct Endpoint {
    std::string service_type;
    std::string interface;  // public, internal, admin
    std::string region;
    std::string url;
};

// What Keystone says about a token.
struct TokenFacts {
    Identity identity;  // roles in lower case; neither admin nor service yet
    Time issued_at;
    Time expires_at;
    std::vector<Endpoint> catalog;  // empty when it was not asked for
};

// Reads the body of an answer of Keystone:
//
//   {"token": {"issued_at": "2026-11-30T10:00:00.000000Z",
//              "expires_at": "2026-12-01T10:00:00.000000Z",
//              "user": {"id": "…", "name": "demo", "domain": {"id": "default", …}},
//              "project": {"id": "…", "name": "demo", "domain": {…}},
//              "roles": [{"id": "…", "name": "member"}], …}}
//
// "project", "domain" or "system" says what the token is for; an unscoped token has none of them.
// "application_credential" may hold "access_rules".
// Errors: corrupt. Source: Identity API v3, Authentication and token management.
Result<TokenFacts> parse_token(std::string_view body);

}  // namespace slipway::auth
