#pragma once

#include "base/json.h"
#include "model/image.h"
#include "model/image_schema.h"
#include "service/image_patch.h"

#include <string>
#include <string_view>

namespace slipway::http::api {

// Reads `value` as the attribute or property `name`, by the schema.
// Errors: invalid_argument with the name and what is wrong.
Result<service::AttributeValue> read_attribute(
    const ImageSchema& schema, std::string_view name, const json::Value& value
);

// The body of POST /v2/images. `owner` is who owns it when the body does not say.
// Errors: invalid_argument, forbidden (read-only or reserved names).
Result<Image> read_new_image(
    const ImageSchema& schema,
    std::string_view body,
    const json::Limits& limits,
    const std::optional<std::string>& owner
);

// The body of PATCH /v2/images/{id}, in either dialect:
//   [{"op": "replace", "path": "/name", "value": "x"}]         v2.1
//   [{"replace": "/name", "value": "x"}]                       v2.0
// Errors: invalid_argument, forbidden (read-only or reserved roots).
Result<service::ImagePatch> read_image_patch(
    const ImageSchema& schema,
    std::string_view body,
    const json::Limits& limits,
    service::PatchDialect dialect
);

}  // namespace slipway::http::api
