#include "auth/rest.h"

#include "base/stream.h"
#include "net/url.h"

namespace slipway::auth {

namespace {

// A token with the catalogue of a large cloud stays below this.
constexpr std::size_t kReplyLimit = 8U << 20U;

}  // namespace

awaitable<Result<RestReply>> HttpRestClient::send(const RestRequest& request, const Call& call) {
    net::HttpRequest wire;
    wire.method = request.method;
    SLIPWAY_CO_TRY(wire.url, net::parse_url(request.url));
    wire.headers = request.headers;
    wire.headers.emplace_back("Accept", "application/json");
    TextSource body(request.body);
    if (!request.body.empty()) {
        wire.headers.emplace_back("Content-Type", "application/json");
        wire.body = &body;
    }
    SLIPWAY_CO_TRY(const auto response, co_await client_.send(std::move(wire), trust_, call));
    RestReply reply;
    reply.status = response->status();
    reply.subject_token = Secret(std::string(response->header("X-Subject-Token")));
    SLIPWAY_CO_TRY(
        reply.body, co_await with_deadline(call.deadline, response->read_text(kReplyLimit))
    );
    co_return reply;
}

}  // namespace slipway::auth
