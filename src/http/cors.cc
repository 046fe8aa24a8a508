#include "http/cors.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <optional>

namespace slipway::http {

namespace {

// Sent by every page, whatever we say. Source: Fetch standard, "CORS-safelisted request-header".
constexpr std::array<std::string_view, 8> kSimpleHeaders{
    "accept",
    "accept-language",
    "content-type",
    "cache-control",
    "content-language",
    "expires",
    "last-modified",
    "pragma"};

bool holds(const std::vector<std::string>& list, std::string_view word) {
    return std::ranges::any_of(list, [&](const std::string& entry) {
        return equals_ignoring_case(entry, word);
    });
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> words;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        const auto word = trimmed(list.substr(0, comma));
        if (!word.empty()) words.emplace_back(word);
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return words;
}

// One origin that is allowed, and how.
class Cors {
public:
    // `origin`: what Access-Control-Allow-Origin says.
    Cors(const CorsOptions& options, std::string origin)
        : options_(options), origin_(std::move(origin)) {}

    void admit(Response& response) const {
        response.with("Access-Control-Allow-Origin", origin_);
        if (origin_ == "*") return;
        response.with("Vary", "Origin");
        if (options_.allow_credentials) response.with("Access-Control-Allow-Credentials", "true");
    }

    // 200 without a body; without the headers that permit it, where the request would not do.
    [[nodiscard]] Response preflight(const Request& request) const {
        Response response;
        const std::string method(request.header("Access-Control-Request-Method"));
        const auto wanted = split(request.header("Access-Control-Request-Headers"));
        const bool permitted =
            holds(options_.allow_methods, method) &&
            std::ranges::all_of(wanted, [&](const std::string& name) {
                return holds(options_.allow_headers, name) ||
                       std::ranges::find(kSimpleHeaders, lower_case(name)) != kSimpleHeaders.end();
            });
        if (!permitted) return response;
        admit(response);
        response.with("Access-Control-Max-Age", std::to_string(options_.max_age.count()));
        response.with("Access-Control-Allow-Methods", method);
        if (!wanted.empty()) response.with("Access-Control-Allow-Headers", joined(wanted));
        return response;
    }

    void expose(Response& response) const {
        admit(response);
        if (!options_.expose_headers.empty())
            response.with("Access-Control-Expose-Headers", joined(options_.expose_headers));
    }

private:
    const CorsOptions& options_;
    std::string origin_;
};

// Absent: `origin` is none, or not allowed.
std::optional<Cors> find(const std::vector<CorsOptions>& all, std::string_view origin) {
    if (origin.empty()) return std::nullopt;
    for (const std::string_view wanted : {origin, std::string_view("*")})
        for (const CorsOptions& options : all)
            if (std::ranges::find(options.allowed_origins, wanted) != options.allowed_origins.end())
                return Cors(options, std::string(wanted));
    return std::nullopt;
}

awaitable<Response> shared(
    const std::vector<CorsOptions>& all, const Handler& next, Request& request
) {
    const auto cors = find(all, request.header("Origin"));
    if (!cors) co_return co_await next(request);
    if (request.method() == "OPTIONS" && request.has_header("Access-Control-Request-Method"))
        co_return cors->preflight(request);
    Response response = co_await next(request);
    cors->expose(response);
    co_return response;
}

}  // namespace

Handler with_cors(std::vector<CorsOptions> options, Handler next) {
    return [all = std::move(options), next = std::move(next)](Request& request) {
        return shared(all, next, request);
    };
}

}  // namespace slipway::http
