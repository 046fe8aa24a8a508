#include "app/cli/task_client.h"

#include "base/ids.h"
#include "base/json.h"

namespace slipway::app::cli {

namespace {

constexpr int kLostReplies = 5;  // in a row, before we give up

Errc code_of(int status) {
    switch (status) {
        case 400:
            return Errc::invalid_argument;
        case 401:
            return Errc::unauthenticated;
        case 403:
            return Errc::forbidden;
        case 404:
            return Errc::not_found;
        case 409:
            return Errc::conflict;
        case 410:
            return Errc::gone;
        case 503:
            return Errc::unavailable;
        case 504:
            return Errc::timeout;
        default:
            return Errc::internal;
    }
}

// The message of {"error": {"message": …}}; empty when there is none.
std::string message_in(const json::Value& object) {
    const auto error = object.is_object() ? object.find("error") : std::nullopt;
    if (!error || !error->is_object()) return {};
    const auto message = error->find("message");
    return message && message->is_string() ? std::string(message->string()) : "";
}

Error refusal(const ApiReply& reply) {
    const auto document = json::Document::parse(reply.body);
    std::string message = document ? message_in(document->root()) : "";
    if (message.empty())
        message = "the server answered " + std::to_string(reply.status) + " without saying why";
    return {code_of(reply.status), std::move(message)};
}

Error not_a_task() {
    return {
        Errc::corrupt, "the server's answer is no task; check that --url names a slipway server"};
}

Result<ServerTask> task_in(const json::Value& root, const std::string& text) {
    if (!root.is_object()) return not_a_task();
    auto id = root.required_string("id");
    auto status = root.required_string("status");
    // The id becomes part of a path.
    if (!id || !status || !is_uuid(*id)) return not_a_task();
    ServerTask task{std::move(*id), std::move(*status), 0, text};
    const auto progress = root.find("progress");
    if (progress && progress->is_integer()) task.progress = static_cast<int>(progress->integer());
    return task;
}

Result<ServerTask> task_in(const ApiReply& reply) {
    const auto document = json::Document::parse(reply.body);
    if (!document) return not_a_task();
    return task_in(document->root(), reply.body);
}

Result<void> check_image(const std::string& image) {
    if (is_uuid(image)) return {};
    return Error(Errc::invalid_argument, "IMAGE is no image id; write the id, not the name");
}

std::string clone_body(const CloneOptions& options) {
    json::Writer writer;
    writer.begin_object()
        .member("datacenter", options.datacenter)
        .member("datastore", options.datastore)
        .member("path", options.path)
        .end_object();
    return writer.text();
}

std::string seed_body(const SeedOptions& options) {
    json::Writer writer;
    writer.begin_object().member("datacenter", options.datacenter);
    writer.member("datastore", options.datastore);
    writer.member("cache_prefix", options.cache_prefix).key("sizes_gb").begin_array();
    for (const std::uint64_t size : options.sizes_gib)
        writer.integer(static_cast<std::int64_t>(size));
    writer.end_array().end_object();
    return writer.text();
}

bool is_over(const ServerTask& task) {
    return task.status != "pending" && task.status != "running";
}

Result<ServerTask> outcome_of(ServerTask task) {
    if (task.status == "success") return task;
    const auto document = json::Document::parse(task.json);
    const std::string message = document ? message_in(document->root()) : "";
    return Error(
        task.status == "cancelled" ? Errc::cancelled : Errc::internal,
        "the task ended with " + task.status + (message.empty() ? "" : ": " + message)
    );
}

bool may_pass(Errc code) {
    return code == Errc::unavailable || code == Errc::timeout;
}

awaitable<Result<ServerTask>> look(ApiTransport& transport, const std::string& id) {
    SLIPWAY_CO_TRY(
        const ApiReply reply, co_await transport.send("GET", "/slipway/v1/tasks/" + id, "")
    );
    if (reply.status != 200) co_return refusal(reply);
    co_return task_in(reply);
}

// Watches a task until it is over.
awaitable<Result<ServerTask>> follow(
    ApiTransport& transport, ServerTask task, const TaskWatch& watch
) {
    int lost = 0;
    while (!is_over(task)) {
        watch.seen(task);
        co_await watch.pause();
        auto seen = co_await look(transport, task.id);
        if (seen) {
            task = std::move(*seen);
            lost = 0;
        } else if (!may_pass(seen.error().code) || ++lost >= kLostReplies) {
            co_return seen.error().while_doing("waiting for task " + task.id);
        }
    }
    watch.seen(task);
    co_return outcome_of(std::move(task));
}

awaitable<Result<ServerTask>> run_task(
    ApiTransport& transport,
    std::string path,
    std::string body,
    const ServerOptions& options,
    const TaskWatch& watch
) {
    SLIPWAY_CO_TRY(const ApiReply reply, co_await transport.send("POST", path, body));
    if (reply.status != 202) co_return refusal(reply);
    SLIPWAY_CO_TRY(ServerTask task, task_in(reply));
    if (options.wait) co_return co_await follow(transport, std::move(task), watch);
    watch.seen(task);
    co_return task;
}

Result<std::vector<ServerTask>> tasks_in(const ApiReply& reply) {
    const auto document = json::Document::parse(reply.body);
    const auto list =
        document && document->root().is_object() ? document->root().find("tasks") : std::nullopt;
    if (!list || !list->is_array()) return not_a_task();
    std::vector<ServerTask> tasks;
    for (const json::Value& value : list->elements()) {
        SLIPWAY_TRY(tasks.emplace_back(), task_in(value, std::string()));
    }
    return tasks;
}

}  // namespace

awaitable<Result<ServerTask>> run_clone(
    ApiTransport& transport, const CloneOptions& options, const TaskWatch& watch
) {
    SLIPWAY_CO_CHECK(check_image(options.image));
    const std::string path = "/slipway/v1/images/" + options.image + "/clones";
    co_return co_await run_task(transport, path, clone_body(options), options, watch);
}

awaitable<Result<ServerTask>> run_seed(
    ApiTransport& transport, const SeedOptions& options, const TaskWatch& watch
) {
    SLIPWAY_CO_CHECK(check_image(options.image));
    const std::string path = "/slipway/v1/images/" + options.image + "/seeds";
    co_return co_await run_task(transport, path, seed_body(options), options, watch);
}

awaitable<Result<void>> stop_seeds(ApiTransport& transport, const SeedOptions& options) {
    SLIPWAY_CO_CHECK(check_image(options.image));
    const std::string path =
        "/slipway/v1/images/" + options.image + "/seeds" + (options.remove ? "?remove=true" : "");
    SLIPWAY_CO_TRY(const ApiReply reply, co_await transport.send("DELETE", path, ""));
    if (reply.status != 204) co_return refusal(reply);
    co_return Result<void>();
}

awaitable<Result<std::size_t>> run_evacuation(
    ApiTransport& transport, const EvacuateOptions& options, const TaskWatch& watch
) {
    json::Writer writer;
    writer.begin_object().member("datastore", options.datastore).end_object();
    const std::string path = "/slipway/v1/stores/" + options.store + "/evacuate";
    SLIPWAY_CO_TRY(const ApiReply reply, co_await transport.send("POST", path, writer.text()));
    if (reply.status != 202) co_return refusal(reply);
    SLIPWAY_CO_TRY(const auto tasks, tasks_in(reply));
    if (!options.wait) co_return tasks.size();
    std::size_t done = 0;
    std::optional<Error> failure;
    for (const ServerTask& task : tasks) {
        TaskWatch of_all = watch;
        of_all.seen = [&](const ServerTask& seen) {
            ServerTask shown = seen;
            shown.status = "running";
            shown.progress = static_cast<int>(
                (done * 100 + static_cast<std::size_t>(seen.progress)) / tasks.size()
            );
            watch.seen(shown);
        };
        const auto ended = co_await follow(transport, task, of_all);
        ++done;
        if (!ended && !failure) failure = ended.error();
    }
    if (failure) co_return *failure;
    co_return tasks.size();
}

}  // namespace slipway::app::cli
