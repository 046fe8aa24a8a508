#include "app/cli/clone_client.h"

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

Result<CloneTask> task_in(const ApiReply& reply) {
    const auto document = json::Document::parse(reply.body);
    if (!document || !document->root().is_object()) return not_a_task();
    const json::Value root = document->root();
    auto id = root.required_string("id");
    auto status = root.required_string("status");
    // The id becomes part of a path.
    if (!id || !status || !is_uuid(*id)) return not_a_task();
    CloneTask task{std::move(*id), std::move(*status), 0, reply.body};
    const auto progress = root.find("progress");
    if (progress && progress->is_integer()) task.progress = static_cast<int>(progress->integer());
    return task;
}

std::string request_body(const CloneOptions& options) {
    json::Writer writer;
    writer.begin_object()
        .member("datacenter", options.datacenter)
        .member("datastore", options.datastore)
        .member("path", options.path)
        .end_object();
    return writer.text();
}

bool is_over(const CloneTask& task) {
    return task.status != "pending" && task.status != "running";
}

Result<CloneTask> outcome_of(CloneTask task) {
    if (task.status == "success") return task;
    const auto document = json::Document::parse(task.json);
    const std::string message = document ? message_in(document->root()) : "";
    return Error(
        task.status == "cancelled" ? Errc::cancelled : Errc::internal,
        "the clone ended with " + task.status + (message.empty() ? "" : ": " + message)
    );
}

bool may_pass(Errc code) {
    return code == Errc::unavailable || code == Errc::timeout;
}

awaitable<Result<CloneTask>> look(ApiTransport& transport, const std::string& id) {
    SLIPWAY_CO_TRY(
        const ApiReply reply, co_await transport.send("GET", "/slipway/v1/tasks/" + id, "")
    );
    if (reply.status != 200) co_return refusal(reply);
    co_return task_in(reply);
}

}  // namespace

awaitable<Result<CloneTask>> run_clone(
    ApiTransport& transport, const CloneOptions& options, const CloneWatch& watch
) {
    if (!is_uuid(options.image))
        co_return Error(Errc::invalid_argument, "IMAGE is no image id; write the id, not the name");
    const std::string path = "/slipway/v1/images/" + options.image + "/clones";
    SLIPWAY_CO_TRY(
        const ApiReply reply, co_await transport.send("POST", path, request_body(options))
    );
    if (reply.status != 202) co_return refusal(reply);
    SLIPWAY_CO_TRY(CloneTask task, task_in(reply));

    int lost = 0;
    while (options.wait && !is_over(task)) {
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
    if (!options.wait) co_return task;
    co_return outcome_of(std::move(task));
}

}  // namespace slipway::app::cli
