#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace slipway::net {

// A target that we connect to. `target` is the path and query as it goes on the wire.
struct Url {
    std::string scheme = "https";
    std::string host;  // without brackets
    std::uint16_t port = 443;
    std::string target = "/";

    // host:port, the port left out when it is the scheme's own; brackets round IPv6.
    [[nodiscard]] std::string authority() const;
    [[nodiscard]] std::string str() const;
};

// http and https only; no userinfo, no fragment. Errors: invalid_argument.
Result<Url> parse_url(std::string_view text);

// Percent-encodes one path segment, or one query value (space becomes %20; '/' is encoded).
std::string encode_segment(std::string_view text);
std::string encode_query_value(std::string_view text);

}  // namespace slipway::net
