#include "http/router.h"

#include "base/text.h"
#include "http/query.h"

#include <algorithm>
#include <array>
#include <optional>

namespace slipway::http {

namespace {

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> segments;
    path.remove_prefix(std::min<std::size_t>(1, path.size()));
    while (true) {
        const auto end = std::min(path.find('/'), path.size());
        segments.push_back(path.substr(0, end));
        if (end == path.size()) return segments;
        path.remove_prefix(end + 1);
    }
}

// v2, v2.7
bool is_version(std::string_view segment) {
    return segment.size() >= 2 && segment.front() == 'v' &&
           segment.substr(1).find_first_not_of("0123456789.") == std::string_view::npos;
}

std::optional<std::string> decoded_segment(std::string_view raw) {
    auto segment = percent_decoded(raw);
    if (!segment || *segment == "." || *segment == "..") return std::nullopt;
    if (segment->find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
        return std::nullopt;
    return segment;
}

// The decoded segments of a path; nothing when one of them leads nowhere.
std::optional<std::vector<std::string>> decoded_path(std::string_view raw_path) {
    auto raw = split(raw_path);
    if (raw.size() > 2 && is_version(raw[0]) && raw[1].empty()) raw.erase(raw.begin() + 1);
    std::vector<std::string> segments;
    segments.reserve(raw.size());
    for (const auto part : raw) {
        auto segment = decoded_segment(part);
        if (!segment) return std::nullopt;
        segments.push_back(std::move(*segment));
    }
    return segments;
}

bool is_encoded_utf8(std::string_view raw_path) {
    const auto text = percent_decoded(raw_path);
    return text && is_valid_utf8(*text);
}

bool is_everyday_method(std::string_view method) {
    static constexpr std::array<std::string_view, 6> kMethods = {
        "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"};
    return std::ranges::find(kMethods, method) != kMethods.end();
}

}  // namespace

struct Router::Entry {
    struct Segment {
        bool is_parameter = false;
        std::string text;  // literal, or the parameter's name
    };

    Route route;
    std::vector<Segment> segments;

    [[nodiscard]] bool matches(const std::vector<std::string>& path) const {
        return std::equal(
            segments.begin(),
            segments.end(),
            path.begin(),
            path.end(),
            [](const Segment& segment, const std::string& text) {
                return segment.is_parameter ? !text.empty() : segment.text == text;
            }
        );
    }
};

void Router::add(
    std::string method, std::string path, BodyRule body, RouteHandler handler, RouteOptions options
) {
    Entry entry;
    for (const auto part : split(path)) {
        const bool is_parameter = part.starts_with('{') && part.ends_with('}');
        entry.segments.push_back(
            {is_parameter, std::string(is_parameter ? part.substr(1, part.size() - 2) : part)}
        );
    }
    entry.route = Route{std::move(method), std::move(path), body, std::move(handler), options};
    entries_.push_back(std::make_shared<const Entry>(std::move(entry)));
}

std::vector<const Route*> Router::routes() const {
    std::vector<const Route*> routes;
    for (const auto& entry : entries_) routes.push_back(&entry->route);
    return routes;
}

RouteMatch Router::match(std::string_view method, std::string_view raw_path) const {
    RouteMatch match;
    if (!is_encoded_utf8(raw_path)) {
        match.status = 400;
        return match;
    }
    const auto path = decoded_path(raw_path);
    bool is_known = false;
    if (path) {
        for (const auto& entry : entries_) {
            if (!entry->matches(*path)) continue;
            is_known = true;
            if (entry->route.method == method) {
                match.route = &entry->route;
                match.status = 200;
                match.allowed.clear();
                for (std::size_t i = 0; i < path->size(); ++i)
                    if (entry->segments[i].is_parameter)
                        match.params[entry->segments[i].text] = (*path)[i];
                return match;
            }
            if (entry->route.options.in_allow &&
                std::ranges::find(match.allowed, entry->route.method) == match.allowed.end())
                match.allowed.push_back(entry->route.method);
        }
    }
    if (method == "OPTIONS")
        match.status = 200;
    else if (!match.allowed.empty())
        match.status = 405;
    else
        match.status = is_known || is_everyday_method(method) ? 404 : 501;
    return match;
}

}  // namespace slipway::http
