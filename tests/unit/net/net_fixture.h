#pragma once

#include "base/digest.h"
#include "net/http_client.h"
#include "tests/fakes/scripted_server.h"
#include "tests/support/run.h"
#include "tests/support/sources.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace slipway::net {

using test::PatternSource;
using test::Peer;
using test::ScriptedServer;

// What a request came to, body and all.
struct Answer {
    int status = 0;
    std::string body;
};

inline HttpClientOptions options_with(std::chrono::seconds stall_limit) {
    HttpClientOptions options;
    options.connect_timeout = std::chrono::seconds(20);
    options.stall_limit = stall_limit;
    return options;
}
// So that a slow machine is not taken for a stall.
inline HttpClientOptions patient_options() {
    return options_with(std::chrono::seconds(20));
}
inline HttpClientOptions impatient_options() {
    return options_with(std::chrono::seconds(1));
}

inline HttpRequest request_to(const std::string& url, std::string method = "GET") {
    HttpRequest request;
    request.method = std::move(method);
    request.url = parse_url(url).value();
    return request;
}

inline awaitable<Result<Answer>> fetch(
    HttpClient& client,
    HttpRequest request,
    TlsTrust trust = {},
    Call call = {},
    std::size_t limit = 1U << 20U
) {
    SLIPWAY_CO_TRY(const auto response, co_await client.send(std::move(request), trust, call));
    Answer answer;
    answer.status = response->status();
    SLIPWAY_CO_TRY(answer.body, co_await response->read_text(limit));
    co_return answer;
}

// One request by a client of its own.
inline Result<Answer> fetch_once(
    HttpRequest request,
    const TlsTrust& trust = {},
    const Call& call = {},
    const HttpClientOptions& options = patient_options()
) {
    auto body = [](HttpRequest what, TlsTrust whom, Call when, HttpClientOptions how
                ) -> awaitable<Result<Answer>> {
        HttpClient client(co_await asio::this_coro::executor, how);
        co_return co_await fetch(client, std::move(what), std::move(whom), std::move(when));
    };
    return test::run(body(std::move(request), trust, call, options));
}

// Writes `reply` after one request head.
inline ScriptedServer::Script answering(std::string reply) {
    return [reply = std::move(reply)](Peer& peer) {
        peer.read_head();
        peer.write(reply);
    };
}

// The bytes of text, in small reads; the announced size may be a lie.
class AnnouncedText final : public ByteSource {
public:
    AnnouncedText(std::string text, std::optional<std::uint64_t> announced, std::size_t step = 7)
        : text_(std::move(text)), announced_(announced), step_(step) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const std::size_t n = std::min({into.size(), text_.size() - at_, step_});
        std::ranges::copy(as_bytes_of(text_).subspan(at_, n), into.begin());
        at_ += n;
        co_return n;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return announced_; }

private:
    std::string text_;
    std::optional<std::uint64_t> announced_;
    std::size_t step_;
    std::size_t at_ = 0;
};

}  // namespace slipway::net
