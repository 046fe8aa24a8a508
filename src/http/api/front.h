#pragma once

#include "auth/identity_service.h"
#include "http/api/health.h"
#include "http/api/versions.h"
#include "http/router.h"
#include "http/server.h"
#include "service/policy.h"

namespace slipway::http::api {

// What stands between the server and the routes, in the order in which a request meets it: health,
// versions, identity, then the router.
class Front {
public:
    struct Parts {
        HealthCheck health;
        Versions versions;
        auth::IdentityService& identity;
        const service::Policy& policy;
        const Router& router;
        // What makes a caller a service.
        bool face_by_token = true;
        bool face_by_listener = true;
        PublicUrl public_url = {};
    };

    explicit Front(Parts parts) : parts_(std::move(parts)) {}

    awaitable<Response> handle(Request& request);

private:
    Parts parts_;
};

}  // namespace slipway::http::api
