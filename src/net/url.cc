#include "net/url.h"

#include <algorithm>
#include <charconv>

namespace slipway::net {
namespace {

constexpr std::size_t kMaxUrlBytes = 8192;
constexpr std::size_t kMaxHostBytes = 253;

Error bad_url(std::string_view why) {
    return Error(Errc::invalid_argument, "this is not a usable URL: " + std::string(why));
}

bool is_alpha(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_unreserved(char c) {
    return is_alpha(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::ranges::transform(lower, lower.begin(), to_lower);
    return lower;
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

std::string encode(std::string_view text) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::string encoded;
    encoded.reserve(text.size());
    for (const char c : text) {
        if (is_unreserved(c)) {
            encoded += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        encoded += '%';
        encoded += kDigits[byte >> 4U];
        encoded += kDigits[byte & 15U];
    }
    return encoded;
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
    return encode(text);
}

std::string encode_query_value(std::string_view text) {
    return encode(text);
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+' && plus_is_space) {
            decoded += ' ';
        } else if (text[i] != '%') {
            decoded += text[i];
        } else {
            const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return Error(
                    Errc::invalid_argument, "a '%' must be followed by two hexadecimal digits"
                );
            decoded += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return decoded;
}

}  // namespace slipway::net
