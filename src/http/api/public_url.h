#pragma once

#include "http/request.h"

#include <string>

namespace slipway::http::api {

// How clients name this server.
struct PublicUrl {
    std::string endpoint;  // [DEFAULT] public_endpoint; empty: made from the request
    // Whether X-Forwarded-Proto, -Host and -Prefix of a proxy in front are believed.
    bool believe_proxy_headers = false;

    // Scheme, authority and prefix as the client of `request` sees them, without a slash at the
    // end.
    [[nodiscard]] std::string base(const Request& request) const;
};

}  // namespace slipway::http::api
