#pragma once

#include "auth/identity_service.h"
#include "auth/service_session.h"
#include "auth/token_cache.h"
#include "base/async.h"
#include "base/time.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace slipway::auth {

struct KeystoneOptions {
    std::string www_authenticate_uri;  // where clients are told to get a token
    std::vector<std::string> service_token_roles{"service"};
    bool service_token_roles_required = false;
    std::string service_type = "image";          // which access rules of credentials are for us
    bool allow_anonymous = false;                // a request without a token has no role
    std::chrono::seconds token_cache_time{300};  // 0: every request asks Keystone
    std::size_t cached_tokens = 10'000;
    std::size_t validations = 16;  // at a time
};

// Asks Keystone who is behind a token.
//
// A token that was good is believed for token_cache_time at most, also while Keystone is away; a
// revocation is noticed that late. Requests with the same token ask once, and no more than
// `validations` ask at a time, whatever arrives.
class KeystoneIdentityService final : public IdentityService {
public:
    // `session` and `clock` outlive it.
    KeystoneIdentityService(ServiceSession& session, const Clock& clock, KeystoneOptions options);

    // Errors: unauthenticated, unavailable.
    awaitable<Result<Identity>> identify(const Credentials& credentials, const Call& call) override;
    [[nodiscard]] std::string challenge() const override;

private:
    // One validation that several requests wait for.
    struct Flight {
        Semaphore turn{1};
        std::optional<Result<Identity>> outcome;  // guarded by mutex_
    };
    class Seat;

    awaitable<Result<Identity>> validate(
        const std::string& token, bool allow_expired, const Call& call
    );
    awaitable<Result<Identity>> ask(
        const std::string& key, const std::string& token, bool allow_expired, const Call& call
    );
    std::optional<Result<Identity>> cached(const std::string& key);
    [[nodiscard]] bool is_service(const Identity& identity) const;
    // Whether the access rules of the token, if it has any, name such a request.
    [[nodiscard]] bool is_for(const Identity& identity, const Credentials& credentials) const;

    ServiceSession& session_;
    const Clock& clock_;
    const KeystoneOptions options_;
    Semaphore asking_;
    std::mutex mutex_;
    TokenCache cache_;  // guarded by mutex_
    // Guarded by mutex_. Shared by the requests that wait for it.
    std::map<std::string, std::shared_ptr<Flight>> flights_;
};

}  // namespace slipway::auth
