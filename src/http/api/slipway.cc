#include "http/api/slipway.h"

#include "base/json.h"
#include "http/api/images.h"
#include "http/api/list_query.h"
#include "http/problem.h"
#include "service/clone_input.h"

#include <algorithm>
#include <charconv>

namespace slipway::http::api {

namespace {

void write_account(json::Writer& writer, const Account& account) {
    writer.begin_object().member("bytes_through", static_cast<std::int64_t>(account.bytes_through));
    writer.member("bytes_copied", static_cast<std::int64_t>(account.bytes_copied));
    writer.key("seconds").number(account.seconds).member("path", account.path).end_object();
}

void write_error(json::Writer& writer, const Error& error) {
    const int status = status_of(error.code);
    writer.begin_object()
        .member("code", std::int64_t{status})
        .member("title", reason_phrase(status));
    writer.member("message", error.message).end_object();
}

void write_task(json::Writer& writer, const TaskRecord& task) {
    writer.begin_object().member("id", task.id.str()).member("kind", to_string(task.kind));
    writer.member("image_id", task.image_id.str()).member("status", to_string(task.status));
    writer.member("progress", std::int64_t{task.progress}).key("error");
    if (task.error)
        write_error(writer, *task.error);
    else
        writer.null();
    writer.member("created_at", to_iso8601(task.created_at))
        .member("updated_at", to_iso8601(task.updated_at));
    writer.key("account");
    if (task.account)
        write_account(writer, *task.account);
    else
        writer.null();
    writer.key("input").raw(task.input).end_object();
}

Response task_response(int status, const TaskRecord& task) {
    json::Writer writer;
    write_task(writer, task);
    return json_response(status, writer.text());
}

// limit and marker of a paged list.
struct Page {
    std::size_t limit = 0;
    std::optional<std::string> marker;
};

Result<Page> read_page(const Request& request, std::size_t by_default, std::size_t most) {
    Page page;
    page.limit = by_default;
    for (const auto& [name, value] : request.query()) {
        if (name == "marker") page.marker = value;
        if (name != "limit") continue;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), page.limit);
        if (value.empty() || error != std::errc() || end != value.data() + value.size() ||
            page.limit == 0)
            return Error(Errc::invalid_argument, "limit must be a whole number above 0.");
        page.limit = std::min(page.limit, most);
    }
    return page;
}

}  // namespace

void SlipwayApi::add_routes(Router& router) {
    const std::string root = "/slipway/v1";
    router.add(
        "POST",
        root + "/images/{image_id}/clones",
        BodyRule::taken,
        bind(this, &SlipwayApi::start_clone)
    );
    router.add(
        "GET",
        root + "/images/{image_id}/transfers",
        BodyRule::refused,
        bind(this, &SlipwayApi::transfers)
    );
    router.add("GET", root + "/tasks", BodyRule::refused, bind(this, &SlipwayApi::tasks));
    router.add("GET", root + "/tasks/{task_id}", BodyRule::refused, bind(this, &SlipwayApi::task));
    router.add(
        "DELETE", root + "/tasks/{task_id}", BodyRule::refused, bind(this, &SlipwayApi::cancel_task)
    );
    router.add("GET", root + "/stores", BodyRule::refused, bind(this, &SlipwayApi::stores));
}

awaitable<Result<Response>> SlipwayApi::start_clone(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(with_.json_bytes));
    SLIPWAY_CO_TRY(CloneTarget target, service::read_clone_input(body));
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(
        const TaskRecord task, co_await with_.clones.start(request.caller, id, std::move(target))
    );
    Response response = task_response(202, task);
    response.with("Location", "/slipway/v1/tasks/" + task.id.str());
    co_return response;
}

awaitable<Result<Response>> SlipwayApi::tasks(Request& request) {
    SLIPWAY_CO_TRY(const Page page, read_page(request, with_.page_default, with_.page_most));
    std::optional<TaskId> marker;
    if (page.marker) marker = TaskId(*page.marker);
    SLIPWAY_CO_TRY(
        const auto tasks, co_await with_.clones.tasks(request.caller, {}, marker, page.limit)
    );
    json::Writer writer;
    writer.begin_object().key("tasks").begin_array();
    for (const TaskRecord& task : tasks) write_task(writer, task);
    writer.end_array();
    if (tasks.size() == page.limit)
        writer.member(
            "next", list_link("/slipway/v1/tasks", request.query(), tasks.back().id.str())
        );
    writer.end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> SlipwayApi::task(Request& request) {
    const TaskId id(request.params.at("task_id"));
    SLIPWAY_CO_TRY(const TaskRecord task, co_await with_.clones.task(request.caller, id));
    co_return task_response(200, task);
}

awaitable<Result<Response>> SlipwayApi::cancel_task(Request& request) {
    const TaskId id(request.params.at("task_id"));
    SLIPWAY_CO_TRY(const TaskRecord task, co_await with_.clones.cancel(request.caller, id));
    co_return task_response(is_over(task.status) ? 200 : 202, task);
}

awaitable<Result<Response>> SlipwayApi::transfers(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const Page page, read_page(request, with_.page_default, with_.page_most));
    SLIPWAY_CO_TRY(
        const auto transfers, co_await with_.images.transfers(request.caller, id, page.limit)
    );
    json::Writer writer;
    writer.begin_object().key("transfers").begin_array();
    for (const TransferRecord& transfer : transfers) {
        writer.begin_object().member("kind", transfer.kind);
        writer.member("finished_at", to_iso8601(transfer.finished_at)).key("account");
        write_account(writer, transfer.account);
        writer.end_object();
    }
    writer.end_array().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> SlipwayApi::stores(Request& request) {
    SLIPWAY_CO_TRY(const auto stores, co_await with_.stores.list(request.caller));
    json::Writer writer;
    writer.begin_object().key("stores").begin_array();
    for (const auto& store : stores) {
        writer.begin_object().member("id", store.info.id.str()).member("type", store.info.type);
        writer.member_or_null("error", store.error).key("datastores").begin_array();
        for (const DatastoreStatus& datastore : store.datastores) {
            writer.begin_object().member("name", datastore.name).member("type", datastore.type);
            writer.member("capacity", static_cast<std::int64_t>(datastore.capacity_bytes));
            writer.member("free", static_cast<std::int64_t>(datastore.free_bytes));
            writer.member("accessible", datastore.accessible).end_object();
        }
        writer.end_array().end_object();
    }
    writer.end_array().end_object();
    co_return json_response(200, writer.text());
}

}  // namespace slipway::http::api
