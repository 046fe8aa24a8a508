#include "http/api/front.h"

#include "http/dispatch.h"
#include "http/problem.h"

namespace slipway::http::api {

namespace {

// A request for an identity may take this long; the work that follows has deadlines of its own.
constexpr std::chrono::seconds kIdentityLimit{30};

// Of a request that could not be identified.
constexpr const char* kRetryAfterSeconds = "5";

bool is_health_check(std::string_view path) {
    return path == "/healthcheck" || path.starts_with("/healthcheck/");
}

}  // namespace

awaitable<Response> Front::handle(Request& request) {
    if (is_health_check(request.raw_path())) {
        request.route = "/healthcheck";
        Response answer = parts_.health.answer(request);
        answer.without_request_id = true;
        co_return answer;
    }
    auto version = parts_.versions.resolve(request);
    if (version.answer) {
        request.route = "/versions";
        version.answer->without_request_id = true;
        co_return std::move(*version.answer);
    }
    request.routed_path = std::move(version.path);
    // Asked by browsers before they have a token to send; tells what the documentation tells.
    if (request.method() == "OPTIONS") co_return co_await dispatch(parts_.router, request);

    const auth::Credentials credentials{
        request.header("X-Auth-Token"),
        request.header("X-Service-Token"),
        request.method(),
        request.routed_path};
    const Call call = request.caller.call.within(kIdentityLimit);
    auto identity = co_await parts_.identity.identify(credentials, call);
    if (!identity) {
        Response refused = problem(request, identity.error());
        refused.without_request_id = true;
        const std::string challenge = parts_.identity.challenge();
        if (refused.status == 401 && !challenge.empty())
            refused.with("WWW-Authenticate", challenge);
        if (refused.status == 503) refused.with("Retry-After", kRetryAfterSeconds);
        co_return refused;
    }
    request.caller.identity = std::move(*identity);
    if (parts_.policy.is_administrator(request.caller.identity))
        request.caller.identity.is_admin = true;
    request.caller.address = parts_.public_url.client_address(request);
    if (!parts_.face_by_token) request.caller.identity.is_service = false;
    if (parts_.face_by_listener && request.listener() == Listener::services)
        request.caller.identity.is_service = true;
    co_return co_await dispatch(parts_.router, request);
}

}  // namespace slipway::http::api
