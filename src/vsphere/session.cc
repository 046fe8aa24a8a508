#include "vsphere/session.h"

#include "base/log.h"
#include "vsphere/methods.h"
#include "vsphere/round_tripper.h"

namespace slipway::vsphere {
namespace {

// The account itself is the trouble: asking again may lock it.
bool refuses_account(const Error& error) {
    return error.reason == "InvalidLogin" || error.reason == "PasswordExpired";
}

}  // namespace

Session::Session(RoundTripper& wire, Credentials credentials)
    : wire_(wire), credentials_(std::move(credentials)) {}

void Session::set_session_manager(ManagedObjectReference session_manager) {
    const std::lock_guard lock(mutex_);
    session_manager_ = std::move(session_manager);
}

std::optional<Result<SessionTicket>> Session::known() const {
    const std::lock_guard lock(mutex_);
    if (alive_) return Result<SessionTicket>(current_);
    if (refused_) return Result<SessionTicket>(*refused_);
    return std::nullopt;
}

awaitable<Result<SessionTicket>> Session::ensure(const Call& call) {
    if (auto ticket = known()) co_return std::move(*ticket);
    std::uint64_t attempts_before = 0;
    {
        const std::lock_guard lock(mutex_);
        attempts_before = attempts_;
    }
    SLIPWAY_CO_TRY(const auto turn, co_await login_turn_.acquire(call.deadline));
    if (auto ticket = known()) co_return std::move(*ticket);
    {
        // Who waited while another's login failed does not repeat it.
        const std::lock_guard lock(mutex_);
        if (attempts_ != attempts_before && last_failure_) co_return *last_failure_;
    }
    auto ticket = co_await login(call);
    const std::lock_guard lock(mutex_);
    last_failure_.reset();
    if (ticket) co_return ticket;
    if (refuses_account(ticket.error())) refused_ = ticket.error();
    // A deadline is the caller's own; the next one may have more time.
    if (ticket.error().code != Errc::timeout) {
        ++attempts_;
        last_failure_ = ticket.error();
    }
    co_return ticket;
}

awaitable<Result<SessionTicket>> Session::login(const Call& call) {
    xml::Writer out;
    {
        const std::lock_guard lock(mutex_);
        out.open_method("Login");
        write(out, "_this", session_manager_);
        out.text("userName", credentials_.username)
            .text("password", credentials_.password.reveal())
            .text("locale", "en");
    }
    auto body = out.finish();
    if (!body) {
        co_return Error(
            Errc::invalid_argument, "the configured vSphere user name or password can not be sent"
        );
    }
    // Without a cookie: a login inside a live session is refused.
    const auto request = methods::make("Login", std::move(body));
    SLIPWAY_CO_TRY(auto reply, co_await wire_.round_trip(request, call));
    if (reply.cookie.empty())
        co_return Error(Errc::corrupt, "vSphere accepted the login but gave no session cookie");
    SessionTicket ticket;
    {
        const std::lock_guard lock(mutex_);
        current_ = SessionTicket{.cookie = reply.cookie, .generation = current_.generation + 1};
        alive_ = true;
        ticket = current_;
    }
    log::info(call, "vsphere.session.opened", {{"generation", ticket.generation}});
    co_return ticket;
}

void Session::expire(std::uint64_t generation) {
    const std::lock_guard lock(mutex_);
    if (current_.generation == generation) alive_ = false;
}

std::uint64_t Session::generation() const {
    const std::lock_guard lock(mutex_);
    return current_.generation;
}

bool Session::logged_in() const {
    const std::lock_guard lock(mutex_);
    return alive_;
}

void Session::set_credentials(Credentials credentials) {
    const std::lock_guard lock(mutex_);
    credentials_ = std::move(credentials);
    refused_.reset();
}

awaitable<Result<void>> Session::logout(const Call& call) {
    SoapRequest request;
    {
        const std::lock_guard lock(mutex_);
        if (!alive_) co_return Result<void>();
        alive_ = false;
        request = methods::bare("Logout", session_manager_);
        request.cookie = current_.cookie;
    }
    const auto reply = co_await wire_.round_trip(request, call);
    if (!reply && retry_class(reply.error()) != RetryClass::session) co_return reply.error();
    co_return Result<void>();
}

}  // namespace slipway::vsphere
