#include "http/range.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace slipway::http {

namespace {

std::string bytes_of(std::uint64_t first, std::uint64_t last, std::uint64_t size) {
    return "bytes " + std::to_string(first) + '-' + std::to_string(last) + '/' +
           std::to_string(size);
}

RangeOutcome whole(std::uint64_t size) {
    return {200, 0, size, {}};
}

RangeOutcome unsatisfiable(std::uint64_t size) {
    return {416, 0, 0, "bytes */" + std::to_string(size)};
}

RangeOutcome part(std::uint64_t first, std::uint64_t last, std::uint64_t size) {
    return {206, first, last - first + 1, bytes_of(first, last, size)};
}

// A number of plain digits; one beyond 64 bits counts as the largest, which no image reaches.
std::optional<std::uint64_t> number(std::string_view text) {
    if (text.empty() ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }))
        return std::nullopt;
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec == std::errc::result_out_of_range)
        return std::numeric_limits<std::uint64_t>::max();
    return value;
}

// 0-4, 5-, -3
RangeOutcome decide_spec(std::string_view spec, std::uint64_t size) {
    const auto dash = spec.find('-');
    if (dash == std::string_view::npos) return unsatisfiable(size);
    const auto from = spec.substr(0, dash);
    const auto to = spec.substr(dash + 1);
    const auto last = number(to);
    if (from.empty()) {
        if (!last || *last == 0 || size == 0) return unsatisfiable(size);
        return part(size - std::min(*last, size), size - 1, size);
    }
    const auto first = number(from);
    if (!first || (!to.empty() && !last) || *first >= size) return unsatisfiable(size);
    if (to.empty()) return part(*first, size - 1, size);
    if (*last < *first) return unsatisfiable(size);
    return part(*first, std::min(*last, size - 1), size);
}

RangeOutcome decide_legacy(std::string_view header, std::uint64_t size) {
    const std::string_view unit = "bytes ";
    if (!header.starts_with(unit)) return unsatisfiable(size);
    const auto rest = trimmed(header.substr(unit.size()));
    const auto slash = rest.find('/');
    const auto dash = rest.find('-');
    if (slash == std::string_view::npos || dash == std::string_view::npos || dash > slash)
        return unsatisfiable(size);
    const auto first = number(rest.substr(0, dash));
    const auto last = number(rest.substr(dash + 1, slash - dash - 1));
    const auto total = rest.substr(slash + 1);
    if (!first || !last || *last < *first || *last >= size) return unsatisfiable(size);
    if (total != "*" && (!number(total) || *last >= *number(total))) return unsatisfiable(size);
    return part(*first, *last, size);
}

}  // namespace

RangeOutcome decide_range(
    std::string_view range, std::string_view content_range, std::uint64_t size
) {
    range = trimmed(range);
    content_range = trimmed(content_range);
    if (range.empty())
        return content_range.empty() ? whole(size) : decide_legacy(content_range, size);
    const auto equals = range.find('=');
    if (equals == std::string_view::npos) return unsatisfiable(size);
    if (!equals_ignoring_case(trimmed(range.substr(0, equals)), "bytes")) return whole(size);
    const auto specs = range.substr(equals + 1);
    if (specs.find(',') != std::string_view::npos) return {400, 0, 0, {}};
    return decide_spec(trimmed(specs), size);
}

RangeOutcome decide_range(const Request& request, std::uint64_t size) {
    return decide_range(request.header("Range"), request.header("Content-Range"), size);
}

}  // namespace slipway::http
