#include "tests/unit/auth/fake_keystone.h"

#include <algorithm>

namespace slipway::auth::test {

namespace {

std::string header(const RestRequest& request, std::string_view name) {
    for (const auto& [key, value] : request.headers)
        if (key == name) return value;
    return "";
}

RestReply reply(int status, std::string body = "{}") {
    return {status, {}, std::move(body)};
}

}  // namespace

awaitable<Result<RestReply>> FakeKeystone::send(const RestRequest& request, const Call&) {
    seen.push_back(request);
    if (away) co_return Error(Errc::unavailable, "connection refused");
    if (request.method == "POST") {
        if (refuses_login) co_return reply(401);
        account_token_ = "account-" + std::to_string(++logins);
        co_return RestReply{201, Secret(account_token_), token_body("slipway", {"service"})};
    }
    if (header(request, "X-Auth-Token") != account_token_) co_return reply(401);
    const std::string path = request.url.substr(account().auth_url.size());
    if (const auto found = documents.find(path); found != documents.end())
        co_return reply(200, found->second);
    if (before_validation) co_await before_validation();
    if (validation) co_return *validation;
    const std::string token = header(request, "X-Subject-Token");
    if (const auto known = tokens.find(token); known != tokens.end())
        co_return reply(200, known->second);
    const auto expired = expired_tokens.find(token);
    const bool with_grace = request.url.find("allow_expired=1") != std::string::npos;
    if (expired != expired_tokens.end() && with_grace) co_return reply(200, expired->second);
    co_return reply(404);
}

int FakeKeystone::count(const std::string& method) const {
    return static_cast<int>(std::ranges::count_if(seen, [&](const RestRequest& request) {
        return request.method == method;
    }));
}

std::string token_body(
    const std::string& name, const std::vector<std::string>& roles, const std::string& expires_at
) {
    std::string listed;
    for (const std::string& role : roles)
        listed += (listed.empty() ? "" : ", ") + ("{\"id\": \"r\", \"name\": \"" + role + "\"}");
    return R"({"token": {"issued_at": "2026-08-01T12:00:00.000000Z", "expires_at": ")" +
           expires_at + R"(", "user": {"id": "u-)" + name + R"(", "name": ")" + name +
           R"(", "domain": {"id": "default", "name": "Default"}}, "project": {"id": "p-)" + name +
           R"(", "name": ")" + name + R"(", "domain": {"id": "default", "name": "Default"}}, )" +
           R"("roles": [)" + listed + "]}}";
}

Account account() {
    Account account;
    account.auth_url = "http://keystone:5000/v3";
    account.user_name = "slipway";
    account.user_domain_id = "default";
    account.password = Secret("secret");
    account.project_name = "service";
    account.project_domain_name = "Default";
    account.interface = "internal";
    account.retries = 0;
    return account;
}

}  // namespace slipway::auth::test
