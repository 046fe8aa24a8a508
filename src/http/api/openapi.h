#pragma once

#include "http/router.h"

#include <string_view>

namespace slipway::http::api {

// The description of all that is served, schema/openapi.json, as it is.
extern const std::string_view kOpenApiJson;

void add_openapi_route(Router& router);

}  // namespace slipway::http::api
