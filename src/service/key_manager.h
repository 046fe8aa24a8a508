#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/secret.h"
#include "net/http_client.h"

#include <functional>
#include <string>

namespace slipway::service {

// Where certificates and keys of users lie: Barbican. Asked with the user's own token, so that what
// may be read is what the user may read.
class KeyManager {
public:
    struct Options {
        // http://barbican:9311, without a slash at its end; empty: as Keystone's catalogue has it.
        std::string endpoint;
        net::TlsTrust trust;
    };
    // Where Keystone's catalogue has it, likewise. Errors: not_found, unavailable, timeout.
    using FindEndpoint = std::function<awaitable<Result<std::string>>(const Call&)>;

    // `client` must outlive it.
    KeyManager(net::HttpClient& client, Options options, FindEndpoint find_endpoint)
        : client_(client), options_(std::move(options)), find_endpoint_(std::move(find_endpoint)) {}

    // The payload of a secret. Errors: invalid_argument (no UUID, no such secret, not for this
    // user, no endpoint), unavailable, timeout.
    awaitable<Result<std::string>> read(std::string id, Secret token, const Call& call);
    // Errors: as read().
    awaitable<Result<void>> remove(std::string id, Secret token, const Call& call);

private:
    awaitable<Result<std::string>> endpoint(const Call& call);
    awaitable<Result<std::unique_ptr<net::HttpResponse>>> ask(
        std::string method, const std::string& id, std::string path, Secret token, const Call& call
    );

    net::HttpClient& client_;
    Options options_;
    FindEndpoint find_endpoint_;
};

}  // namespace slipway::service
