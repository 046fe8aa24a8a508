#pragma once

#include "app/cli/commands.h"
#include "base/awaitable.h"
#include "base/result.h"

#include <functional>
#include <string>

namespace slipway::app::cli {

struct ApiReply {
    int status = 0;
    std::string body;
};

// How the client talks to a server; its requests are small.
class ApiTransport {
public:
    virtual ~ApiTransport() = default;
    // `path` begins with '/'; `body` is JSON, or empty for none.
    // Errors: unavailable, timeout, or what the connection reports.
    virtual awaitable<Result<ApiReply>> send(
        std::string method, std::string path, std::string body
    ) = 0;
};

// A task as the server describes it.
struct ServerTask {
    std::string id;
    std::string status;  // pending, running, success, failure, cancelled
    int progress = 0;    // percent
    std::string json;    // all of it
};

struct TaskWatch {
    std::function<void(const ServerTask&)> seen;  // after every look at the task
    std::function<awaitable<void>()> pause;       // between two looks
};

// Asks for the work and, unless the options say otherwise, waits for the end of its task. A server
// that can not be reached for a while is asked again a few times: the task goes on without us.
// Errors: what the server answers (not_found, conflict, forbidden, …), or internal with the task's
// own message when it failed or was cancelled.
awaitable<Result<ServerTask>> run_clone(
    ApiTransport& transport, const CloneOptions& options, const TaskWatch& watch
);
awaitable<Result<ServerTask>> run_seed(
    ApiTransport& transport, const SeedOptions& options, const TaskWatch& watch
);
// Ends what run_seed() began.
awaitable<Result<void>> stop_seeds(ApiTransport& transport, const SeedOptions& options);
// Waits for all tasks, and returns how many there were; the watch sees the progress of all.
awaitable<Result<std::size_t>> run_evacuation(
    ApiTransport& transport, const EvacuateOptions& options, const TaskWatch& watch
);

}  // namespace slipway::app::cli
