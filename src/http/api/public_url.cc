#include "http/api/public_url.h"

namespace slipway::http::api {

namespace {

// The first of the values that a chain of proxies may have added.
std::string first_value(std::string_view header) {
    header = header.substr(0, header.find(','));
    while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
    return std::string(header);
}

std::string without_last_slashes(std::string url) {
    while (url.ends_with('/')) url.pop_back();
    return url;
}

}  // namespace

std::string PublicUrl::base(const Request& request) const {
    if (!endpoint.empty()) return without_last_slashes(endpoint);
    std::string scheme = request.is_tls() ? "https" : "http";
    std::string host(request.header("Host"));
    std::string prefix;
    if (believe_proxy_headers) {
        const std::string proto = first_value(request.header("X-Forwarded-Proto"));
        if (proto == "http" || proto == "https") scheme = proto;
        const std::string forwarded = first_value(request.header("X-Forwarded-Host"));
        if (!forwarded.empty()) host = forwarded;
        prefix = first_value(request.header("X-Forwarded-Prefix"));
        if (!prefix.empty() && prefix.front() != '/') prefix.insert(prefix.begin(), '/');
    }
    return without_last_slashes(scheme + "://" + host + prefix);
}

}  // namespace slipway::http::api
