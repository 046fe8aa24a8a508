#pragma once

#include "net/http_client.h"

#include <memory>

namespace slipway::vsphere {

// What this folder needs of net::HttpClient, so that tests can stand in for the wire.
// send() has the contract of net::HttpClient::send().
class HttpTransport {
public:
    virtual ~HttpTransport() = default;
    virtual awaitable<Result<std::unique_ptr<net::HttpResponse>>> send(
        net::HttpRequest request, const net::TlsTrust& trust, const Call& call
    ) = 0;
};

std::unique_ptr<HttpTransport> make_http_transport(
    asio::any_io_executor executor, net::HttpClientOptions options
);

}  // namespace slipway::vsphere
