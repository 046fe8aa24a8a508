#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/http_client.h"
#include "net/tls.h"

#include <string>

namespace slipway::auth {

// A small request to a service of the cloud. Headers hold tokens: they are never logged.
struct RestRequest {
    std::string method = "GET";
    std::string url;
    net::Headers headers;
    std::string body;  // JSON; empty: none
};

// Its answer, read to the end.
struct RestReply {
    int status = 0;
    Secret subject_token;  // X-Subject-Token
    std::string body;
};

// The seam between what we ask and the wire.
class RestClient {
public:
    virtual ~RestClient() = default;
    // An answer of any status is one. Errors: unavailable, timeout, corrupt, invalid_argument (a
    // URL that is none).
    virtual awaitable<Result<RestReply>> send(const RestRequest& request, const Call& call) = 0;
};

class HttpRestClient final : public RestClient {
public:
    HttpRestClient(net::HttpClient& client, net::TlsTrust trust)
        : client_(client), trust_(std::move(trust)) {}

    awaitable<Result<RestReply>> send(const RestRequest& request, const Call& call) override;

private:
    net::HttpClient& client_;
    net::TlsTrust trust_;
};

}  // namespace slipway::auth
