#include "service/key_manager.h"

#include "base/ids.h"

namespace slipway::service {

namespace {

constexpr std::chrono::seconds kAnswerLimit{30};
constexpr std::size_t kLargestSecret = 1U << 20U;

}  // namespace

awaitable<Result<std::string>> KeyManager::endpoint(const Call& call) {
    if (!options_.endpoint.empty()) co_return options_.endpoint;
    auto found = co_await find_endpoint_(call.within(kAnswerLimit));
    if (found || found.error().code != Errc::not_found) co_return found;
    co_return Error(
        Errc::invalid_argument,
        "This site has no key manager: neither [barbican] barbican_endpoint nor Keystone's "
        "catalogue names one, so a certificate or key of an image can not be looked up."
    );
}

awaitable<Result<std::unique_ptr<net::HttpResponse>>> KeyManager::ask(
    std::string method, const std::string& id, std::string path, Secret token, const Call& call
) {
    if (!is_uuid(id))
        co_return Error(Errc::invalid_argument, "The id of a certificate or key must be a UUID.");
    SLIPWAY_CO_TRY(const std::string base, co_await endpoint(call));
    net::HttpRequest request;
    request.method = std::move(method);
    SLIPWAY_CO_TRY(request.url, net::parse_url(base + "/v1/secrets/" + id + path));
    request.headers = {
        {"X-Auth-Token", token.reveal()},
        {"Accept", "application/pkix-cert, application/octet-stream, text/plain"}};
    auto answer =
        co_await client_.send(std::move(request), options_.trust, call.within(kAnswerLimit));
    if (!answer && answer.error().code == Errc::cancelled) co_return std::move(answer).error();
    if (!answer)
        co_return Error(
            Errc::unavailable, "The key manager can not be reached at the moment; try again later."
        );
    const int status = (*answer)->status();
    if (status >= 500)
        co_return Error(
            Errc::unavailable, "The key manager can not answer at the moment; try again later."
        );
    if (status >= 400)
        co_return Error(
            Errc::invalid_argument,
            "The key manager has no secret of this id that the user may use."
        );
    co_return std::move(*answer);
}

awaitable<Result<std::string>> KeyManager::read(std::string id, Secret token, const Call& call) {
    SLIPWAY_CO_TRY(const auto answer, co_await ask("GET", id, "/payload", std::move(token), call));
    co_return co_await answer->read_text(kLargestSecret);
}

awaitable<Result<void>> KeyManager::remove(std::string id, Secret token, const Call& call) {
    SLIPWAY_CO_CHECK(co_await ask("DELETE", id, "", std::move(token), call));
    co_return Result<void>();
}

}  // namespace slipway::service
