#include "net/fetch_filter.h"

#include "base/text.h"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace slipway::net {
namespace {

namespace ip = boost::asio::ip;

Error not_permitted(std::string_view why) {
    return Error(Errc::invalid_argument, "the URL does not pass filtering: " + std::string(why));
}

template <class T>
bool admits(const std::vector<T>& allowed, const std::vector<T>& disallowed, const T& value) {
    const auto holds = [&](const std::vector<T>& list) {
        return std::ranges::find(list, value) != list.end();
    };
    return allowed.empty() ? !holds(disallowed) : holds(allowed);
}

bool names_a_port(std::string_view uri) {
    const auto begin = uri.find("://") + 3;
    const auto authority = uri.substr(begin, uri.find_first_of("/?#", begin) - begin);
    const auto bracket = authority.rfind(']');
    return authority.find(':', bracket == std::string_view::npos ? 0 : bracket) !=
           std::string_view::npos;
}

// What some resolver would take for a number, and so for an address: 127.1, 0x7f000001, 017.0.0.1.
bool ends_in_a_number(std::string_view host) {
    const auto last = host.substr(host.rfind('.') + 1);
    if (last.starts_with("0x"))
        return std::ranges::all_of(last.substr(2), [](char c) { return hex_value(c) >= 0; });
    return std::ranges::all_of(last, is_digit);
}

// The address that `host` is, when it is one. Errors: invalid_argument for an unusual spelling.
Result<std::optional<ip::address>> address_of(const std::string& host) {
    boost::system::error_code failed;
    if (host.find(':') != std::string::npos) {
        const auto address = ip::make_address_v6(host, failed);
        if (failed) return not_permitted("the IPv6 address is malformed");
        return std::optional<ip::address>(address);
    }
    if (!ends_in_a_number(host)) return std::optional<ip::address>();
    const auto address = ip::make_address_v4(host, failed);
    if (failed || address.to_string() != host)
        return not_permitted("write an IPv4 address as four decimal numbers");
    return std::optional<ip::address>(address);
}

template <class Network, std::size_t N>
bool is_within(const std::array<Network, N>& networks, const auto& address) {
    return std::ranges::any_of(networks, [&](const Network& network) {
        return Network(address, network.prefix_length()).canonical() == network;
    });
}

bool is_closed(const ip::address_v4& address) {
    static const std::array kClosed = {
        ip::make_network_v4("0.0.0.0/8"),
        ip::make_network_v4("127.0.0.0/8"),
        ip::make_network_v4("169.254.0.0/16"),
        ip::make_network_v4("192.0.0.0/24"),
        ip::make_network_v4("224.0.0.0/4"),
        ip::make_network_v4("240.0.0.0/4"),
        ip::make_network_v4("100.100.100.200/32"),
    };
    return is_within(kClosed, address);
}

bool is_private(const ip::address_v4& address) {
    static const std::array kPrivate = {
        ip::make_network_v4("10.0.0.0/8"),
        ip::make_network_v4("100.64.0.0/10"),
        ip::make_network_v4("172.16.0.0/12"),
        ip::make_network_v4("192.168.0.0/16"),
    };
    return is_within(kPrivate, address);
}

bool is_closed(const ip::address_v6& address) {
    static const std::array kClosed = {
        ip::make_network_v6("::/128"),
        ip::make_network_v6("::1/128"),
        ip::make_network_v6("64:ff9b:1::/48"),
        ip::make_network_v6("100::/64"),
        ip::make_network_v6("2001::/32"),
        ip::make_network_v6("fd00:ec2::254/128"),
        ip::make_network_v6("fe80::/10"),
        ip::make_network_v6("ff00::/8"),
    };
    return is_within(kClosed, address);
}

bool is_private(const ip::address_v6& address) {
    static const std::array kPrivate = {
        ip::make_network_v6("fc00::/7"),
        ip::make_network_v6("fec0::/10"),
    };
    return is_within(kPrivate, address);
}

// The IPv4 address that an IPv6 one stands for: mapped, compatible, NAT64 (RFC 6052) and 6to4.
std::optional<ip::address_v4> wrapped(const ip::address_v6& address) {
    static const std::array kInTheEnd = {
        ip::make_network_v6("::ffff:0:0/96"),
        ip::make_network_v6("::/96"),
        ip::make_network_v6("64:ff9b::/96"),
    };
    static const std::array kBehindThePrefix = {ip::make_network_v6("2002::/16")};
    const auto bytes = address.to_bytes();
    const auto from = [&](std::size_t at) {
        return ip::address_v4({bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
    };
    if (is_within(kInTheEnd, address)) return from(12);
    if (is_within(kBehindThePrefix, address)) return from(2);
    return std::nullopt;
}

bool is_open(const FetchFilter& filter, const auto& address) {
    return !is_closed(address) && (filter.private_addresses || !is_private(address));
}

}  // namespace

Result<Url> check_uri(const FetchFilter& filter, std::string_view uri) {
    const std::string scheme = lower_case(uri.substr(0, std::min(uri.find(':'), uri.size())));
    if (!admits(filter.allowed_schemes, filter.disallowed_schemes, scheme))
        return not_permitted("its scheme is not allowed here");
    auto parsed = parse_url(uri);
    if (!parsed) return not_permitted(parsed.error().message);
    Url url = std::move(*parsed);
    if (url.host.ends_with('.')) url.host.pop_back();
    SLIPWAY_CHECK(address_of(url.host));
    if (!admits(filter.allowed_hosts, filter.disallowed_hosts, url.host))
        return not_permitted("its host is not allowed here");
    if (names_a_port(uri) && !admits(filter.allowed_ports, filter.disallowed_ports, url.port))
        return not_permitted("its port is not allowed here");
    return url;
}

bool may_be_at(const FetchFilter& filter, const std::string& host, const ip::address& address) {
    if (std::ranges::find(filter.allowed_hosts, host) != filter.allowed_hosts.end()) return true;
    if (address.is_v4()) return is_open(filter, address.to_v4());
    const auto inner = wrapped(address.to_v6());
    return is_open(filter, address.to_v6()) && (!inner || is_open(filter, *inner));
}

Result<std::string> redirected(const Url& from, std::string_view location) {
    if (location.empty()) return not_permitted("it leads to a redirect without a target");
    const std::string base = from.scheme + "://" + from.authority();
    location = location.substr(0, location.find('#'));
    if (location.starts_with("//")) return from.scheme + ':' + std::string(location);
    if (location.starts_with('/')) return base + std::string(location);
    const auto colon = location.find(':');
    if (colon != std::string_view::npos && location.find_first_of("/?") > colon)
        return std::string(location);
    const std::string path = from.target.substr(0, from.target.find('?'));
    if (location.starts_with('?')) return base + path + std::string(location);
    return base + path.substr(0, path.rfind('/') + 1) + std::string(location);
}

}  // namespace slipway::net
