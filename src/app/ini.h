#pragma once

#include "base/result.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Configuration files as oslo.config reads them, because deployment tools write them that way.
namespace slipway::app {

// Where a value was written: a line of a file, an environment variable, or nowhere (a default).
struct Origin {
    std::string source;    // path, "environment OS_…", "default"; empty: nowhere
    std::size_t line = 0;  // from 1; 0 where there are no lines

    [[nodiscard]] std::string str() const;  // path:12
    friend bool operator==(const Origin&, const Origin&) = default;
};

struct IniValue {
    std::string group;  // normalised, see below
    std::string name;   // normalised
    std::string text;   // continuation lines are joined by newlines; references not yet replaced
    Origin origin;      // of the assignment's first line
};

// Something wrong at a place, as one clear sentence that says what to do.
struct Mistake {
    Origin origin;
    std::string what;

    friend bool operator==(const Mistake&, const Mistake&) = default;
};

// Option names: '-' and '_' are equal, written '_' here.
std::string normalised_option(std::string_view name);
// Group names: DEFAULT as it is, any other in lower case.
std::string normalised_group(std::string_view name);

// Reads a whole file. Returns every assignment in its order, repeats kept; adds one entry to
// `mistakes` for each line that is none of section, assignment, comment, continuation and blank.
//
//   [glance_store]                  section; all that follows belongs to it
//   default_backend = "vmware"      first of '=' and ':' splits; one pair of equal quotes is
//   removed # or ;                          a comment, as a whole line only: "a = b ; c" keeps "b ;
//   c"
//     more                          begins with a blank: continues the value above, until an empty
//     line
//
// Source: oslo.config, iniparser.
std::vector<IniValue> parse_ini(
    std::string_view text, const std::string& file, std::vector<Mistake>& mistakes
);

// The environment variable that sets an option: OS_<GROUP>__<OPTION>, all capitals; what a group or
// option has besides letters and digits is '_' there.
std::string environment_name(std::string_view group, std::string_view option);

// Finds the value of "option" or "group.option"; absent when there is no such option.
using ReferenceLookup =
    std::function<Result<std::optional<std::string>>(std::string_view reference)>;

// Replaces $option, ${option}, $group.option and ${group.option} by what `look_up` finds; $$ and \$
// are a dollar, and so is a '$' that no name follows. Errors: invalid_argument for a reference to
// nothing, or what `look_up` reports. The message does not hold the text.
Result<std::string> substitute(std::string_view text, const ReferenceLookup& look_up);

// Without the blanks round it.
std::string_view trimmed(std::string_view text);

}  // namespace slipway::app
