#pragma once

#include "http/request.h"

#include <string>

namespace slipway::http::api {

// How clients name this server, and where they are.
struct PublicUrl {
    std::string endpoint;  // [DEFAULT] public_endpoint; empty: made from the request
    // Whether a proxy in front is believed: Forwarded (RFC 7239), else X-Forwarded-Proto and -Host;
    // in both cases the first one of a chain; and X-Forwarded-Prefix.
    bool believe_proxy_headers = false;

    // Scheme, authority and prefix as the client of `request` sees them, without a slash at the
    // end.
    [[nodiscard]] std::string base(const Request& request) const;
    // The client's address: the peer's, or what the proxy says (for= of Forwarded, else
    // X-Forwarded-For). Not to be trusted further than the proxy is.
    [[nodiscard]] std::string client_address(const Request& request) const;
};

}  // namespace slipway::http::api
