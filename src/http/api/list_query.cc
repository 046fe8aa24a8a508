#include "http/api/list_query.h"

#include "base/text.h"
#include "model/image.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace slipway::http::api {

namespace {

// A condition each in one statement, and a value each bound to it: both engines bound these.
constexpr std::size_t kMostFilters = 64;
constexpr std::size_t kMostValues = 1000;

Error bad(std::string message) {
    return Error(Errc::invalid_argument, std::move(message));
}

Result<std::int64_t> read_integer(std::string_view name, std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || text.empty())
        return bad("Parameter '" + std::string(name) + "' must be an integer.");
    return value;
}

struct SortWord {
    std::string_view word;
    SortKey key;
};
constexpr std::array kSortWords{
    SortWord{"name", SortKey::name},
    SortWord{"status", SortKey::status},
    SortWord{"container_format", SortKey::container_format},
    SortWord{"disk_format", SortKey::disk_format},
    SortWord{"size", SortKey::size},
    SortWord{"id", SortKey::id},
    SortWord{"created_at", SortKey::created_at},
    SortWord{"updated_at", SortKey::updated_at},
};

Result<SortKey> read_sort_key(std::string_view word) {
    for (const SortWord& known : kSortWords)
        if (known.word == word) return known.key;
    return bad(
        "Invalid sort key: " + std::string(word.substr(0, 64)) +
        ". It must be one of: name, status, container_format, disk_format, size, id, created_at, "
        "updated_at."
    );
}

Result<SortDirection> read_sort_direction(std::string_view word) {
    if (word == "asc") return SortDirection::ascending;
    if (word == "desc") return SortDirection::descending;
    return bad(
        "Invalid sort direction: " + std::string(word.substr(0, 64)) + ". It must be asc or desc."
    );
}

// sort=key[:dir],key[:dir]
Result<std::vector<Sort>> read_sort(std::string_view text) {
    std::vector<Sort> sorts;
    while (true) {
        const auto comma = text.find(',');
        const std::string_view item = trimmed(text.substr(0, comma));
        if (item.empty()) return bad("Parameter 'sort' must not hold empty keys.");
        const auto colon = item.find(':');
        Sort sort;
        SLIPWAY_TRY(sort.key, read_sort_key(trimmed(item.substr(0, colon))));
        if (colon != std::string_view::npos) {
            SLIPWAY_TRY(sort.direction, read_sort_direction(trimmed(item.substr(colon + 1))));
        }
        sorts.push_back(sort);
        if (comma == std::string_view::npos) return sorts;
        text.remove_prefix(comma + 1);
    }
}

// sort_key=…&sort_dir=…, repeated: one direction for all, or as many as keys.
Result<std::vector<Sort>> read_classic_sort(
    const std::vector<std::string>& keys, const std::vector<std::string>& directions
) {
    if (directions.size() > 1 && directions.size() != std::max<std::size_t>(keys.size(), 1))
        return bad("Number of sort dirs does not match the number of sort keys.");
    std::vector<Sort> sorts;
    for (std::size_t i = 0; i < std::max<std::size_t>(keys.size(), 1); ++i) {
        Sort sort;
        if (!keys.empty()) {
            SLIPWAY_TRY(sort.key, read_sort_key(keys[i]));
        }
        if (!directions.empty()) {
            SLIPWAY_TRY(
                sort.direction, read_sort_direction(directions[directions.size() == 1 ? 0 : i])
            );
        }
        sorts.push_back(sort);
    }
    return sorts;
}

// The items of in:a,b,"c,d" .
Result<std::vector<std::string>> read_in_list(std::string_view text) {
    const Error malformed = bad("Malformed 'in:' filter: quotes must enclose whole items.");
    std::vector<std::string> items;
    std::size_t i = 0;
    while (true) {
        std::string item;
        if (i < text.size() && text[i] == '"') {
            ++i;
            while (i < text.size() && text[i] != '"') {
                if (text[i] == '\\' && i + 1 < text.size() && text[i + 1] == '"') ++i;
                item += text[i++];
            }
            if (i >= text.size()) return malformed;
            ++i;
            if (i < text.size() && text[i] != ',') return malformed;
        } else {
            while (i < text.size() && text[i] != ',') {
                if (text[i] == '"') return malformed;
                item += text[i++];
            }
        }
        if (items.size() == kMostValues) return bad("An 'in:' filter may have at most 1000 items.");
        items.push_back(std::move(item));
        if (i >= text.size()) return items;
        ++i;
    }
}

// value, eq:value or in:a,b
Result<std::vector<std::string>> read_text_values(
    const std::string& name, const std::string& value
) {
    if (value.starts_with("in:")) return read_in_list(std::string_view(value).substr(3));
    if (value.starts_with("eq:")) return std::vector<std::string>{value.substr(3)};
    const auto colon = value.find(':');
    if (colon != std::string::npos && !parse_iso8601(value))
        return bad(
            "Operator '" + value.substr(0, std::min<std::size_t>(colon, 64)) +
            "' is not supported for '" + name + "'; use eq or in."
        );
    return std::vector<std::string>{value};
}

Result<TimeFilter> read_time_filter(const std::string& name, const std::string& value) {
    struct Word {
        std::string_view word;
        Comparison comparison;
    };
    constexpr std::array kWords{
        Word{"eq", Comparison::equal},
        Word{"neq", Comparison::not_equal},
        Word{"lt", Comparison::less},
        Word{"lte", Comparison::less_or_equal},
        Word{"gt", Comparison::greater},
        Word{"gte", Comparison::greater_or_equal},
    };
    TimeFilter filter;
    filter.column = name;
    std::string_view text = value;
    const auto colon = text.find(':');
    for (const Word& known : kWords) {
        if (text.substr(0, colon) != known.word) continue;
        filter.comparison = known.comparison;
        text.remove_prefix(colon + 1);
        break;
    }
    SLIPWAY_TRY(filter.value, parse_iso8601(text));
    return filter;
}

Result<bool> read_flag(std::string_view name, std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return bad("Invalid value for " + std::string(name) + ": it must be true or false.");
}

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

struct SortInput {
    std::optional<std::string> sort;
    std::vector<std::string> keys;
    std::vector<std::string> directions;
};

// size_min, min_ram_max and the like.
std::optional<std::pair<std::string, Comparison>> bound_of(const std::string& name) {
    for (const auto& [suffix, comparison] :
         {std::pair("_min", Comparison::greater_or_equal),
          std::pair("_max", Comparison::less_or_equal)}) {
        if (!name.ends_with(suffix)) continue;
        std::string column = name.substr(0, name.size() - 4);
        if (is_one_of(column, {"size", "virtual_size", "min_ram", "min_disk"}))
            return std::pair(std::move(column), comparison);
    }
    return std::nullopt;
}

Result<void> read_filter(ImageQuery& query, const std::string& name, const std::string& value) {
    if (is_one_of(name, {"name", "id", "status", "container_format", "disk_format"})) {
        SLIPWAY_TRY(auto any_of, read_text_values(name, value));
        query.texts.push_back({name, std::move(any_of)});
    } else if (is_one_of(name, {"owner", "checksum", "os_hash_algo", "os_hash_value"})) {
        query.texts.push_back({name, {value}});
    } else if (is_one_of(name, {"created_at", "updated_at"})) {
        SLIPWAY_TRY(auto filter, read_time_filter(name, value));
        query.times.push_back(std::move(filter));
    } else if (is_one_of(name, {"size", "virtual_size", "min_ram", "min_disk"})) {
        SLIPWAY_TRY(const auto number, read_integer(name, value));
        query.numbers.push_back({name, Comparison::equal, number});
    } else if (const auto bound = bound_of(name)) {
        SLIPWAY_TRY(const auto number, read_integer(name, value));
        query.numbers.push_back({bound->first, bound->second, number});
    } else if (name == "changes-since") {
        return bad("Parameter 'changes-since' is not supported; filter by updated_at=gte:TIME.");
    } else if (name != "deleted") {
        query.properties.emplace_back(name, value);
    }
    return {};
}

Result<void> read_item(
    ImageQuery& query,
    SortInput& sort,
    const ListLimits& limits,
    const std::string& name,
    const std::string& value
) {
    if (name == "limit") {
        SLIPWAY_TRY(query.limit, read_limit(value, limits.at_most));
    } else if (name == "marker") {
        auto id = parse_image_id(value);
        if (!id) return bad("Invalid marker: no image has the id " + value.substr(0, 64) + ".");
        query.marker = std::move(*id);
    } else if (name == "sort") {
        sort.sort = value;
    } else if (name == "sort_key") {
        sort.keys.emplace_back(trimmed(value));
    } else if (name == "sort_dir") {
        sort.directions.emplace_back(trimmed(value));
    } else if (name == "member_status") {
        if (!is_one_of(value, {"pending", "accepted", "rejected", "all"}))
            return bad("Invalid member_status: it must be one of pending, accepted, rejected, all."
            );
        query.scope.member_status = value;
    } else if (name == "visibility") {
        if (!value.empty() &&
            !is_one_of(value, {"public", "private", "shared", "community", "all"}))
            return bad(
                "Invalid visibility value: it must be one of public, private, shared, community, "
                "all."
            );
        query.visibility = value;
    } else if (name == "os_hidden") {
        SLIPWAY_TRY(query.hidden, read_flag(name, lower_case(value)));
    } else if (name == "protected") {
        SLIPWAY_TRY(query.is_protected, read_flag(name, value));
    } else if (name == "tag") {
        query.tags.push_back(value);
    } else {
        return read_filter(query, name, value);
    }
    return {};
}

// As forms do: a blank is '+'.
std::string form_encoded(std::string_view text) {
    std::string out;
    while (true) {
        const auto blank = std::min(text.find(' '), text.size());
        out += percent_encoded(text.substr(0, blank));
        if (blank == text.size()) return out;
        out += '+';
        text.remove_prefix(blank + 1);
    }
}

}  // namespace

Result<std::size_t> read_limit(std::string_view text, std::size_t at_most) {
    std::size_t limit = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
    if (end != text.data() + text.size() || error == std::errc::invalid_argument)
        return bad("limit must be a whole number, not below 0.");
    return error == std::errc() ? std::min(limit, at_most) : at_most;
}

Result<ImageQuery> read_list_query(const QueryItems& items, const ListLimits& limits) {
    ImageQuery query;
    query.limit = limits.by_default;
    SortInput sort;
    for (const auto& [name, value] : items)
        SLIPWAY_CHECK(read_item(query, sort, limits, name, value));
    if (query.tags.size() + query.texts.size() + query.numbers.size() + query.times.size() +
            query.properties.size() >
        kMostFilters)
        return bad("A list may be filtered by at most 64 conditions.");
    if (sort.sort) {
        if (!sort.keys.empty() || !sort.directions.empty())
            return bad("Use either 'sort' or 'sort_key' with 'sort_dir', not both.");
        SLIPWAY_TRY(query.sort, read_sort(*sort.sort));
    } else if (!sort.keys.empty() || !sort.directions.empty()) {
        SLIPWAY_TRY(query.sort, read_classic_sort(sort.keys, sort.directions));
    } else {
        query.sort = {Sort{}};
    }
    return query;
}

std::string list_link(std::string_view path, const QueryItems& items, std::string_view marker) {
    std::string query;
    auto append = [&](std::string_view name, std::string_view value) {
        query += (query.empty() ? "?" : "&") + form_encoded(name) + "=" + form_encoded(value);
    };
    for (const auto& [name, value] : items)
        if (name != "marker") append(name, value);
    if (!marker.empty()) append("marker", marker);
    return std::string(path) + query;
}

}  // namespace slipway::http::api
