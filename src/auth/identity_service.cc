#include "auth/identity_service.h"

namespace slipway::auth {

awaitable<Result<Identity>>
NoIdentityService::identify(const Credentials& credentials, const Call&) {
    Identity identity;
    identity.user = "admin";
    identity.project = "default";
    identity.roles = {"admin", "member", "reader"};
    identity.is_admin = true;
    identity.is_service = !credentials.service_token.empty();
    co_return identity;
}

}  // namespace slipway::auth
