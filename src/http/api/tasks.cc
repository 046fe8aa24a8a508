#include "http/api/tasks.h"

#include "base/ids.h"
#include "http/api/image_body.h"
#include "http/api/images.h"
#include "http/api/list_query.h"
#include "http/api/task_view.h"
#include "http/problem.h"

namespace slipway::http::api {

namespace {

using Query = service::TaskQuery;

Error bad(std::string_view name) {
    return Error(
        Errc::invalid_argument, "The value of " + std::string(name) + " is none that it can have."
    );
}

Result<std::vector<TaskStatus>> read_status(const std::string& word) {
    if (word == "pending") return std::vector{TaskStatus::pending};
    if (word == "processing") return std::vector{TaskStatus::running};
    if (word == "success") return std::vector{TaskStatus::success};
    if (word == "failure") return std::vector{TaskStatus::failure, TaskStatus::cancelled};
    return bad("status");
}

Result<Query> read_query(const Request& request, const TasksApi::Options& options) {
    Query query;
    query.limit = options.page_default;
    for (const auto& [name, value] : request.query()) {
        if (name == "limit") {
            SLIPWAY_TRY(query.limit, read_limit(value, options.page_most));
        } else if (name == "marker") {
            if (!is_uuid(value)) return bad(name);
            query.marker = TaskId(value);
        } else if (name == "sort_key") {
            query.sort_key = value;
        } else if (name == "sort_dir") {
            if (value != "asc" && value != "desc") return bad(name);
            query.ascending = value == "asc";
        } else if (name == "status") {
            SLIPWAY_TRY(query.statuses, read_status(value));
        } else if (name == "type") {
            if (value != "import") return bad(name);
            query.api_type = value;
        } else {
            query.equal.emplace_back(name, value);
        }
    }
    return query;
}

struct NewTask {
    std::string uri;
    Image image;
    std::string input;  // as the client wrote it
};

Result<NewTask> read_task(
    std::string_view body,
    const json::Limits& limits,
    const ImageSchema& schema,
    const std::optional<std::string>& project
) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(body, limits));
    const json::Value root = document.root();
    if (!root.is_object())
        return Error(Errc::invalid_argument, "The body must be a JSON object with type and input.");
    SLIPWAY_TRY(const std::string type, root.required_string("type"));
    if (type != "import")
        return Error(Errc::invalid_argument, "Only tasks of the type import can be made.");
    const auto input = root.find("input");
    if (!input || !input->is_object())
        return Error(Errc::invalid_argument, "input must be an object with import_from.");
    NewTask task;
    SLIPWAY_TRY(task.uri, input->required_string("import_from"));
    const auto properties = input->find("image_properties");
    json::Writer record;
    if (properties && properties->is_object() && !properties->members().empty())
        record.value(*properties);
    else
        record.begin_object()
            .member("disk_format", "qcow2")
            .member("container_format", "bare")
            .end_object();
    SLIPWAY_TRY(task.image, read_new_image(schema, record.text(), limits, project));
    json::Writer shown;
    shown.value(*input);
    task.input = shown.text();
    return task;
}

}  // namespace

void TasksApi::add_routes(Router& router) {
    router.add("GET", "/v2/tasks", BodyRule::ignored, bind(this, &TasksApi::list));
    router.add("POST", "/v2/tasks", BodyRule::taken, bind(this, &TasksApi::create));
    router.add("GET", "/v2/tasks/{task_id}", BodyRule::ignored, bind(this, &TasksApi::show));
    router.add(
        "DELETE",
        "/v2/tasks/{task_id}",
        BodyRule::ignored,
        bind(this, &TasksApi::remove),
        {.in_allow = false}
    );
}

awaitable<Result<Response>> TasksApi::create(Request& request) {
    SLIPWAY_CO_CHECK(imports_.check_tasks_access(request.caller));
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(options_.json.bytes));
    SLIPWAY_CO_TRY(
        NewTask wish, read_task(body, options_.json, schema_, request.caller.identity.project)
    );
    SLIPWAY_CO_TRY(
        const TaskRecord task,
        co_await imports_.start_new(
            request.caller, std::move(wish.image), std::move(wish.uri), std::move(wish.input)
        )
    );
    Response response = json_response(201, task_json(task));
    response.with("Location", options_.public_url.base(request) + "/v2/tasks/" + task.id.str());
    co_return response;
}

awaitable<Result<Response>> TasksApi::list(Request& request) {
    SLIPWAY_CO_CHECK(imports_.check_tasks_access(request.caller));
    SLIPWAY_CO_TRY(Query query, read_query(request, options_));
    const std::size_t limit = query.limit;
    std::vector<TaskRecord> tasks;
    if (limit > 0) {
        SLIPWAY_CO_TRY(tasks, co_await imports_.tasks(request.caller, std::move(query)));
    }
    json::Writer writer;
    writer.begin_object().key("tasks").begin_array();
    for (const TaskRecord& task : tasks) write_task_entry(writer, task);
    writer.end_array().member("first", list_link("/v2/tasks", request.query(), ""));
    if (limit > 0 && tasks.size() == limit)
        writer.member("next", list_link("/v2/tasks", request.query(), tasks.back().id.str()));
    writer.member("schema", "/v2/schemas/tasks").end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> TasksApi::show(Request& request) {
    SLIPWAY_CO_CHECK(imports_.check_tasks_access(request.caller));
    const TaskId id(request.params.at("task_id"));
    SLIPWAY_CO_TRY(const TaskRecord task, co_await imports_.task(request.caller, id));
    co_return json_response(200, task_json(task));
}

awaitable<Result<Response>> TasksApi::remove(Request& request) {
    SLIPWAY_CO_CHECK(imports_.check_tasks_access(request.caller));
    Response refused = problem(request, 405, "Tasks can not be deleted; they expire.");
    refused.with("Allow", "GET");
    co_return refused;
}

}  // namespace slipway::http::api
