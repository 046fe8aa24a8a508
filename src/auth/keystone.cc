#include "auth/keystone.h"

#include "auth/access_rules.h"
#include "base/digest.h"
#include "base/log.h"
#include "base/stream.h"
#include "base/text.h"

#include <algorithm>

namespace slipway::auth {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t kTokenLimit = 8192;
// What is no token now may be one soon: Keystone's own nodes learn of each other with a delay.
constexpr std::chrono::seconds kBadFor{10};

Error not_authenticated() {
    return {Errc::unauthenticated, "The request you have made requires authentication."};
}

Error busy() {
    return {Errc::unavailable, "The identity service is busy at the moment; try again later."};
}

Error no_answer() {
    return {Errc::unavailable, "The identity service did not answer; try again later."};
}

// Tokens with and without grace for their end are different questions.
std::string key_of(const std::string& token, bool allow_expired) {
    Digest digest = Digest::create("sha256").value();
    digest.update(as_bytes_of(token));
    return digest.finish_hex() + (allow_expired ? "+" : "");
}

}  // namespace

KeystoneIdentityService::KeystoneIdentityService(
    ServiceSession& session, const Clock& clock, KeystoneOptions options
)
    : session_(session),
      clock_(clock),
      options_(std::move(options)),
      asking_(options_.validations),
      cache_(options_.cached_tokens) {}

std::string KeystoneIdentityService::challenge() const {
    return "Keystone uri=\"" + options_.www_authenticate_uri + "\"";
}

bool KeystoneIdentityService::is_service(const Identity& identity) const {
    return std::ranges::any_of(options_.service_token_roles, [&](const std::string& role) {
        return identity.has_role(role);
    });
}

bool KeystoneIdentityService::is_for(const Identity& identity, const Credentials& credentials)
    const {
    if (!identity.access_rules) return true;
    const auto path = percent_decoded(credentials.path);
    return path &&
           is_admitted(*identity.access_rules, options_.service_type, credentials.method, *path);
}

awaitable<Result<Identity>> KeystoneIdentityService::identify(
    const Credentials& credentials, const Call& call
) {
    const std::string token(credentials.token);
    const std::string service_token(credentials.service_token);
    Identity service;
    bool from_service = false;
    if (!service_token.empty()) {
        SLIPWAY_CO_TRY(service, co_await validate(service_token, false, call));
        from_service = is_service(service);
        if (!from_service && options_.service_token_roles_required) co_return not_authenticated();
    }
    Identity identity;
    if (token.empty()) {
        if (!options_.allow_anonymous || !service_token.empty()) co_return not_authenticated();
        co_return identity;
    }
    SLIPWAY_CO_TRY(identity, co_await validate(token, from_service, call));
    // What a service passes on is one of a chain of requests, of which the rules named the first.
    if (!from_service && !is_for(identity, credentials)) co_return not_authenticated();
    identity.is_service = from_service;
    identity.service_user = std::move(service.user);
    identity.service_project = std::move(service.project);
    identity.service_roles = std::move(service.roles);
    identity.token = Secret(token);
    co_return identity;
}

std::optional<Result<Identity>> KeystoneIdentityService::cached(const std::string& key) {
    const auto now = steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (auto identity = cache_.find_good(key, now)) return Result<Identity>(std::move(*identity));
    if (cache_.is_bad(key, now)) return Result<Identity>(not_authenticated());
    return std::nullopt;
}

// Leaves the flight: when it has ended, and when the request was cut off. The last one out clears
// it away.
class KeystoneIdentityService::Seat {
public:
    Seat(KeystoneIdentityService& service, std::string key)
        : service_(service), key_(std::move(key)) {
        const std::lock_guard lock(service_.mutex_);
        auto& place = service_.flights_[key_];
        if (!place) place = std::make_shared<Flight>();
        flight_ = place;
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() {
        const std::lock_guard lock(service_.mutex_);
        const auto place = service_.flights_.find(key_);
        const bool is_ours = place != service_.flights_.end() && place->second == flight_;
        flight_.reset();
        if (is_ours && place->second.use_count() == 1) service_.flights_.erase(place);
    }

    Semaphore& turn() { return flight_->turn; }
    std::optional<Result<Identity>> outcome() {
        const std::lock_guard lock(service_.mutex_);
        return flight_->outcome;
    }
    // Who waits gets `outcome`; who comes later asks anew.
    void land(const Result<Identity>& outcome) {
        const std::lock_guard lock(service_.mutex_);
        flight_->outcome = outcome;
        const auto place = service_.flights_.find(key_);
        if (place != service_.flights_.end() && place->second == flight_)
            service_.flights_.erase(place);
    }

private:
    KeystoneIdentityService& service_;
    const std::string key_;
    std::shared_ptr<Flight> flight_;
};

awaitable<Result<Identity>> KeystoneIdentityService::validate(
    const std::string& token, bool allow_expired, const Call& call
) {
    if (token.size() > kTokenLimit) co_return not_authenticated();
    const std::string key = key_of(token, allow_expired);
    if (auto known = cached(key)) co_return std::move(*known);
    Seat seat(*this, key);
    const auto turn = co_await seat.turn().acquire(call.deadline);
    if (!turn) co_return busy();
    // We are the first, or the next after one that was cut off; else somebody has asked for us.
    if (auto outcome = seat.outcome()) co_return std::move(*outcome);
    auto outcome = co_await ask(key, token, allow_expired, call);
    seat.land(outcome);
    co_return outcome;
}

awaitable<Result<Identity>> KeystoneIdentityService::ask(
    const std::string& key, const std::string& token, bool allow_expired, const Call& call
) {
    auto turn = co_await asking_.acquire(call.deadline);
    if (!turn) co_return busy();
    RestRequest request;
    request.url = session_.auth_url() + "/auth/tokens?nocatalog";
    if (allow_expired) request.url += "&allow_expired=1";
    request.headers.emplace_back("X-Subject-Token", token);
    // Without it there is no answer about tokens that have such rules.
    request.headers.emplace_back("OpenStack-Identity-Access-Rules", "1.0");
    SLIPWAY_CO_TRY(const auto reply, co_await session_.send(std::move(request), call));
    const auto now = steady_clock::now();
    if (reply.status == 404 || reply.status == 400) {
        const std::lock_guard lock(mutex_);
        cache_.put_bad(key, now + std::min(kBadFor, options_.token_cache_time));
        co_return not_authenticated();
    }
    if (reply.status != 200) {
        log::error(call, "keystone.validation.refused", {{"status", reply.status}});
        co_return no_answer();
    }
    auto facts = parse_token(reply.body);
    if (!facts) {
        log::error(call, "keystone.validation.failed", {{"error", facts.error().message}});
        co_return no_answer();
    }
    // The rest of its life, counted from here by the monotonic clock.
    steady_clock::duration keep = options_.token_cache_time;
    if (!allow_expired)
        keep = std::min(keep, steady_clock::duration(facts->expires_at - clock_.now()));
    const std::lock_guard lock(mutex_);
    if (keep > steady_clock::duration::zero()) cache_.put_good(key, facts->identity, now + keep);
    co_return std::move(facts->identity);
}

}  // namespace slipway::auth
