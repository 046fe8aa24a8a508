#pragma once

#include "auth/rest.h"
#include "auth/token.h"
#include "base/async.h"
#include "base/secret.h"

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace slipway::auth {

// An account of ours at Keystone. Of names and ids that mean the same, one is set.
struct Account {
    std::string auth_url;  // ends in /v3

    std::string user_id;
    std::string user_name;
    std::string user_domain_id;
    std::string user_domain_name;
    Secret password;

    // With one of these the account is an application credential, which has its own scope.
    std::string application_credential_id;
    std::string application_credential_name;  // needs the user
    Secret application_credential_secret;

    std::string project_id;
    std::string project_name;
    std::string project_domain_id;
    std::string project_domain_name;
    std::string system_scope;  // "all"; instead of a project

    std::string region;     // of endpoints; empty: any
    std::string interface;  // of endpoints

    int retries = 3;  // of a request that finds nobody there
    std::chrono::seconds time_limit{10};
};

// The body of a login: {"auth": {"identity": …, "scope": …}}.
std::string login_body(const Account& account);

// The token of one account. Many callers, one login at a time. Safe across strands.
class ServiceSession {
public:
    // `wire` outlives it.
    ServiceSession(RestClient& wire, Account account);

    // Sends `request` with the account's token as X-Auth-Token. When Keystone does not know the
    // token any more, logs in anew and sends once more.
    // Errors: unavailable (nobody there, or the account is refused), timeout, corrupt.
    awaitable<Result<RestReply>> send(RestRequest request, const Call& call);

    // Where a service is reached, by the catalogue of the account's token: at the account's
    // interface, else at the public one; no slash at the end.
    // Errors: not_found, and those of send().
    awaitable<Result<std::string>> endpoint(const std::string& service_type, const Call& call);

    // The same in a region and at an interface that somebody else names; at no other.
    awaitable<Result<std::string>> endpoint_in(
        const std::string& service_type,
        const std::string& region,
        const std::string& interface,
        const Call& call
    );

    [[nodiscard]] const std::string& auth_url() const { return account_.auth_url; }

private:
    struct Login {
        Secret token;
        std::uint64_t generation = 0;  // counts logins, from 1
        std::chrono::steady_clock::time_point renew_at;
        std::vector<Endpoint> catalog;
    };

    awaitable<Result<Login>> ensure(const Call& call);
    awaitable<Result<Login>> log_in(const Call& call);
    awaitable<Result<RestReply>> send_retried(const RestRequest& request, const Call& call);
    // The live login, or the refusal that stands; absent when a login is due.
    std::optional<Result<Login>> known() const;
    void expire(std::uint64_t generation);

    RestClient& wire_;
    const Account account_;
    Semaphore login_turn_{1};
    mutable std::mutex mutex_;
    // Guarded by mutex_.
    std::optional<Login> login_;
    std::uint64_t logins_ = 0;
    std::optional<Error> refused_;
    std::chrono::steady_clock::time_point refused_until_;
};

}  // namespace slipway::auth
