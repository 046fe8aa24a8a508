#pragma once

#include <map>
#include <string>

namespace slipway::http::api {

// The documents of /v2/schemas/metadefs/NAME, by NAME. Glance's client builds its records from
// them, and refuses members that they do not name.
std::map<std::string, std::string, std::less<>> metadef_schemas();

}  // namespace slipway::http::api
