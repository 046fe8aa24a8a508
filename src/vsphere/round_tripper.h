#pragma once

#include "base/call.h"
#include "net/retry.h"
#include "vsphere/http_transport.h"
#include "vsphere/session.h"
#include "vsphere/soap.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

namespace slipway::vsphere {

// The seam between typed calls and the wire: one method call, one answer.
// Errors: those of parse_reply(), and what the layers below add.
class RoundTripper {
public:
    virtual ~RoundTripper() = default;
    virtual awaitable<Result<SoapReply>> round_trip(
        const SoapRequest& request, const Call& call
    ) = 0;
};

struct HttpRoundTripperOptions {
    net::Url server;  // scheme, host and port; the target is ours
    net::TlsTrust trust;
    std::chrono::seconds call_timeout{60};
};

// One POST to /sdk per call. Asks once which API versions the server speaks.
// Errors: unavailable (link, or a body that is no SOAP), timeout, and those of parse_reply().
// `transport` must outlive it. Safe across strands.
class HttpRoundTripper final : public RoundTripper {
public:
    HttpRoundTripper(HttpTransport& transport, HttpRoundTripperOptions options);

    awaitable<Result<SoapReply>> round_trip(const SoapRequest& request, const Call& call) override;

private:
    awaitable<std::string> api_version(const Call& call);
    awaitable<Result<std::string>> ask_api_version(const Call& call);
    awaitable<Result<SoapReply>> post(const SoapRequest& request, const Call& call);

    HttpTransport& transport_;
    HttpRoundTripperOptions options_;
    std::mutex mutex_;
    std::string version_;  // guarded by mutex_; empty until known
};

// Sends again what may be sent again, within the call's deadline.
// A request that is not idempotent goes out a second time only when not a byte of its body was
// taken; when its answer is lost, the error is `unavailable` with reason kOutcomeUnknown: look at
// the datastore.
class RetryRoundTripper final : public RoundTripper {
public:
    RetryRoundTripper(RoundTripper& inner, net::RetryPolicy policy)
        : inner_(inner), policy_(policy) {}

    awaitable<Result<SoapReply>> round_trip(const SoapRequest& request, const Call& call) override;

private:
    RoundTripper& inner_;
    net::RetryPolicy policy_;
};

// Sends every request in a session, and once more in a new one when the session turns out to be
// over: by a NotAuthenticated fault, by missingSet entries that say so, or by an empty property
// read which a CurrentTime then does not confirm.
class ReloginRoundTripper final : public RoundTripper {
public:
    ReloginRoundTripper(RoundTripper& inner, Session& session) : inner_(inner), session_(session) {}

    awaitable<Result<SoapReply>> round_trip(const SoapRequest& request, const Call& call) override;

private:
    awaitable<bool> session_is_over(
        const SoapRequest& request, const Result<SoapReply>& reply, const Call& call
    );

    RoundTripper& inner_;
    Session& session_;
};

}  // namespace slipway::vsphere
