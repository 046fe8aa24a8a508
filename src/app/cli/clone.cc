#include "app/cli/clone_client.h"
#include "app/cli/progress_bar.h"
#include "base/async.h"
#include "net/http_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <iostream>

namespace slipway::app::cli {

namespace {

constexpr std::size_t kReplyBytes = 1U << 20U;
constexpr std::chrono::seconds kReplyTime{60};
constexpr std::chrono::seconds kPause{1};

class TextSource final : public ByteSource {
public:
    explicit TextSource(std::string text) : text_(std::move(text)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const std::size_t count = std::min(into.size(), text_.size() - read_);
        std::memcpy(into.data(), text_.data() + read_, count);
        read_ += count;
        co_return count;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return text_.size(); }

private:
    std::string text_;
    std::size_t read_ = 0;
};

class HttpTransport final : public ApiTransport {
public:
    HttpTransport(asio::any_io_executor executor, net::Url server, Secret token)
        : client_(std::move(executor), {}), server_(std::move(server)), token_(std::move(token)) {
        while (server_.target.ends_with('/')) server_.target.pop_back();
    }

    awaitable<Result<ApiReply>> send(std::string method, std::string path, std::string body)
        override {
        TextSource source(body);
        net::HttpRequest request;
        request.method = std::move(method);
        request.url = server_;
        request.url.target += path;
        request.headers.emplace_back("Accept", "application/json");
        if (!token_.empty()) request.headers.emplace_back("X-Auth-Token", token_.reveal());
        if (!body.empty()) {
            request.headers.emplace_back("Content-Type", "application/json");
            request.body = &source;
        }
        const Call call = Call{}.within(kReplyTime);
        SLIPWAY_CO_TRY(auto response, co_await client_.send(std::move(request), trust_, call));
        ApiReply reply;
        reply.status = response->status();
        SLIPWAY_CO_TRY(reply.body, co_await response->read_text(kReplyBytes));
        co_return reply;
    }

private:
    net::HttpClient client_;
    net::TlsTrust trust_;
    net::Url server_;
    Secret token_;
};

awaitable<Result<CloneTask>> talk(const CloneOptions& options, ProgressBar& bar) {
    SLIPWAY_CO_TRY(auto server, net::parse_url(options.url));
    HttpTransport transport(co_await asio::this_coro::executor, std::move(server), options.token);
    CloneWatch watch;
    watch.seen = [&bar, &options](const CloneTask& task) {
        if (options.wait) bar.show(task.status == "success" ? 100 : task.progress);
    };
    watch.pause = [] { return sleep_for(kPause); };
    co_return co_await run_clone(transport, options, watch);
}

// Runs `operation` on an event loop of its own, until it has ended; what it leaves behind is
// dropped.
Result<CloneTask> run_to_the_end(awaitable<Result<CloneTask>> operation) {
    asio::io_context context;
    std::exception_ptr thrown;
    Result<CloneTask> result = Error(Errc::internal, "the clone was not asked for");
    asio::co_spawn(
        context,
        std::move(operation),
        [&](std::exception_ptr error, Result<CloneTask> value) {
            thrown = error;
            result = std::move(value);
            context.stop();
        }
    );
    context.run();
    if (thrown) std::rethrow_exception(thrown);
    return result;
}

}  // namespace

int clone(const CloneOptions& options) {
    ProgressBar bar(std::cerr, !options.quiet && isatty(STDERR_FILENO) == 1);
    const auto task = run_to_the_end(talk(options, bar));
    bar.finish();
    if (!task) return complain(task.error());
    if (options.json) {
        std::cout << task->json << "\n";
    } else if (!options.quiet) {
        std::cout << (options.wait ? "cloned by task " : "task ") << task->id << "\n";
    }
    return exit_done;
}

}  // namespace slipway::app::cli
