#include "net/http_client.h"

#include "base/text.h"
#include "net/http_connection.h"
#include "net/http_reply.h"
#include "net/tls_session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/string.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <deque>
#include <map>
#include <mutex>

namespace slipway::net {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kSendBytes = 128U << 10U;
// A body up to this size is a message: the call's deadline covers it. A longer one is a transfer.
constexpr std::uint64_t kMessageBytes = 1U << 20U;
// After a failed write: how long the answer that explains it may take.
constexpr std::chrono::seconds kLastWords{2};
// "fffff\r\n" before, and "\r\n" after the data of a chunk of at most kSendBytes.
constexpr std::size_t kChunkPrefix = 16;
constexpr std::size_t kChunkSuffix = 2;

bool is_target(std::string_view text) {
    return text.starts_with('/') && std::ranges::all_of(text, [](char c) {
               const auto byte = static_cast<unsigned char>(c);
               return byte > 0x20 && byte < 0x7f;
           });
}

// Framing and addressing are ours alone.
bool is_reserved(std::string_view name) {
    constexpr std::array<std::string_view, 5> kReserved = {
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect"};
    return std::ranges::any_of(kReserved, [&](std::string_view reserved) {
        return boost::beast::iequals(name, reserved);
    });
}

Result<std::string> head_of(const HttpRequest& request) {
    if (!is_token(request.method) || !is_target(request.url.target))
        return Error(Errc::invalid_argument, "the request's method or target is malformed");
    std::string head = request.method + ' ' + request.url.target + " HTTP/1.1\r\n";
    head += "Host: " + request.url.authority() + "\r\nUser-Agent: slipway\r\n";
    for (const auto& [name, value] : request.headers) {
        if (!is_token(name) || !is_field_value(value) || is_reserved(name))
            return Error(Errc::invalid_argument, "a header field of the request is not allowed");
        head += name + ": " + value + "\r\n";
    }
    if (request.fresh_connection) head += "Connection: close\r\n";
    const bool may_have_body = request.method != "GET" && request.method != "HEAD";
    if (request.body && request.body->size_bytes()) {
        head += "Content-Length: " + std::to_string(*request.body->size_bytes()) + "\r\n";
    } else if (request.body) {
        head += "Transfer-Encoding: chunked\r\n";
    } else if (may_have_body) {
        head += "Content-Length: 0\r\n";
    }
    return head + "\r\n";
}

// One request and its answer on one connection. Writing and reading run side by side, because a
// server may answer and close long before it has taken the whole body.
class Exchange {
public:
    Exchange(
        Connection& connection,
        const HttpRequest& request,
        const HttpClientOptions& options,
        const Call& call
    )
        : connection_(connection),
          reader_(std::make_unique<ReplyReader>(connection, request.method != "HEAD")),
          request_(request),
          options_(options),
          call_(call) {
        const auto size =
            request.body ? request.body->size_bytes() : std::optional<std::uint64_t>(0);
        is_message_ = size && *size <= kMessageBytes;
    }

    awaitable<Result<ReplyHead>> run() {
        SLIPWAY_CO_TRY(head_text_, head_of(request_));
        auto executor = co_await asio::this_coro::executor;
        auto group = asio::experimental::make_parallel_group(
            asio::co_spawn(executor, write(), asio::deferred),
            asio::co_spawn(executor, read(), asio::deferred)
        );
        auto [order, write_thrown, read_thrown] =
            co_await group.async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
        const auto& thrown = order[0] == 0 ? write_thrown : read_thrown;
        if (thrown) std::rethrow_exception(thrown);
        co_return outcome();
    }

    // The whole request has been written.
    [[nodiscard]] bool sent() const { return sent_; }
    [[nodiscard]] bool answer_has_begun() const { return reader_->has_begun(); }
    std::unique_ptr<ReplyReader> take_reader() { return std::move(reader_); }

private:
    // Ends when the exchange is over as far as the writing side knows: answered, late, or broken.
    awaitable<void> write() {
        auto written = co_await write_request();
        if (written) {
            sent_ = true;
            if (!reply_) {
                co_await pause(reply_deadline());
                if (!reply_) failure_ = Error(Errc::timeout, "the server did not answer in time");
            }
            co_return;
        }
        if (!reply_ || source_failed_) failure_ = std::move(written).error();
        if (!reply_ && !source_failed_ && !connection_.timed_out())
            co_await pause(after(kLastWords));
    }

    // Ends at the answer, but lets writing go on below an early success.
    awaitable<void> read() {
        reply_.emplace(co_await reader_->read_head());
        if (*reply_ && (*reply_)->status < 300 && !sent_) co_await pause(kNoDeadline);
    }

    // Until `by`, or until the other side cancels us.
    static awaitable<void> pause(Deadline by) {
        asio::steady_timer timer(co_await asio::this_coro::executor, by);
        co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    }

    Result<ReplyHead> outcome() {
        if (reply_ && *reply_ && (sent_ || (*reply_)->status >= 300)) return std::move(*reply_);
        if (failure_) return std::move(*failure_);
        if (connection_.timed_out())
            return Error(
                Errc::timeout, "the server did not take or send a byte within the time limit"
            );
        if (reply_ && *reply_)
            return Error(
                Errc::unavailable, "the server answered before it had taken the whole body"
            );
        if (reply_) return std::move(*reply_);
        return Error(Errc::cancelled, "the request was cancelled");
    }

    [[nodiscard]] Deadline reply_deadline() const {
        if (is_message_ && call_.deadline != kNoDeadline) return call_.deadline;
        const Deadline patience = after(options_.stall_limit);
        if (call_.deadline == kNoDeadline) return patience;
        return std::max(patience, call_.deadline);
    }

    awaitable<Result<void>> put(std::span<const std::byte> bytes) {
        return connection_.write_all(
            bytes, options_.stall_limit, is_message_ ? call_.deadline : kNoDeadline
        );
    }

    awaitable<Result<void>> write_request() {
        SLIPWAY_CO_CHECK(co_await connection_.write_all(
            as_bytes_of(head_text_), options_.stall_limit, call_.deadline
        ));
        if (!request_.body) co_return Result<void>();
        if (const auto size = request_.body->size_bytes()) co_return co_await write_sized(*size);
        co_return co_await write_chunked();
    }

    // The source's next bytes; its failure is told from that of the connection.
    awaitable<Result<std::size_t>> pull(std::span<std::byte> into) {
        auto got = co_await request_.body->read_some(into);
        if (!got) source_failed_ = true;
        co_return got;
    }

    Error wrong_length(std::string_view what) {
        source_failed_ = true;
        return Error(
            Errc::corrupt, "the body to be sent is " + std::string(what) + " than announced"
        );
    }

    // Looks for the source's end before the last part is sent, so that a body which is too long
    // never looks complete to the server.
    awaitable<Result<void>> write_sized(std::uint64_t left) {
        std::vector<std::byte> buffer(std::clamp<std::uint64_t>(left, 1, kSendBytes));
        std::size_t got = 0;
        do {
            got = 0;
            if (left > 0) {
                const auto room =
                    std::span(buffer).first(std::min<std::uint64_t>(left, kSendBytes));
                SLIPWAY_CO_TRY(got, co_await pull(room));
                if (got == 0) co_return wrong_length("shorter");
                left -= got;
            }
            if (left == 0) {
                std::array<std::byte, 1> beyond{};
                SLIPWAY_CO_TRY(const std::size_t surplus, co_await pull(beyond));
                if (surplus > 0) co_return wrong_length("longer");
            }
            SLIPWAY_CO_CHECK(co_await put(std::span(buffer).first(got)));
        } while (left > 0);
        co_return Result<void>();
    }

    awaitable<Result<void>> write_chunked() {
        std::vector<std::byte> buffer(kChunkPrefix + kSendBytes + kChunkSuffix);
        for (;;) {
            const auto data = std::span(buffer).subspan(kChunkPrefix, kSendBytes);
            SLIPWAY_CO_TRY(const std::size_t got, co_await pull(data));
            if (got == 0) co_return co_await put(as_bytes_of("0\r\n\r\n"));

            std::array<char, kChunkPrefix> line{};
            char* end = std::to_chars(line.data(), line.data() + line.size() - 2, got, 16).ptr;
            *end++ = '\r';
            *end++ = '\n';
            const auto line_bytes = static_cast<std::size_t>(end - line.data());
            const auto prefix = std::as_bytes(std::span(line)).first(line_bytes);
            std::ranges::copy(
                prefix, buffer.begin() + static_cast<std::ptrdiff_t>(kChunkPrefix - line_bytes)
            );
            std::ranges::copy(
                as_bytes_of("\r\n"),
                buffer.begin() + static_cast<std::ptrdiff_t>(kChunkPrefix + got)
            );
            SLIPWAY_CO_CHECK(co_await put(std::span(buffer).subspan(
                kChunkPrefix - line_bytes, line_bytes + got + kChunkSuffix
            )));
        }
    }

    Connection& connection_;
    std::unique_ptr<ReplyReader> reader_;
    const HttpRequest& request_;
    const HttpClientOptions& options_;
    const Call& call_;
    bool is_message_ = false;
    std::string head_text_;
    bool sent_ = false;
    bool source_failed_ = false;
    std::optional<Error> failure_;  // of the writing side
    std::optional<Result<ReplyHead>> reply_;
};

}  // namespace

struct HttpClient::Impl {
    struct Idle {
        std::unique_ptr<Connection> connection;
        SteadyTime since;
    };

    // The most recently used one that still looks alive.
    std::unique_ptr<Connection> take(const std::string& key) {
        const std::lock_guard lock(mutex);
        drop_expired();
        const auto found = idle.find(key);
        while (found != idle.end() && !found->second.empty()) {
            auto connection = std::move(found->second.back().connection);
            found->second.pop_back();
            if (connection->is_idle()) return connection;
        }
        return nullptr;
    }

    void give_back(const std::string& key, std::unique_ptr<Connection> connection) {
        const std::lock_guard lock(mutex);
        drop_expired();
        auto& same = idle[key];
        if (same.size() >= options.idle_connections_per_host) return;
        same.push_back({std::move(connection), std::chrono::steady_clock::now()});
    }

    void drop_expired() {
        const SteadyTime oldest = std::chrono::steady_clock::now() - options.idle_timeout;
        for (auto entry = idle.begin(); entry != idle.end();) {
            auto& same = entry->second;
            while (!same.empty() && same.front().since < oldest) same.pop_front();
            entry = same.empty() ? idle.erase(entry) : std::next(entry);
        }
    }

    // Loading trust anchors is slow, so a context is made once for each trust.
    Result<SSL_CTX*> context_for(const TlsTrust& trust) {
        const std::lock_guard lock(mutex);
        auto& context = contexts[trust_key(trust)];
        if (!context) {
            SLIPWAY_TRY(context, make_client_context(trust));
        }
        return context.get();
    }

    awaitable<Result<std::unique_ptr<Connection>>> connect(
        const HttpRequest& request, const TlsTrust& trust, const Call& call
    ) {
        const Url& url = request.url;
        SSL_CTX* context = nullptr;
        if (url.scheme == "https") {
            SLIPWAY_CO_TRY(context, context_for(trust));
        }
        const Deadline by = std::min(call.deadline, after(options.connect_timeout));
        co_return co_await with_deadline(
            by, Connection::open(executor, url, request.addresses, trust, context)
        );
    }

    asio::any_io_executor executor;
    HttpClientOptions options;
    std::mutex mutex;
    std::map<std::string, std::deque<Idle>> idle;  // guarded by mutex; oldest first
    std::map<std::string, TlsContext> contexts;    // guarded by mutex
};

namespace {

// What happens to the connection when the answer has been read to its end.
using GiveBack = std::function<void(std::unique_ptr<Connection>)>;

class Reply final : public HttpResponse {
public:
    Reply(
        ReplyHead head,
        std::unique_ptr<Connection> connection,
        std::unique_ptr<ReplyReader> reader,
        std::chrono::seconds stall_limit,
        GiveBack give_back
    )
        : head_(std::move(head)),
          body_(std::move(connection), std::move(reader), stall_limit, std::move(give_back)) {
        body_.size = head_.content_length;
        body_.release_at_end();
    }

    [[nodiscard]] int status() const override { return head_.status; }
    [[nodiscard]] std::string_view header(std::string_view name) const override {
        return find_header(head_.headers, name);
    }
    [[nodiscard]] std::vector<std::string> header_values(std::string_view name) const override {
        std::vector<std::string> values;
        for (const auto& [key, value] : head_.headers)
            if (boost::beast::iequals(key, name)) values.push_back(value);
        return values;
    }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const override {
        return head_.content_length;
    }
    ByteSource& body() override { return body_; }

private:
    struct Body final : ByteSource {
        Body(
            std::unique_ptr<Connection> from,
            std::unique_ptr<ReplyReader> with,
            std::chrono::seconds limit,
            GiveBack back
        )
            : connection(std::move(from)),
              reader(std::move(with)),
              stall_limit(limit),
              give_back(std::move(back)) {}

        awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
            if (failure) co_return *failure;
            if (!connection) co_return 0U;
            auto got = co_await reader->read_body(into, after(stall_limit));
            if (got) {
                release_at_end();
            } else {
                failure = got.error();
                connection.reset();
            }
            co_return got;
        }

        [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return size; }

        void release_at_end() {
            if (!reader->at_end()) return;
            if (give_back && !reader->has_surplus()) give_back(std::move(connection));
            connection.reset();
        }

        std::unique_ptr<Connection> connection;  // until the end of the body
        std::unique_ptr<ReplyReader> reader;
        std::chrono::seconds stall_limit;
        GiveBack give_back;
        std::optional<std::uint64_t> size;
        std::optional<Error> failure;
    };

    ReplyHead head_;
    Body body_;
};

}  // namespace

HttpClient::HttpClient(asio::any_io_executor executor, HttpClientOptions options)
    : impl_(std::make_shared<Impl>()) {
    impl_->executor = std::move(executor);
    impl_->options = options;
}

HttpClient::~HttpClient() = default;

awaitable<Result<std::unique_ptr<HttpResponse>>> HttpClient::send(
    HttpRequest request, const TlsTrust& trust, const Call& call
) {
    // Answers may outlive the client; they share the pool with it.
    const auto impl = impl_;
    const std::string key =
        request.url.scheme + '|' + request.url.authority() + '|' + trust_key(trust);

    std::unique_ptr<Connection> connection;
    if (!request.fresh_connection) connection = impl->take(key);
    for (;;) {
        const bool pooled = connection != nullptr;
        if (!pooled) {
            SLIPWAY_CO_TRY(connection, co_await impl->connect(request, trust, call));
        }
        Exchange exchange(*connection, request, impl->options, call);
        auto head = co_await exchange.run();
        if (!head) {
            const bool is_stale = pooled && !request.body && !exchange.answer_has_begun() &&
                                  head.error().code == Errc::unavailable;
            connection.reset();
            if (is_stale) continue;
            co_return std::move(head).error();
        }
        GiveBack give_back;
        if (head->keep_alive && exchange.sent() && !request.fresh_connection)
            give_back = [impl, key](std::unique_ptr<Connection> used) {
                impl->give_back(key, std::move(used));
            };
        co_return std::make_unique<Reply>(
            std::move(*head),
            std::move(connection),
            exchange.take_reader(),
            impl->options.stall_limit,
            std::move(give_back)
        );
    }
}

awaitable<Result<std::string>> HttpResponse::read_text(std::size_t limit) {
    const Error too_large(Errc::too_large, "the server's answer is longer than is accepted");
    std::string text;
    std::array<std::byte, 16384> buffer{};
    for (;;) {
        SLIPWAY_CO_TRY(const std::size_t got, co_await body().read_some(buffer));
        if (got == 0) co_return text;
        if (got > limit - text.size()) co_return too_large;
        text.append(std::bit_cast<const char*>(buffer.data()), got);
    }
}

}  // namespace slipway::net
