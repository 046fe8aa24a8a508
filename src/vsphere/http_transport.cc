#include "vsphere/http_transport.h"

namespace slipway::vsphere {
namespace {

class NetTransport final : public HttpTransport {
public:
    NetTransport(asio::any_io_executor executor, net::HttpClientOptions options)
        : client_(std::move(executor), options) {}

    awaitable<Result<std::unique_ptr<net::HttpResponse>>> send(
        net::HttpRequest request, const net::TlsTrust& trust, const Call& call
    ) override {
        return client_.send(std::move(request), trust, call);
    }

private:
    net::HttpClient client_;
};

}  // namespace

std::unique_ptr<HttpTransport> make_http_transport(
    asio::any_io_executor executor, net::HttpClientOptions options
) {
    return std::make_unique<NetTransport>(std::move(executor), options);
}

}  // namespace slipway::vsphere
