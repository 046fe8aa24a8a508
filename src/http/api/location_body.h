#pragma once

#include "base/json.h"
#include "service/image_patch.h"
#include "service/location_service.h"

#include <optional>
#include <string_view>

namespace slipway::http::api {

// The body of POST /v2/images/{id}/locations:
//   {"url": "https://…", "validation_data": {"os_hash_algo": "sha512", "os_hash_value": "…"}}
// Errors: invalid_argument.
Result<service::LocationRequest> read_location_request(
    std::string_view body, const json::Limits& limits
);

// An operation of a PATCH on "/locations" or "/locations/<position>"; `value` as it came, absent
// for remove.
//   {"url": "https://…", "metadata": {}, "validation_data": {…}}
// Errors: invalid_argument.
Result<service::LocationOperation> read_location_operation(
    service::PatchVerb verb, std::string_view pointer, const std::optional<json::Value>& value
);

}  // namespace slipway::http::api
