#include "net/url.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>

namespace slipway::net {
namespace {

constexpr std::size_t kMaxUrlBytes = 8192;
constexpr std::size_t kMaxHostBytes = 253;

Error bad_url(std::string_view why) {
    return Error(Errc::invalid_argument, "this is not a usable URL: " + std::string(why));
}

bool is_unreserved(char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

std::uint16_t default_port(std::string_view scheme) {
    return scheme == "http" ? 80 : 443;
}

// Path and query of RFC 3986: pchar, '/' and '?', with whole %XX triplets.
bool is_valid_target(std::string_view target) {
    constexpr std::string_view kPunctuation = "!$&'()*+,;=:@/?";
    for (std::size_t i = 0; i < target.size(); ++i) {
        const char c = target[i];
        if (c == '%') {
            if (i + 2 >= target.size() || hex_value(target[i + 1]) < 0 ||
                hex_value(target[i + 2]) < 0)
                return false;
            i += 2;
        } else if (!is_unreserved(c) && kPunctuation.find(c) == std::string_view::npos) {
            return false;
        }
    }
    return true;
}

bool is_valid_name(std::string_view host) {
    if (host.empty() || host.size() > kMaxHostBytes || host.front() == '.' || host.front() == '-')
        return false;
    if (host.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(host, [](char c) {
        return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
    });
}

bool is_valid_ipv6(std::string_view host) {
    return host.size() >= 2 && host.size() <= 45 && host.find(':') != std::string_view::npos &&
           std::ranges::all_of(host, [](char c) {
               return hex_value(c) >= 0 || c == ':' || c == '.';
           });
}

Result<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (failed != std::errc() || end != text.data() + text.size() || port == 0)
        return bad_url("the port must be a number from 1 to 65535");
    return port;
}

// host, host:port, [v6], [v6]:port
Result<void> parse_authority(std::string_view authority, Url& url) {
    if (authority.find('@') != std::string_view::npos)
        return bad_url("a user name in it is not accepted");
    std::string_view rest;
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos || !is_valid_ipv6(authority.substr(1, end - 1)))
            return bad_url("the IPv6 address is malformed");
        url.host = lower_case(authority.substr(1, end - 1));
        rest = authority.substr(end + 1);
    } else {
        const auto end = std::min(authority.find(':'), authority.size());
        if (!is_valid_name(authority.substr(0, end))) return bad_url("the host name is malformed");
        url.host = lower_case(authority.substr(0, end));
        rest = authority.substr(end);
    }
    if (rest.empty()) return {};
    if (!rest.starts_with(':')) return bad_url("the host name is malformed");
    SLIPWAY_TRY(url.port, parse_port(rest.substr(1)));
    return {};
}

}  // namespace

std::string Url::authority() const {
    std::string text = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != default_port(scheme)) text += ':' + std::to_string(port);
    return text;
}

std::string Url::str() const {
    return scheme + "://" + authority() + target;
}

Result<Url> parse_url(std::string_view text) {
    if (text.size() > kMaxUrlBytes) return bad_url("it is too long");
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) return bad_url("it must begin with https:// or http://");

    Url url;
    url.scheme = lower_case(text.substr(0, colon));
    if (url.scheme != "http" && url.scheme != "https")
        return bad_url("it must begin with https:// or http://");
    url.port = default_port(url.scheme);

    const std::string_view rest = text.substr(colon + 3);
    const auto end = std::min(rest.find_first_of("/?#"), rest.size());
    SLIPWAY_CHECK(parse_authority(rest.substr(0, end), url));

    const std::string_view target = rest.substr(end);
    if (target.find('#') != std::string_view::npos) return bad_url("a fragment is not accepted");
    if (!is_valid_target(target))
        return bad_url("its path or query holds characters that must be percent-encoded");
    url.target = target.starts_with('/') ? std::string(target) : '/' + std::string(target);
    return url;
}

std::string encode_segment(std::string_view text) {
    return percent_encoded(text);
}

std::string encode_query_value(std::string_view text) {
    return percent_encoded(text);
}

}  // namespace slipway::net
