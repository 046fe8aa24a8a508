#pragma once

#include "base/awaitable.h"
#include "base/result.h"
#include "model/caller.h"

#include <string>
#include <string_view>

namespace slipway::auth {

// What a request brings along, and what it wants. Views into the request.
struct Credentials {
    std::string_view token;          // X-Auth-Token
    std::string_view service_token;  // X-Service-Token
    std::string_view method;
    std::string_view path;  // as it is routed, not decoded
};

// Tells who is behind a token.
class IdentityService {
public:
    virtual ~IdentityService() = default;

    // Errors: unauthenticated, unavailable (the identity service can not be asked).
    virtual awaitable<Result<Identity>> identify(
        const Credentials& credentials, const Call& call
    ) = 0;

    // For WWW-Authenticate of a 401; empty: none.
    [[nodiscard]] virtual std::string challenge() const = 0;
};

// For development: everybody is an administrator of one project, with any token or none, and a
// service with any service token. Only for listeners on loopback; the configuration sees to that.
class NoIdentityService final : public IdentityService {
public:
    awaitable<Result<Identity>> identify(const Credentials& credentials, const Call& call) override;
    [[nodiscard]] std::string challenge() const override { return {}; }
};

}  // namespace slipway::auth
