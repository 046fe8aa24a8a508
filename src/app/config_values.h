#pragma once

#include "app/config_table.h"
#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// From the text of an option to a value. Messages go on after "[group] name " and never hold the
// text of a secret option.
namespace slipway::app {

// Errors of all: invalid_argument.
Result<bool> parse_boolean(std::string_view text);
// integer, seconds and size, within the range of `spec`.
Result<std::int64_t> parse_number(const OptionSpec& spec, std::string_view text);
// By comma; empty entries are left out.
std::vector<std::string> parse_list(std::string_view text);
Result<std::vector<std::pair<std::string, std::string>>> parse_dict(std::string_view text);

// Whether `text` is a value of `spec`, whatever its type.
Result<void> check_value(const OptionSpec& spec, std::string_view text);

// `text` as it may be shown: secrets masked, of a URL only the password.
std::string masked(const OptionSpec& spec, const std::string& text);

// The one of `names` that `name` is most probably a slip of; empty when none is near.
std::string nearest(std::string_view name, const std::vector<std::string>& names);

}  // namespace slipway::app
