#include "auth/access_rules.h"

#include "base/pattern.h"

#include <algorithm>
#include <string>

namespace slipway::auth {

namespace {

// A regular expression for whole paths. What is no wildcard stands for itself.
std::string expression_of(std::string_view pattern) {
    constexpr std::string_view kOnePart = "[^/]+";
    std::string expression = "^";
    for (std::size_t at = 0; at < pattern.size();) {
        const std::string_view rest = pattern.substr(at);
        const auto end_of_tag = rest.front() == '{' ? rest.find('}') : std::string_view::npos;
        if (end_of_tag != std::string_view::npos) {
            expression += kOnePart;
            at += end_of_tag + 1;
        } else if (rest.starts_with("**")) {
            expression += ".*";
            at += 2;
        } else if (rest.front() == '*') {
            expression += kOnePart;
            ++at;
        } else {
            constexpr std::string_view kSpecial = "\\^$.|?+()[]{}";
            if (kSpecial.find(rest.front()) != std::string_view::npos) expression += '\\';
            expression += rest.front();
            ++at;
        }
    }
    return expression + '$';
}

}  // namespace

bool matches_path(std::string_view pattern, std::string_view path) {
    const auto compiled = Pattern::compile(expression_of(pattern));
    return compiled && compiled->is_in(path);
}

bool is_admitted(
    const std::vector<AccessRule>& rules,
    std::string_view service_type,
    std::string_view method,
    std::string_view path
) {
    return std::ranges::any_of(rules, [&](const AccessRule& rule) {
        return rule.service == service_type && rule.method == method &&
               matches_path(rule.path, path);
    });
}

}  // namespace slipway::auth
