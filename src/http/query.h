#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::http {

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// Decodes "name=a+b&tag=x%20y" as forms do: '+' is a blank, order and repeats are kept, a name
// without
// '=' has an empty value, empty items are skipped.
// Errors: invalid_argument for a broken percent code, invalid UTF-8, or NUL.
Result<QueryParameters> parse_query(std::string_view raw);

// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_valid_utf8(std::string_view text);

}  // namespace slipway::http
