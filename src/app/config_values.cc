#include "app/config_values.h"

#include "app/ini.h"
#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <numeric>

namespace slipway::app {

namespace {

std::string quoted(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string range_of(const OptionSpec& spec) {
    const std::string unit = spec.type == OptionType::size      ? " bytes"
                             : spec.type == OptionType::seconds ? " seconds"
                                                                : "";
    if (spec.min && spec.max)
        return "from " + std::to_string(*spec.min) + " to " + std::to_string(*spec.max) + unit;
    if (spec.min) return "of at least " + std::to_string(*spec.min) + unit;
    return "that fits 64 bits" + unit;
}

// 1 for no unit, 0 for one that is unknown.
std::int64_t unit_factor(std::string_view unit) {
    constexpr std::array<std::string_view, 5> kUnits{"B", "KB", "MB", "GB", "TB"};
    if (unit.empty()) return 1;
    const auto* const found = std::find(kUnits.begin(), kUnits.end(), unit);
    return found == kUnits.end() ? 0 : std::int64_t{1} << (10 * (found - kUnits.begin()));
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
    return text;
}

Result<void> check_choice(const OptionSpec& spec, const std::string& value) {
    if (spec.choices.empty() ||
        std::find(spec.choices.begin(), spec.choices.end(), value) != spec.choices.end())
        return {};
    return Error(
        Errc::invalid_argument, "is " + quoted(value) + "; write one of " + joined(spec.choices)
    );
}

bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f;
}

// A value of several lines is nearly always one with an indented comment below it.
Result<void> check_characters(const OptionSpec& spec, std::string_view text) {
    if (std::any_of(text.begin(), text.end(), is_control))
        return Error(Errc::invalid_argument, "holds a control character; remove it");
    const bool several = spec.type == OptionType::list || spec.type == OptionType::dict;
    if (!several && text.find('\n') != std::string_view::npos) {
        return Error(
            Errc::invalid_argument,
            "runs over several lines, because those after it begin with a blank; remove the "
            "blanks" +
                std::string(
                    spec.type == OptionType::multi ? ", and write " + spec.name + " = on each" : ""
                )
        );
    }
    return {};
}

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i + 1;
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

Result<bool> parse_boolean(std::string_view text) {
    const std::string word = lower_case(text);
    if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
    if (word == "false" || word == "0" || word == "no" || word == "off") return false;
    return Error(
        Errc::invalid_argument, "is " + quoted(text) + ", which is no boolean; write true or false"
    );
}

Result<std::int64_t> parse_number(const OptionSpec& spec, std::string_view text) {
    const Error wrong(
        Errc::invalid_argument, "is " + quoted(text) + "; write a whole number " + range_of(spec)
    );
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{}) return wrong;
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    const std::int64_t factor =
        spec.type == OptionType::size ? unit_factor(trimmed(rest)) : unit_factor(rest);
    if (factor == 0 || (spec.type != OptionType::size && !rest.empty())) return wrong;
    if (value > std::numeric_limits<std::int64_t>::max() / factor || (value < 0 && factor != 1))
        return wrong;
    value *= factor;
    if ((spec.min && value < *spec.min) || (spec.max && value > *spec.max)) return wrong;
    return value;
}

std::vector<std::string> parse_list(std::string_view text) {
    text = trimmed(text);
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
        text = text.substr(1, text.size() - 2);
    std::vector<std::string> entries;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(','), text.size());
        std::string_view entry = trimmed(text.substr(0, end));
        const bool in_quotes = entry.size() >= 2 && entry.front() == entry.back() &&
                               (entry.front() == '\'' || entry.front() == '"');
        if (in_quotes)
            entry = entry.substr(1, entry.size() - 2);  // ['no_op'], as in Glance's manuals
        if (!entry.empty()) entries.emplace_back(entry);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return entries;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_dict(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> entries;
    for (const std::string& entry : parse_list(text)) {
        const std::size_t split = entry.find(':');
        const std::string key(trimmed(std::string_view(entry).substr(0, split)));
        const std::string value(
            split == std::string::npos ? "" : trimmed(std::string_view(entry).substr(split + 1))
        );
        if (key.empty() || value.empty())
            return Error(
                Errc::invalid_argument, "holds " + quoted(entry) + "; write key:value, by comma"
            );
        const auto same = [&key](const auto& other) { return other.first == key; };
        if (std::any_of(entries.begin(), entries.end(), same))
            return Error(Errc::invalid_argument, "names " + quoted(key) + " twice; remove one");
        entries.emplace_back(key, value);
    }
    return entries;
}

Result<void> check_value(const OptionSpec& spec, std::string_view text) {
    SLIPWAY_CHECK(check_characters(spec, text));
    switch (spec.type) {
        case OptionType::boolean:
            SLIPWAY_CHECK(parse_boolean(text));
            break;
        case OptionType::integer:
        case OptionType::seconds:
        case OptionType::size:
            SLIPWAY_CHECK(parse_number(spec, text));
            break;
        case OptionType::dict:
            SLIPWAY_CHECK(parse_dict(text));
            break;
        case OptionType::list:
            for (const std::string& entry : parse_list(text)) {
                if (entry.find('\n') != std::string::npos)
                    return Error(
                        Errc::invalid_argument, "has a line without a comma before it; add one"
                    );
                SLIPWAY_CHECK(check_choice(spec, entry));
            }
            break;
        default:
            SLIPWAY_CHECK(check_choice(spec, std::string(text)));
    }
    return {};
}

std::string masked(const OptionSpec& spec, const std::string& text) {
    if (!spec.secret || text.empty()) return text;
    constexpr std::string_view kMask = "****";
    if (spec.type != OptionType::url) return std::string(kMask);
    const std::size_t scheme = text.find("://");
    // A query may hold a password, too.
    if (scheme == std::string::npos || text.find("password") != std::string::npos)
        return std::string(kMask);
    const std::size_t begin = scheme + 3;
    const std::size_t at = text.rfind('@');
    if (at == std::string::npos || at < begin) return text;
    const std::size_t colon = text.find(':', begin);
    if (colon == std::string::npos || colon > at) return text;
    return text.substr(0, colon + 1).append(kMask).append(text.substr(at));
}

std::string nearest(std::string_view name, const std::vector<std::string>& names) {
    const std::size_t allowed = std::clamp<std::size_t>(name.size() / 5, 1, 3);
    std::size_t best = allowed + 1;
    std::string found;
    for (const std::string& candidate : names) {
        const std::size_t steps = distance(name, candidate);
        if (steps < best) {
            best = steps;
            found = candidate;
        }
    }
    return found;
}

}  // namespace slipway::app
