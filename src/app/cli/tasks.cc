#include "app/cli/progress_bar.h"
#include "app/cli/task_client.h"
#include "base/async.h"
#include "base/stream.h"
#include "net/http_client.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <unistd.h>

#include <exception>
#include <iostream>

namespace slipway::app::cli {

namespace {

constexpr std::size_t kReplyBytes = 1U << 20U;
constexpr std::chrono::seconds kReplyTime{60};
constexpr std::chrono::seconds kPause{1};

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

TaskWatch watch_for(ProgressBar& bar, const ServerOptions& options) {
    TaskWatch watch;
    watch.seen = [&bar, wait = options.wait](const ServerTask& task) {
        if (wait) bar.show(task.status == "success" ? 100 : task.progress);
    };
    watch.pause = [] { return sleep_for(kPause); };
    return watch;
}

// Runs `talk` with the server on an event loop of its own, until it has ended; what it leaves
// behind is dropped.
template <class T>
Result<T> talk_to(
    const ServerOptions& options, std::function<awaitable<Result<T>>(ApiTransport&)> talk
) {
    auto operation = [&]() -> awaitable<Result<T>> {
        SLIPWAY_CO_TRY(auto server, net::parse_url(options.url));
        HttpTransport transport(
            co_await asio::this_coro::executor, std::move(server), options.token
        );
        co_return co_await talk(transport);
    };
    asio::io_context context;
    std::exception_ptr thrown;
    Result<T> result = Error(Errc::internal, "the server was not asked");
    asio::co_spawn(context, operation(), [&](std::exception_ptr error, Result<T> value) {
        thrown = error;
        result = std::move(value);
        context.stop();
    });
    context.run();
    if (thrown) std::rethrow_exception(thrown);
    return result;
}

int tell(const Result<ServerTask>& task, const ServerOptions& options, std::string_view done) {
    if (!task) return complain(task.error());
    if (options.json) {
        std::cout << task->json << "\n";
    } else if (!options.quiet) {
        std::cout << (options.wait ? std::string(done) + " by task " : "task ") << task->id << "\n";
    }
    return exit_done;
}

bool shows_progress(const ServerOptions& options) {
    return !options.quiet && isatty(STDERR_FILENO) == 1;
}

}  // namespace

int clone(const CloneOptions& options) {
    ProgressBar bar(std::cerr, shows_progress(options));
    const TaskWatch watch = watch_for(bar, options);
    const auto task = talk_to<ServerTask>(options, [&](ApiTransport& transport) {
        return run_clone(transport, options, watch);
    });
    bar.finish();
    return tell(task, options, "cloned");
}

int seed(const SeedOptions& options) {
    if (options.stop) {
        const auto stopped = talk_to<void>(options, [&](ApiTransport& transport) {
            return stop_seeds(transport, options);
        });
        return stopped ? exit_done : complain(stopped.error());
    }
    ProgressBar bar(std::cerr, shows_progress(options));
    const TaskWatch watch = watch_for(bar, options);
    const auto task = talk_to<ServerTask>(options, [&](ApiTransport& transport) {
        return run_seed(transport, options, watch);
    });
    bar.finish();
    return tell(task, options, "seeded");
}

int evacuate(const EvacuateOptions& options) {
    ProgressBar bar(std::cerr, shows_progress(options));
    const TaskWatch watch = watch_for(bar, options);
    const auto moved = talk_to<std::size_t>(options, [&](ApiTransport& transport) {
        return run_evacuation(transport, options, watch);
    });
    bar.finish();
    if (!moved) return complain(moved.error());
    if (!options.quiet)
        std::cout << *moved << (options.wait ? " files moved" : " tasks started") << "\n";
    return exit_done;
}

}  // namespace slipway::app::cli
