#include "http/api/versions.h"

#include "base/json.h"

#include <algorithm>
#include <array>
#include <vector>

namespace slipway::http::api {

namespace {

constexpr std::string_view kMediaType = "application/vnd.openstack.images-";

// Also 2.12 and 2.13, which Glance ties to several stores: the calls that they announce (tasks of
// an image, usage) are there with one, and clients ask for the ids.
constexpr std::array<std::string_view, 14> kAlways{
    "v2",
    "v2.0",
    "v2.1",
    "v2.2",
    "v2.3",
    "v2.4",
    "v2.5",
    "v2.6",
    "v2.7",
    "v2.9",
    "v2.12",
    "v2.13",
    "v2.15",
    "v2.17"};
constexpr std::array<std::string_view, 3> kMultiStore{"v2.8", "v2.10", "v2.11"};
constexpr std::array<std::string_view, 3> kCache{"v2.14", "v2.16", "v2.18"};

bool is_own_path(std::string_view path) {
    return path == "/slipway" || path.starts_with("/slipway/") || path == "/healthcheck" ||
           path.starts_with("/healthcheck/");
}

}  // namespace

bool Versions::accepts(std::string_view token) const {
    const auto is_in = [token](const auto& list) {
        return std::find(list.begin(), list.end(), token) != list.end();
    };
    return is_in(kAlways) || (multi_store_ && is_in(kMultiStore)) || (cache_ && is_in(kCache));
}

Response Versions::document(const Request& request, int status) const {
    // In the order in which Glance lists them: the current one first only where there is a cache.
    std::vector<std::string_view> ids;
    if (cache_) ids = {"v2.18", "v2.17", "v2.16"};
    ids.emplace_back("v2.15");
    if (cache_) ids.emplace_back("v2.14");
    ids.insert(ids.end(), {"v2.13", "v2.12"});
    if (multi_store_) ids.insert(ids.end(), {"v2.11", "v2.10"});
    ids.emplace_back("v2.9");
    if (multi_store_) ids.emplace_back("v2.8");
    if (!cache_) ids.emplace_back("v2.17");
    const std::string_view current = cache_ ? "v2.18" : "v2.17";
    for (const char* id : {"v2.7", "v2.6", "v2.5", "v2.4", "v2.3", "v2.2", "v2.1", "v2.0"})
        ids.emplace_back(id);
    const std::string href = public_url_.base(request) + "/v2/";
    json::Writer writer;
    writer.begin_object().key("versions").begin_array();
    for (const std::string_view id : ids) {
        writer.begin_object().member("id", id).member(
            "status", id == current ? "CURRENT" : "SUPPORTED"
        );
        writer.key("links").begin_array().begin_object().member("rel", "self").member("href", href);
        writer.end_object().end_array().end_object();
    }
    writer.end_array().end_object();
    return json_response(status, writer.text());
}

Versions::Outcome Versions::resolve(const Request& request) const {
    std::string_view path = request.raw_path();
    if (is_own_path(path)) return {std::nullopt, std::string(path)};
    if (path == "/versions" || path.starts_with("/versions/")) return {document(request, 200), {}};

    const std::string_view accept = request.header("Accept");
    if (accept.starts_with(kMediaType)) {
        std::string_view token = accept.substr(kMediaType.size());
        token = token.substr(0, token.find_first_of(",; +"));
        const auto first = path.find_first_not_of('/');
        const bool versioned =
            first != std::string_view::npos && path.substr(first).starts_with("v");
        if (!accepts(token)) return {document(request, 300), {}};
        if (!versioned) return {std::nullopt, "/v2" + std::string(path)};
    }

    const auto first = path.find_first_not_of('/');
    if (first == std::string_view::npos) return {document(request, 300), {}};
    const std::string_view rest = path.substr(first);
    const auto slash = rest.find('/');
    const std::string_view token = rest.substr(0, slash);
    if (!accepts(token)) return {document(request, 300), {}};
    if (slash == std::string_view::npos) {
        Response redirect;
        redirect.status = 302;
        redirect.with("Location", public_url_.base(request) + "/" + std::string(token) + "/");
        return {std::move(redirect), {}};
    }
    return {std::nullopt, "/v2" + std::string(rest.substr(slash))};
}

}  // namespace slipway::http::api
