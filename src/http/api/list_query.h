#pragma once

#include "model/image_query.h"

#include "base/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::http::api {

struct ListLimits {
    std::size_t by_default = 25;
    std::size_t at_most = 1000;
};

using QueryItems = std::vector<std::pair<std::string, std::string>>;

// The query of GET /v2/images. Errors: invalid_argument with the parameter and what it may be, also
// for more than 64 filters, or more than 1000 items of one.
Result<ImageQuery> read_list_query(const QueryItems& items, const ListLimits& limits);

// How many a page may hold, as a client asks for it: a number beyond `at_most` is `at_most`.
// Errors: invalid_argument for what is no whole number from 0.
Result<std::size_t> read_limit(std::string_view text, std::size_t at_most);

// "/v2/images?limit=2&name=x", with `marker` last when there is one; repeats are kept.
std::string list_link(std::string_view path, const QueryItems& items, std::string_view marker);

}  // namespace slipway::http::api
