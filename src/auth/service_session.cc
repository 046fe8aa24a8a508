#include "auth/service_session.h"

#include "base/json.h"
#include "base/log.h"
#include "net/retry.h"

#include <algorithm>

namespace slipway::auth {

namespace {

using std::chrono::steady_clock;

// A token is renewed this long before its end, so that no request meets the end on its way.
constexpr std::chrono::seconds kRenewAhead{60};
// Repeated bad logins lock accounts: after a refusal Keystone is left alone for a while.
constexpr std::chrono::seconds kRefusedFor{30};

Error not_available() {
    return {
        Errc::unavailable, "The identity service can not be asked at the moment; try again later."};
}

bool is_server_trouble(int status) {
    return status >= 500 || status == 429;
}

// {"id": …}, or {"name": …}; nothing when both are empty.
void write_reference(
    json::Writer& out, std::string_view key, const std::string& id, const std::string& name
) {
    if (id.empty() && name.empty()) return;
    out.key(key).begin_object();
    if (id.empty())
        out.member("name", name);
    else
        out.member("id", id);
    out.end_object();
}

void write_user(json::Writer& out, const Account& account, const Secret& password) {
    out.key("user").begin_object();
    if (account.user_id.empty()) {
        out.member("name", account.user_name);
        write_reference(out, "domain", account.user_domain_id, account.user_domain_name);
    } else {
        out.member("id", account.user_id);
    }
    if (!password.empty()) out.member("password", password.reveal());
    out.end_object();
}

void write_scope(json::Writer& out, const Account& account) {
    out.key("scope").begin_object();
    if (!account.system_scope.empty()) {
        out.key("system").begin_object().member("all", true).end_object();
    } else {
        out.key("project").begin_object();
        if (account.project_id.empty()) {
            out.member("name", account.project_name);
            write_reference(out, "domain", account.project_domain_id, account.project_domain_name);
        } else {
            out.member("id", account.project_id);
        }
        out.end_object();
    }
    out.end_object();
}

}  // namespace

std::string login_body(const Account& account) {
    const bool by_credential = !account.application_credential_secret.empty();
    const char* method = by_credential ? "application_credential" : "password";
    json::Writer out;
    out.begin_object().key("auth").begin_object();
    out.key("identity").begin_object();
    out.key("methods").begin_array().string(method).end_array();
    out.key(method).begin_object();
    if (by_credential) {
        if (account.application_credential_id.empty()) {
            out.member("name", account.application_credential_name);
            write_user(out, account, {});
        } else {
            out.member("id", account.application_credential_id);
        }
        out.member("secret", account.application_credential_secret.reveal());
    } else {
        write_user(out, account, account.password);
    }
    out.end_object().end_object();
    if (!by_credential) write_scope(out, account);
    out.end_object().end_object();
    return out.text();
}

ServiceSession::ServiceSession(RestClient& wire, Account account)
    : wire_(wire), account_(std::move(account)) {}

std::optional<Result<ServiceSession::Login>> ServiceSession::known() const {
    const std::lock_guard lock(mutex_);
    const auto now = steady_clock::now();
    if (login_ && now < login_->renew_at) return Result<Login>(*login_);
    if (refused_ && now < refused_until_) return Result<Login>(*refused_);
    return std::nullopt;
}

void ServiceSession::expire(std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    if (login_ && login_->generation == generation) login_.reset();
}

awaitable<Result<ServiceSession::Login>> ServiceSession::ensure(const Call& call) {
    if (auto login = known()) co_return std::move(*login);
    SLIPWAY_CO_TRY(const auto turn, co_await login_turn_.acquire(call.deadline));
    if (auto login = known()) co_return std::move(*login);
    co_return co_await log_in(call);
}

awaitable<Result<ServiceSession::Login>> ServiceSession::log_in(const Call& call) {
    const RestRequest request{"POST", account_.auth_url + "/auth/tokens", {}, login_body(account_)};
    SLIPWAY_CO_TRY(auto reply, co_await send_retried(request, call));
    if (reply.status != 201 || reply.subject_token.empty()) {
        log::error(call, "keystone.login.refused", {{"status", reply.status}});
        const std::lock_guard lock(mutex_);
        refused_ = not_available();
        refused_until_ = steady_clock::now() + kRefusedFor;
        co_return *refused_;
    }
    SLIPWAY_CO_TRY(auto facts, parse_token(reply.body));
    Login login;
    login.token = std::move(reply.subject_token);
    // By Keystone's clock alone: ours may be another.
    const auto lifetime = facts.expires_at - facts.issued_at;
    login.renew_at = steady_clock::now() + std::max(lifetime - kRenewAhead, lifetime / 2);
    login.catalog = std::move(facts.catalog);
    const std::lock_guard lock(mutex_);
    login.generation = ++logins_;
    login_ = login;
    refused_.reset();
    log::info(call, "keystone.login.done", {{"generation", login.generation}});
    co_return login;
}

// Whoever is not there, or busy, is asked again; an answer is never asked for twice.
awaitable<Result<RestReply>> ServiceSession::send_retried(
    const RestRequest& request, const Call& call
) {
    auto attempt = [&]() -> awaitable<Result<RestReply>> {
        const Call limited = call.within(account_.time_limit);
        auto reply = co_await wire_.send(request, limited);
        if (reply && is_server_trouble(reply->status))
            co_return Error(
                Errc::unavailable, "status " + std::to_string(reply->status), "server_trouble"
            );
        co_return reply;
    };
    const auto is_retriable = [](const Error& error) { return error.code == Errc::unavailable; };
    net::RetryPolicy policy;
    policy.attempts = account_.retries + 1;
    auto reply = co_await net::with_retries(policy, call, attempt, is_retriable);
    if (reply) co_return reply;
    log::error(
        call,
        "keystone.request.failed",
        {{"error", reply.error().message}, {"code", to_string(reply.error().code)}}
    );
    co_return not_available();
}

awaitable<Result<RestReply>> ServiceSession::send(RestRequest request, const Call& call) {
    for (int attempt = 0;; ++attempt) {
        SLIPWAY_CO_TRY(const Login login, co_await ensure(call));
        RestRequest with_token = request;
        with_token.headers.emplace_back("X-Auth-Token", login.token.reveal());
        SLIPWAY_CO_TRY(auto reply, co_await send_retried(with_token, call));
        if (reply.status != 401) co_return reply;
        expire(login.generation);
        if (attempt == 1) {
            log::error(call, "keystone.account.refused", {{"status", reply.status}});
            co_return not_available();
        }
    }
}

awaitable<Result<std::string>> ServiceSession::endpoint_in(
    const std::string& service_type,
    const std::string& region,
    const std::string& interface,
    const Call& call
) {
    SLIPWAY_CO_TRY(const Login login, co_await ensure(call));
    for (const Endpoint& endpoint : login.catalog)
        if (endpoint.service_type == service_type && endpoint.region == region &&
            endpoint.interface == interface)
            co_return endpoint.url;
    co_return Error(
        Errc::not_found,
        "Keystone's catalogue names no service of type " + service_type +
            " with that interface in region " + region.substr(0, 64) + "."
    );
}

awaitable<Result<std::string>> ServiceSession::endpoint(
    const std::string& service_type, const Call& call
) {
    SLIPWAY_CO_TRY(const Login login, co_await ensure(call));
    const auto at = [&](std::string_view interface) {
        return std::ranges::find_if(login.catalog, [&](const Endpoint& endpoint) {
            return endpoint.service_type == service_type && endpoint.interface == interface &&
                   (account_.region.empty() || endpoint.region == account_.region);
        });
    };
    auto found = at(account_.interface);
    if (found == login.catalog.end()) found = at("public");
    if (found == login.catalog.end())
        co_return Error(
            Errc::not_found, "Keystone's catalogue names no service of type " + service_type + "."
        );
    std::string url = found->url;
    while (url.ends_with('/')) url.pop_back();
    co_return url;
}

}  // namespace slipway::auth
