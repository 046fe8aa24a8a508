#pragma once

#include "http/router.h"
#include "http/server.h"

#include <string>
#include <string_view>

namespace slipway::http {

// Answers `request` by the route that fits: 404, 405 with Allow, or 501 without one; 400 for a
// path or a query that cannot be decoded, or a body where the route takes none; else what the
// handler says, its error as a problem(). Fills in params and route.
awaitable<Response> dispatch(const Router& router, Request& request);

// The filters below wrap a handler. In the order in which a request meets them:
// with_request_id(with_access_log(with_authentication(to_router))).

// Gives the request its id, and the answer x-openstack-request-id (not on 401, nor where the answer
// is marked without). A client that offers an id of more than `longest` characters is told 431.
Handler with_request_id(Handler next, std::size_t longest = 64);
// One line per request, when its answer has been sent: method, route, status, bytes, seconds. Never
// the path, the query or a token.
Handler with_access_log(Handler next);

// Runs `handler`; what it throws is logged and answered 500. A cancellation is passed on.
awaitable<Response> answer_safely(const Handler& handler, Request& request);

// The id for a request whose client sent `offered`: one of letters, digits and . _ - is taken, with
// "req-" put before it where that is missing; anything else gives a fresh id.
std::string choose_request_id(std::string_view offered);

}  // namespace slipway::http
