#pragma once

#include "base/async.h"
#include "base/call.h"
#include "base/secret.h"
#include "vsphere/vim_types.h"

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

namespace slipway::vsphere {

class RoundTripper;

struct Credentials {
    std::string username;
    Secret password;
};

// A session that is believed to be alive.
struct SessionTicket {
    Secret cookie;  // value of vmware_soap_session as the server wrote it
    // Counts logins, from 1. What hangs off a session (views, filters, collectors, the cookie) is
    // gone when this changes; tasks are not.
    std::uint64_t generation = 0;
};

// The login of one account at one server. Many callers, one login at a time. Safe across strands.
class Session {
public:
    // `wire` sends requests as they are, and must outlive the session.
    Session(RoundTripper& wire, Credentials credentials);

    // Where to log in; known once the server has been asked for its ServiceContent.
    void set_session_manager(ManagedObjectReference session_manager);

    // The session, after a login if there is none.
    // Errors: unavailable with reason "InvalidLogin" (or another refusal) at once and without
    // asking the server again, until set_credentials(): repeated bad logins lock accounts. Else
    // those of the wire.
    awaitable<Result<SessionTicket>> ensure(const Call& call);

    // Says that the session of `generation` is over. A later one is not touched.
    void expire(std::uint64_t generation);

    // 0 before the first login.
    [[nodiscard]] std::uint64_t generation() const;
    [[nodiscard]] bool logged_in() const;

    void set_credentials(Credentials credentials);

    // Ends the session at the server, if there is one.
    awaitable<Result<void>> logout(const Call& call);

private:
    awaitable<Result<SessionTicket>> login(const Call& call);
    // The live session, or the refusal that stands; absent when a login is due.
    std::optional<Result<SessionTicket>> known() const;

    RoundTripper& wire_;
    Semaphore login_turn_{1};
    mutable std::mutex mutex_;
    // Guarded by mutex_.
    Credentials credentials_;
    ManagedObjectReference session_manager_;
    SessionTicket current_;
    bool alive_ = false;
    std::optional<Error> refused_;
    std::uint64_t attempts_ = 0;  // failed logins
    std::optional<Error> last_failure_;
};

}  // namespace slipway::vsphere
