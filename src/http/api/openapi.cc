#include "http/api/openapi.h"

namespace slipway::http::api {

namespace {

awaitable<Result<Response>> describe(Request&) {
    co_return json_response(200, std::string(kOpenApiJson));
}

}  // namespace

void add_openapi_route(Router& router) {
    router.add("GET", "/slipway/v1/openapi.json", BodyRule::refused, &describe);
}

}  // namespace slipway::http::api
