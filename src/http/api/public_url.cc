#include "http/api/public_url.h"

#include "base/text.h"

#include <algorithm>

namespace slipway::http::api {

namespace {

// The first of the values that a chain of proxies may have added.
std::string first_value(std::string_view header) {
    return std::string(trimmed(header.substr(0, header.find(','))));
}

// How a proxy saw the client's request; empty what it did not say.
struct Seen {
    std::string proto;
    std::string host;
    std::string client;
};

// The text of a token or of a quoted string at the start of `rest`, which loses it; nothing when it
// is neither.
std::optional<std::string> take_value(std::string_view& rest) {
    std::string value;
    if (!rest.starts_with('"')) {
        const auto end = std::min(rest.find_first_of(";, \t"), rest.size());
        value = rest.substr(0, end);
        rest.remove_prefix(end);
        return is_token(value) ? std::optional(value) : std::nullopt;
    }
    for (std::size_t i = 1; i < rest.size(); ++i) {
        if (rest[i] == '"') {
            rest.remove_prefix(i + 1);
            return value;
        }
        if (rest[i] == '\\' && ++i == rest.size()) break;
        value += rest[i];
    }
    return std::nullopt;
}

// The first element of Forwarded: for=192.0.2.60;proto=https;host="images:9292", by=…
// Nothing when it is malformed: then the proxy said nothing.
std::optional<Seen> first_forwarded(std::string_view rest) {
    Seen seen;
    while (true) {
        rest = trimmed(rest);
        const auto equals = rest.find('=');
        if (equals == std::string_view::npos || !is_token(rest.substr(0, equals)))
            return std::nullopt;
        const std::string name = lower_case(rest.substr(0, equals));
        rest.remove_prefix(equals + 1);
        const auto value = take_value(rest);
        if (!value) return std::nullopt;
        if (name == "proto") seen.proto = lower_case(*value);
        if (name == "host") seen.host = *value;
        if (name == "for") seen.client = *value;
        rest = trimmed(rest);
        if (rest.empty() || rest.front() == ',') return seen;
        if (rest.front() != ';') return std::nullopt;
        rest.remove_prefix(1);
    }
}

Seen seen_by_proxy(const Request& request) {
    if (request.has_header("Forwarded"))
        return first_forwarded(request.header("Forwarded")).value_or(Seen());
    return {
        first_value(request.header("X-Forwarded-Proto")),
        first_value(request.header("X-Forwarded-Host")),
        first_value(request.header("X-Forwarded-For"))};
}

// The address of a node: 192.0.2.60, 192.0.2.60:4711, [2001:db8::1]:4711, 2001:db8::1
std::string without_port(std::string_view node) {
    if (node.starts_with('['))
        return std::string(node.substr(1, std::min(node.find(']'), node.size()) - 1));
    const bool one_colon =
        node.find(':') != std::string_view::npos && node.find(':') == node.rfind(':');
    return std::string(one_colon ? node.substr(0, node.find(':')) : node);
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
        const Seen seen = seen_by_proxy(request);
        if (seen.proto == "http" || seen.proto == "https") scheme = seen.proto;
        if (!seen.host.empty()) host = seen.host;
        prefix = first_value(request.header("X-Forwarded-Prefix"));
        if (!prefix.empty() && prefix.front() != '/') prefix.insert(prefix.begin(), '/');
    }
    return without_last_slashes(scheme + "://" + host + prefix);
}

std::string PublicUrl::client_address(const Request& request) const {
    if (believe_proxy_headers) {
        const Seen seen = seen_by_proxy(request);
        if (!seen.client.empty()) return without_port(seen.client);
    }
    return std::string(request.peer());
}

}  // namespace slipway::http::api
