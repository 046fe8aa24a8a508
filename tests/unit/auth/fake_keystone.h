#pragma once

#include "auth/service_session.h"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace slipway::auth::test {

// A Keystone in the place of the wire: logs the account "slipway" in, and knows tokens.
class FakeKeystone final : public RestClient {
public:
    awaitable<Result<RestReply>> send(const RestRequest& request, const Call& call) override;

    // The next token of the account is not known any more.
    void forget_account_token() { account_token_.clear(); }
    // Knows `token` as what the body says; {} makes it unknown.
    void know(const std::string& token, std::string body) { tokens[token] = std::move(body); }
    [[nodiscard]] int count(const std::string& method) const;

    std::map<std::string, std::string> tokens;          // by text: body of the answer
    std::map<std::string, std::string> expired_tokens;  // known with allow_expired only
    std::map<std::string, std::string> documents;       // by path and query below /v3
    std::function<awaitable<void>()> before_validation;
    std::optional<RestReply> validation;  // instead of an answer by `tokens`
    bool away = false;
    bool refuses_login = false;
    std::vector<RestRequest> seen;
    int logins = 0;

private:
    std::string account_token_;
};

// {"token": …} of user "u-NAME" with the roles, for project "p-NAME", that ends at `expires_at`.
std::string token_body(
    const std::string& name,
    const std::vector<std::string>& roles,
    const std::string& expires_at = "2026-08-01T13:00:00.000000Z"
);

Account account();

// What every test calls on behalf of.
inline const Call kCall{.request_id = "req-1", .deadline = kNoDeadline};

}  // namespace slipway::auth::test
