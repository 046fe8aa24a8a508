#include "tests/integration/http_server_fixture.h"

#include "base/async.h"
#include "http/dispatch.h"
#include "http/problem.h"
#include "tests/support/run.h"

#include <charconv>
#include <chrono>
#include <stdexcept>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#define SLIPWAY_TEST_ASAN 1
#endif
#endif
#ifndef SLIPWAY_TEST_ASAN
#include <malloc.h>
#endif

namespace slipway::http {

namespace {

using namespace std::chrono_literals;

std::uint64_t number_in_query(const Request& request, std::string_view name) {
    std::uint64_t value = 0;
    for (const auto& [key, text] : request.query())
        if (key == name) std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

Response text(int status, std::string body) {
    Response response;
    response.status = status;
    response.text = std::move(body);
    response.with("Content-Type", "text/plain");
    return response;
}

}  // namespace

std::size_t allocated_bytes() {
#ifdef SLIPWAY_TEST_ASAN
    return __sanitizer_get_current_allocated_bytes();
#else
    return mallinfo2().uordblks;
#endif
}

void HttpServerTest::start(const TlsFiles& tls) {
    context_ = std::make_unique<asio::io_context>();
    work_ = std::make_unique<asio::executor_work_guard<asio::io_context::executor_type>>(
        context_->get_executor()
    );
    const Handler handler =
        with_request_id(with_access_log([this](Request& request) { return handle(request); }));
    server = std::make_unique<Server>(context_->get_executor(), limits, handler);
    ListenerOptions options;
    options.tls = tls;
    const auto bound = server->listen(options);
    ASSERT_TRUE(bound) << bound.error().message;
    port = *bound;
    server->start();
    for (int i = 0; i < 2; ++i) threads_.emplace_back([this] { context_->run(); });
}

bool HttpServerTest::stop(std::chrono::milliseconds grace) {
    if (!server) return true;
    server->stop_accepting();
    const bool finished = test::run(server->drain(after(grace)));
    work_.reset();
    server.reset();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
    context_.reset();
    return finished;
}

bool HttpServerTest::reaches_connections(std::size_t wanted) {
    for (int i = 0; i < 1000; ++i) {
        if (server->connections() == wanted) return true;
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

awaitable<Response> HttpServerTest::read_body(Request& request) {
    std::vector<std::byte> piece(std::max<std::uint64_t>(1, number_in_query(request, "piece")));
    std::uint64_t total = 0;
    while (true) {
        const auto got = co_await request.body().read_some(piece);
        if (!got) {
            ++broken_bodies;
            co_return problem(request, got.error());
        }
        if (*got == 0) break;
        for (std::size_t i = 0; i < *got; ++i)
            if (piece[i] != test::pattern_byte(total + i)) co_return text(500, "other bytes");
        total += *got;
        body_bytes += *got;
    }
    co_return text(200, std::to_string(total));
}

// /            "ok"                          /text        the body, at most 1 MiB
// /sum?piece=n reads a pattern body          /refuse      409 without reading
// /stream?size=n&announced=m&fails=k         /wait        answers once released
// /throw       throws                        /bad-header  lets a line break into a header
// /echo        sends the body back as a stream            /roles  the header X-Roles after the body
awaitable<Response> HttpServerTest::handle(Request& request) {
    ++requests;
    const auto path = request.raw_path();
    if (path == "/sum") co_return co_await read_body(request);
    if (path == "/text") {
        auto body = co_await request.read_text(1U << 20U);
        if (!body) {
            ++broken_bodies;
            co_return problem(request, body.error());
        }
        co_return text(200, *body);
    }
    if (path == "/roles") {
        const auto body = co_await request.read_text(1U << 20U);
        co_return text(body ? 200 : 400, "roles=" + std::string(request.header("X-Roles")));
    }
    if (path == "/refuse") co_return problem(request, Error(Errc::conflict, "not now"));
    if (path == "/throw") throw std::runtime_error("a broken invariant");
    if (path == "/wait") {
        while (!released) co_await sleep_for(5ms);
        co_return text(200, "waited");
    }
    if (path == "/bad-header") co_return text(200, "").with("Location", "/a\r\nX-Injected: b");
    if (path == "/stream" || path == "/echo") {
        Response response;
        response.with("Content-Type", "application/octet-stream");
        if (path == "/echo") {
            struct Borrowed final : ByteSource {
                explicit Borrowed(ByteSource& inner) : source(inner) {}
                awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
                    return source.read_some(into);
                }
                ByteSource& source;
            };
            response.stream_bytes = request.content_length().value_or(0);
            response.stream = std::make_unique<Borrowed>(request.body());
            co_return response;
        }
        const auto size = number_in_query(request, "size");
        const auto fails = request.raw_query().find("fails=") == std::string_view::npos
                               ? std::uint64_t{1} << 62U
                               : number_in_query(request, "fails");
        const auto announced = number_in_query(request, "announced");
        response.stream_bytes = announced > 0 ? announced : size;
        test::PatternOptions options;
        options.fails_at = fails;
        options.failure = Error(Errc::unavailable, "the store is gone");
        options.gave = [this](std::size_t bytes) { produced_bytes += bytes; };
        response.stream = std::make_unique<test::PatternSource>(size, std::move(options));
        co_return response;
    }
    co_return text(200, "ok");
}

}  // namespace slipway::http
