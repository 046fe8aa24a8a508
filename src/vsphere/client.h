#pragma once

#include "vsphere/round_tripper.h"
#include "vsphere/session.h"
#include "vsphere/vim_types.h"

#include <memory>

namespace slipway::vsphere {

class TaskWatcher;

// For callers that try again by retry_class().
using net::next_delay;
using net::random_jitter;
using net::RetryPolicy;
using net::with_retries;

struct VimClientOptions {
    net::Url server;  // of the vCenter or ESXi host; its target is not used
    std::string username;
    Secret password;
    net::TlsTrust trust;
    std::chrono::seconds call_timeout{60};
    net::RetryPolicy retry;
    // The longest that WaitForUpdatesEx may block: well below the idle limits of proxies, and below
    // the transport's stall limit.
    std::chrono::seconds update_wait{30};
    // Well below the time after which servers drop an idle session (vCenter: 30 minutes).
    std::chrono::milliseconds keep_alive_every{std::chrono::minutes(5)};
};

// One vCenter (or ESXi host), one account, one shared session. Everything else in this folder takes
// a VimClient&. Connects and logs in with the first call that needs it. Safe across strands.
// Lifetime: close() before it is destroyed, while the event loop still runs.
class VimClient {
public:
    VimClient(asio::any_io_executor executor, VimClientOptions options);
    // The same over another wire.
    VimClient(
        asio::any_io_executor executor,
        std::unique_ptr<HttpTransport> transport,
        VimClientOptions options
    );
    ~VimClient();
    VimClient(const VimClient&) = delete;
    VimClient& operator=(const VimClient&) = delete;

    // The server's well-known objects; asked for once. Needs no login.
    // Errors: those of the wire.
    awaitable<Result<std::shared_ptr<const ServiceContent>>> service_content(const Call& call);

    // One call in the shared session: retried, logged in again when needed.
    awaitable<Result<SoapReply>> call(const SoapRequest& request, const Call& call);

    // The session itself, for /folder.
    awaitable<Result<SessionTicket>> session(const Call& call);
    // To be told when /folder answered 401.
    void session_expired(std::uint64_t generation);
    [[nodiscard]] std::uint64_t generation() const;

    // After new credentials were configured; clears a refused login.
    void set_credentials(Credentials credentials);

    // Calls CurrentTime every `keep_alive_every` while logged in, until it is cancelled. For a
    // TaskGroup.
    awaitable<void> keep_alive();

    // Ends the task watcher and logs out.
    awaitable<void> close(const Call& call);

    [[nodiscard]] const VimClientOptions& options() const;
    [[nodiscard]] HttpTransport& transport();
    [[nodiscard]] TaskWatcher& tasks();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::vsphere
