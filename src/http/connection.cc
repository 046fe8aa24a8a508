#include "http/connection.h"

#include "base/log.h"
#include "base/text.h"
#include "http/dispatch.h"
#include "http/problem.h"
#include "http/received_request.h"

#include <optional>
#include <utility>

namespace slipway::http {

namespace {

// Of a body that nobody wanted: taken, so that its sender gets to our answer.
constexpr std::size_t kDrainBytes = 64U << 10U;
constexpr std::chrono::seconds kDrainTime{2};
// For the client's answer to the end of TLS.
constexpr std::chrono::milliseconds kFarewellTime{200};

// Tells whoever asked what became of an answer, also when sending it was cancelled.
class Report {
public:
    explicit Report(const Response& response) : on_sent_(response.on_sent) {}
    ~Report() {
        if (on_sent_) on_sent_(transfer);
    }
    Report(const Report&) = delete;
    Report& operator=(const Report&) = delete;

    Transfer transfer;

private:
    std::function<void(const Transfer&)> on_sent_;
};

// `response` is replaced by what says why it cannot be sent; its request id stays.
void replace_by_problem(const Request& request, Response& response, const Error& error) {
    Response problem_response = problem(request, error);
    for (auto& [name, value] : response.headers)
        if (equals_ignoring_case(name, "x-openstack-request-id"))
            problem_response.with(std::move(name), std::move(value));
    response = std::move(problem_response);
}

}  // namespace

bool LogBudget::take() {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (now - second_ >= std::chrono::seconds(1)) {
        second_ = now;
        used_ = 0;
    }
    return used_++ < kPerSecond;
}

Connection::Connection(
    const ConnectionContext& context,
    asio::ip::tcp::socket socket,
    asio::ssl::context* tls,
    std::atomic<std::uint64_t>& reads,
    std::string peer
)
    : context_(context),
      peer_(std::move(peer)),
      transport_(std::move(socket), tls, reads),
      inbound_(transport_, context.limits),
      outbound_(transport_, context.limits) {}

void Connection::stop() {
    stopping_ = true;
    if (idle_) transport_.close();
}

awaitable<void> Connection::run() {
    if (!co_await transport_.handshake(after(context_.limits.handshake_timeout))) co_return;
    Deadline first_byte_by = after(context_.limits.header_timeout);
    std::optional<Deadline> head_by = first_byte_by;
    while (!stopping_) {
        idle_ = true;
        const bool begun = co_await inbound_.wait_for_request(first_byte_by);
        idle_ = false;
        if (!begun) co_return;
        if (!head_by) head_by = after(context_.limits.header_timeout);
        const auto head = co_await inbound_.read_head(*head_by);
        if (std::holds_alternative<Gone>(head)) co_return;
        if (const auto* refusal = std::get_if<Refusal>(&head)) {
            co_await refuse(*refusal);
            co_return;
        }
        if (!co_await serve(std::get<Head>(head))) co_return;
        first_byte_by = after(context_.limits.idle_timeout);
        head_by.reset();
    }
    co_await close_gracefully(false);
}

awaitable<bool> Connection::serve(const Head& head) {
    RequestBody body(inbound_, head);
    const ReceivedRequest::Origin origin{context_.listener, peer_, transport_.is_tls()};
    ReceivedRequest request(head, body, origin);
    Response response = co_await answer_safely(context_.handler, request);

    // A stream may still read from the request's body; nothing else does.
    const bool at_end = response.stream ? !body.has_more() : body.skip_buffered();
    SendOptions options{head.method == "HEAD", head.http_1_0, true};
    options.keep_alive = head.keep_alive && !response.close && !stopping_ &&
                         (at_end || (!response.stream && body.little_is_missing()));
    Report report(response);
    const bool sent = co_await send(request, response, options, report.transfer);
    report.transfer.bytes_in = body.bytes_read();
    if (!sent) {
        transport_.abort();
        co_return false;
    }
    if (options.keep_alive && (at_end || co_await body.skip(after(kDrainTime)))) co_return true;
    co_await close_gracefully(!at_end || inbound_.has_buffered());
    co_return false;
}

// False when the connection is of no use any more.
awaitable<bool> Connection::send(
    Request& request, Response& response, const SendOptions& options, Transfer& transfer
) {
    if (const auto ready = co_await outbound_.prepare(response, options); !ready) {
        log::error(
            request.caller.call,
            "http.response.failed",
            {{"route", request.route}, {"error", ready.error().message}}
        );
        replace_by_problem(request, response, ready.error());
    }
    transfer.status = response.status;
    const auto sent = co_await outbound_.send(response, options, transfer);
    if (!sent) {
        log::warning(
            request.caller.call,
            "http.response.broken",
            {{"route", request.route},
             {"code", to_string(sent.error().code)},
             {"error", sent.error().message},
             {"bytes_out", transfer.bytes_out}}
        );
    }
    co_return sent.has_value();
}

awaitable<void> Connection::refuse(const Refusal& refusal) {
    if (context_.refusals.take())
        log::info(
            {},
            "http.request.refused",
            {{"status", refusal.status}, {"reason", refusal.message}, {"peer", peer_}}
        );
    Response response = plain_problem(refusal.status, refusal.message);
    SendOptions options;
    options.keep_alive = false;
    Transfer transfer;
    if (co_await outbound_.send(response, options, transfer)) co_await close_gracefully(true);
}

awaitable<void> Connection::close_gracefully(bool unread_bytes) {
    if (unread_bytes)
        co_await transport_.close_gracefully(kDrainBytes, after(kDrainTime));
    else
        co_await transport_.close_gracefully(0, after(kFarewellTime));
}

}  // namespace slipway::http
