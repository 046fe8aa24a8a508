#include "vsphere/round_tripper.h"

#include "base/log.h"
#include "vsphere/methods.h"
#include "vsphere/transfer.h"

#include <algorithm>

namespace slipway::vsphere {
namespace {

// Spoken by every server in use, for the case that a server does not say what it speaks.
constexpr std::string_view kFallbackVersion = "6.5";
constexpr std::size_t kVersionsLimitBytes = 1U << 20U;
constexpr std::size_t kCookieLimitBytes = 4096;

// The value of vmware_soap_session as the server wrote it, quotes included; empty when absent or
// unfit to be sent back.
std::string session_cookie(const net::HttpResponse& response) {
    constexpr std::string_view kName = "vmware_soap_session=";
    for (const auto& field : response.header_values("Set-Cookie")) {
        if (!field.starts_with(kName)) continue;
        auto value = field.substr(kName.size());
        value.resize(std::min(value.size(), value.find(';')));
        const bool fit = value.size() <= kCookieLimitBytes &&
                         std::ranges::all_of(value, [](char c) { return c > ' ' && c < 0x7f; });
        if (fit) return value;
    }
    return {};
}

}  // namespace

HttpRoundTripper::HttpRoundTripper(HttpTransport& transport, HttpRoundTripperOptions options)
    : transport_(transport), options_(std::move(options)) {}

awaitable<Result<SoapReply>> HttpRoundTripper::round_trip(
    const SoapRequest& request, const Call& call
) {
    const auto limited = call.within(options_.call_timeout + request.patience);
    auto reply = co_await with_deadline(limited.deadline, post(request, limited));
    if (!reply && !reply.error().reason.empty()) {
        log::info(
            call,
            "vsphere.call.failed",
            {{"method", request.method}, {"reason", reply.error().reason}}
        );
    }
    co_return reply;
}

awaitable<Result<SoapReply>> HttpRoundTripper::post(const SoapRequest& request, const Call& call) {
    TextSource text(envelope(call.request_id, request.body));
    WatchedBody body(text);
    net::HttpRequest http;
    http.method = "POST";
    http.url = options_.server;
    http.url.target = "/sdk";
    http.body = &body;
    // On a pooled connection, a close that crosses our request would leave its outcome unknown.
    http.fresh_connection = !request.idempotent;
    http.headers = {
        {"Content-Type", "text/xml; charset=utf-8"},
        {"SOAPAction", "urn:vim25/" + co_await api_version(call)},
    };
    if (!request.cookie.empty())
        http.headers.emplace_back("Cookie", "vmware_soap_session=" + request.cookie.reveal());

    auto sent = co_await transport_.send(std::move(http), options_.trust, call);
    if (!sent) {
        // The link's own words would read as a fault of the server; those about TLS are kept, since
        // nothing is sent before the peer is believed.
        auto error = sent.error();
        const bool tls = !body.begun() && error.reason.starts_with(kTls);
        if (!tls) error.reason = body.begun() ? std::string_view() : kNotSent;
        co_return error;
    }
    const auto response = std::move(*sent);
    auto answer = co_await response->read_text(request.reply_limit_bytes);
    if (!answer) {
        // "Too large" would read as if the image were.
        if (answer.error().code == Errc::too_large)
            co_return Error(Errc::corrupt, "vSphere's answer is longer than any real one");
        co_return Error(answer.error().code, answer.error().message);
    }
    const xml::Limits limits{.bytes = request.reply_limit_bytes};
    auto reply = parse_reply(request.method, response->status(), *answer, limits);
    if (reply) reply->cookie = Secret(session_cookie(*response));
    co_return reply;
}

awaitable<std::string> HttpRoundTripper::api_version(const Call& call) {
    {
        const std::lock_guard lock(mutex_);
        if (!version_.empty()) co_return version_;
    }
    auto asked = co_await ask_api_version(call);
    // A server that can not be reached is asked again with the next call.
    if (!asked && asked.error().code != Errc::corrupt) co_return std::string(kFallbackVersion);
    const std::lock_guard lock(mutex_);
    version_ = asked ? *asked : std::string(kFallbackVersion);
    co_return version_;
}

awaitable<Result<std::string>> HttpRoundTripper::ask_api_version(const Call& call) {
    net::HttpRequest http;
    http.url = options_.server;
    http.url.target = "/sdk/vimServiceVersions.xml";
    SLIPWAY_CO_TRY(auto response, co_await transport_.send(std::move(http), options_.trust, call));
    SLIPWAY_CO_TRY(const auto text, co_await response->read_text(kVersionsLimitBytes));
    if (response->status() >= 500)
        co_return Error(Errc::unavailable, "the server does not say what it speaks");
    co_return choose_api_version(text);
}

namespace {

// Whether a request that came to `error` is worth sending again, were it harmless.
bool worth_another_try(const Error& error) {
    if (error.code != Errc::unavailable && error.code != Errc::timeout &&
        error.reason != "ResourceInUse")
        return false;
    // Who holds the collector has to build it anew.
    if (error.reason == "InvalidCollectorVersion") return false;
    return retry_class(error) == RetryClass::retry;
}

// No fault came back, so the server may have done what was asked. A 503 is no proof of the
// contrary: vCenter's proxy also sends it when the service behind it goes away in mid-call.
bool may_have_been_done(const Error& error) {
    if (error.code == Errc::invalid_argument) return false;
    return error.reason.empty() || error.reason == kNotSoap || error.reason == kXmlLimit ||
           error.reason.starts_with(kHttpStatus);
}

}  // namespace

awaitable<Result<SoapReply>> RetryRoundTripper::round_trip(
    const SoapRequest& request, const Call& call
) {
    for (int failures = 1;; ++failures) {
        auto reply = co_await inner_.round_trip(request, call);
        if (reply) co_return reply;
        const auto& error = reply.error();
        if (!request.idempotent && may_have_been_done(error)) {
            co_return Error(
                Errc::unavailable,
                "the answer to " + request.method +
                    " was lost: it may have been done; look at the datastore before trying again",
                std::string(kOutcomeUnknown)
            );
        }
        const bool harmless = request.idempotent || error.reason == kNotSent;
        if (!harmless || !worth_another_try(error)) co_return reply;
        const auto pause = net::next_delay(
            policy_, failures, net::random_jitter(), call.deadline, std::chrono::steady_clock::now()
        );
        if (!pause) co_return reply;
        co_await sleep_for(*pause);
    }
}

namespace {

bool says_not_authenticated(const xml::Element& object) {
    for (const auto& missing : object.children("missingSet")) {
        const auto fault = missing.child("fault");
        if (fault && read_localized_fault(*fault).name == "NotAuthenticated") return true;
    }
    return false;
}

bool any_not_authenticated(const SoapReply& reply) {
    const auto value = reply.returnval();
    if (!value) return false;
    for (const auto& object : value->children("objects"))
        if (says_not_authenticated(object)) return true;
    for (const auto& filter : value->children("filterSet"))
        for (const auto& object : filter.children("objectSet"))
            if (says_not_authenticated(object)) return true;
    return false;
}

}  // namespace

awaitable<bool> ReloginRoundTripper::session_is_over(
    const SoapRequest& request, const Result<SoapReply>& reply, const Call& call
) {
    if (!reply) co_return retry_class(reply.error()) == RetryClass::session;
    if (request.method == "RetrievePropertiesEx" && !reply->returnval()) {
        // "No objects" on a live session; an ESXi host says the same when the session is over.
        auto probe = methods::current_time();
        probe.cookie = request.cookie;
        const auto alive = co_await inner_.round_trip(probe, call);
        co_return !alive && retry_class(alive.error()) == RetryClass::session;
    }
    co_return any_not_authenticated(*reply);
}

awaitable<Result<SoapReply>> ReloginRoundTripper::round_trip(
    const SoapRequest& request, const Call& call
) {
    SoapRequest authenticated = request;
    for (int attempt = 0; attempt < 2; ++attempt) {
        SLIPWAY_CO_TRY(const auto ticket, co_await session_.ensure(call));
        if (request.generation && *request.generation != ticket.generation) {
            co_return Error(
                Errc::unavailable,
                "the session at vSphere was replaced meanwhile",
                std::string(kSessionReplaced)
            );
        }
        authenticated.cookie = ticket.cookie;
        auto reply = co_await inner_.round_trip(authenticated, call);
        if (!co_await session_is_over(authenticated, reply, call)) {
            if (reply) reply->generation = ticket.generation;
            co_return reply;
        }
        session_.expire(ticket.generation);
    }
    co_return Error(
        Errc::unavailable,
        "vSphere does not accept a session right after the login; see its logs",
        "NotAuthenticated"
    );
}

}  // namespace slipway::vsphere
