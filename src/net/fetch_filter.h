#pragma once

#include "base/result.h"
#include "net/url.h"

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// Where a URL that a client gave may lead: pure decisions, no I/O. Only GuardedFetch connects.
namespace slipway::net {

// Each pair is a list of what is allowed, and, used only while that one is empty, of what is not.
struct FetchFilter {
    std::vector<std::string> allowed_schemes{"http", "https"};
    std::vector<std::string> disallowed_schemes;
    // Lower case. An allowed host is also exempt from the check of its addresses.
    std::vector<std::string> allowed_hosts;
    std::vector<std::string> disallowed_hosts;
    // Looked at only when the URL names a port.
    std::vector<std::uint16_t> allowed_ports{80, 443};
    std::vector<std::uint16_t> disallowed_ports;
    // Addresses of private networks (RFC 1918, RFC 6598, RFC 4193) may be connected to.
    bool private_addresses = true;
};

// `uri` taken apart, when its scheme, host and port are allowed. Host names are lower case and
// without a trailing dot; addresses are written the usual way: shorthand, decimal, octal and
// hexadecimal forms are refused. Errors: invalid_argument.
Result<Url> check_uri(const FetchFilter& filter, std::string_view uri);

// Whether `host`, as check_uri gives it, may be at `address`. Never loopback, link-local,
// multicast, unspecified and reserved addresses or those of metadata services, however IPv6 wraps
// them.
bool may_be_at(
    const FetchFilter& filter, const std::string& host, const boost::asio::ip::address& address
);

// Where the answer to `from` sends us with `location`: another URL, //host/path, /path or path.
// Errors: invalid_argument.
Result<std::string> redirected(const Url& from, std::string_view location);

}  // namespace slipway::net
