#pragma once

#include "http/router.h"
#include "http/server.h"

#include <string>
#include <string_view>

namespace slipway::http {

// Answers `request` by the route that fits: 404, 405 with Allow, or 501 without one; 400 for a
// query that cannot be decoded, or a body where the route takes none; else what the handler says,
// its error as a problem(). Fills in params and route.
awaitable<Response> dispatch(const Router& router, Request& request);

// The filters below wrap a handler. In the order in which a request meets them:
// with_request_id(with_access_log(with_authentication(to_router))).

// Gives the request its id, and the answer x-openstack-request-id (not on 401, nor where the answer
// is marked without).
Handler with_request_id(Handler next);
// One line per request, when its answer has been sent: method, route, status, bytes, seconds. Never
// the path, the query or a token.
Handler with_access_log(Handler next);

// Runs `handler`; what it throws is logged and answered 500. A cancellation is passed on.
awaitable<Response> answer_safely(const Handler& handler, Request& request);

// The id for a request whose client sent `offered`: "req-<uuid>" is taken as it is, a bare uuid
// gets the prefix, anything else a fresh id.
std::string choose_request_id(std::string_view offered);

}  // namespace slipway::http
