#include "http/api/slipway.h"

#include "base/json.h"
#include "http/api/image_data.h"
#include "http/api/images.h"
#include "http/api/list_query.h"
#include "http/problem.h"
#include "service/clone_input.h"

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

void write_task(json::Writer& writer, const TaskRecord& task, const Identity& reader) {
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
    if (service::sees_task_input(reader)) writer.key("input").raw(task.input);
    writer.end_object();
}

Response task_response(int status, const TaskRecord& task, const Identity& reader) {
    json::Writer writer;
    write_task(writer, task, reader);
    return json_response(status, writer.text());
}

Response accepted(const TaskRecord& task, const Identity& reader) {
    Response response = task_response(202, task, reader);
    response.with("Location", "/slipway/v1/tasks/" + task.id.str());
    return response;
}

Response accepted(const std::vector<TaskRecord>& tasks, const Identity& reader) {
    json::Writer writer;
    writer.begin_object().key("tasks").begin_array();
    for (const TaskRecord& task : tasks) write_task(writer, task, reader);
    writer.end_array().end_object();
    return json_response(202, writer.text());
}

void write_seed(json::Writer& writer, const SeedRecord& seed) {
    writer.begin_object().member("datacenter", seed.place.datacenter);
    writer.member("datastore", seed.place.datastore);
    writer.member("base_folder", seed.place.base_folder).key("sizes_gb").begin_array();
    for (const std::uint64_t size : seed.sizes_gib) writer.integer(static_cast<std::int64_t>(size));
    writer.end_array().member("policy", seed.policy);
    writer.member("state", seed.state == SeedStatus::warm ? "warm" : "wanted");
    writer.member("last_checked", to_iso8601(seed.checked_at)).end_object();
}

void write_copy(json::Writer& writer, const service::CopyService::Copy& copy) {
    const Location& location = copy.location;
    writer.begin_object().member("store", location.backend.str());
    writer.member("datastore", location.datastore);
    writer.member("directory", location.directory).member("file", location.data_file);
    writer.member("form", to_string(location.form)).member("state", copy.state);
    writer.member("size", static_cast<std::int64_t>(location.stored_bytes));
    writer.member("created_at", to_iso8601(location.created_at)).key("last_checked");
    if (copy.seen)
        writer.string(to_iso8601(*copy.seen));
    else
        writer.null();
    writer.end_object();
}

// Bytes per second of recent transfers; null where there were none.
void write_speeds(json::Writer& writer, const DatastoreSpeeds& speeds) {
    writer.key("bytes_per_second").begin_object();
    writer.member_or_null("write", speeds.write);
    writer.member_or_null("read", speeds.read);
    writer.member_or_null("copy", speeds.copy).end_object();
}

void write_datastore(json::Writer& writer, const service::StoreStatus::Datastore& datastore) {
    const DatastoreStatus& now = datastore.now;
    writer.begin_object().member("name", now.name).member("type", now.type);
    writer.member("capacity", static_cast<std::int64_t>(now.capacity_bytes));
    writer.member("free", static_cast<std::int64_t>(now.free_bytes));
    writer.member("ours", static_cast<std::int64_t>(datastore.ours_bytes));
    writer.member("reserved", static_cast<std::int64_t>(datastore.reserved_bytes));
    writer.member("state", now.accessible ? "up" : "down");
    write_speeds(writer, now.speeds);
    writer.end_object();
}

void write_boot_form(json::Writer& writer, const Image& image) {
    writer.key("boot_form");
    if (!image.boot_form) {
        writer.null();
        return;
    }
    const BootForm& form = *image.boot_form;
    writer.begin_object().member("disk_type", form.disk_type);
    writer.member("size", static_cast<std::int64_t>(form.size_bytes));
    writer.member("capacity", static_cast<std::int64_t>(form.capacity_bytes));
    writer.member("checksum", form.checksum).member("os_hash_value", form.os_hash_value);
    writer.end_object();
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
        SLIPWAY_TRY(page.limit, read_limit(value, most));
        if (page.limit == 0)
            return Error(Errc::invalid_argument, "limit must be a whole number above 0.");
    }
    return page;
}

}  // namespace

void SlipwayApi::add_routes(Router& router) {
    const std::string root = "/slipway/v1";
    const std::string image = root + "/images/{image_id}";
    const std::string object = root + "/stores/{store}/objects/{object}";
    const auto bare = BodyRule::refused;
    const auto with_body = BodyRule::taken;
    router.add("POST", image + "/clones", with_body, bind(this, &SlipwayApi::start_clone));
    router.add("POST", image + "/seeds", with_body, bind(this, &SlipwayApi::start_seed));
    router.add("GET", image + "/seeds", bare, bind(this, &SlipwayApi::seeds));
    router.add("DELETE", image + "/seeds", bare, bind(this, &SlipwayApi::stop_seeds));
    router.add("GET", image + "/copies", bare, bind(this, &SlipwayApi::copies));
    router.add("GET", image + "/transfers", bare, bind(this, &SlipwayApi::transfers));
    router.add("GET", root + "/tasks", bare, bind(this, &SlipwayApi::tasks));
    router.add("GET", root + "/tasks/{task_id}", bare, bind(this, &SlipwayApi::task));
    router.add("DELETE", root + "/tasks/{task_id}", bare, bind(this, &SlipwayApi::cancel_task));
    router.add("GET", root + "/stores", bare, bind(this, &SlipwayApi::stores));
    router.add(
        "POST", root + "/stores/{store}/evacuate", with_body, bind(this, &SlipwayApi::evacuate)
    );
    router.add("PUT", object, with_body, bind(this, &SlipwayApi::put_object));
    router.add("GET", object, bare, bind(this, &SlipwayApi::get_object));
    router.add("HEAD", object, bare, bind(this, &SlipwayApi::get_object));
    router.add("DELETE", object, bare, bind(this, &SlipwayApi::delete_object));
}

awaitable<Result<Response>> SlipwayApi::start_clone(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(with_.json.bytes));
    SLIPWAY_CO_TRY(CloneTarget target, service::read_clone_input(body, with_.json));
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(
        const TaskRecord task, co_await with_.clones.start(request.caller, id, std::move(target))
    );
    co_return accepted(task, request.caller.identity);
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
    for (const TaskRecord& task : tasks) write_task(writer, task, request.caller.identity);
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
    co_return task_response(200, task, request.caller.identity);
}

awaitable<Result<Response>> SlipwayApi::cancel_task(Request& request) {
    const TaskId id(request.params.at("task_id"));
    SLIPWAY_CO_TRY(const TaskRecord task, co_await with_.clones.cancel(request.caller, id));
    co_return task_response(is_over(task.status) ? 200 : 202, task, request.caller.identity);
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
        for (const auto& datastore : store.datastores) write_datastore(writer, datastore);
        writer.end_array().end_object();
    }
    writer.end_array().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> SlipwayApi::start_seed(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(with_.json.bytes));
    SLIPWAY_CO_TRY(auto input, service::read_seed_request(body, with_.json));
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(
        const TaskRecord task, co_await with_.seeds.start(request.caller, id, std::move(input))
    );
    co_return accepted(task, request.caller.identity);
}

awaitable<Result<Response>> SlipwayApi::seeds(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto seeds, co_await with_.seeds.list(request.caller, id));
    json::Writer writer;
    writer.begin_object().key("seeds").begin_array();
    for (const SeedRecord& seed : seeds) write_seed(writer, seed);
    writer.end_array().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> SlipwayApi::stop_seeds(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    bool remove = false;
    for (const auto& [name, value] : request.query()) remove |= name == "remove" && value == "true";
    SLIPWAY_CO_CHECK(co_await with_.seeds.stop(request.caller, id, remove));
    co_return no_content();
}

awaitable<Result<Response>> SlipwayApi::copies(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto copies, co_await with_.copies.list(request.caller, id));
    json::Writer writer;
    writer.begin_object().key("copies").begin_array();
    for (const auto& copy : copies.copies) write_copy(writer, copy);
    writer.end_array();
    write_boot_form(writer, copies.image);
    writer.member_or_null("boot_form_reason", copies.image.boot_reason).end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> SlipwayApi::evacuate(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(with_.json.bytes));
    SLIPWAY_CO_TRY(const json::Document document, json::Document::parse(body, with_.json));
    if (!document.root().is_object())
        co_return Error(
            Errc::invalid_argument, "The body must be a JSON object with the name of a datastore."
        );
    SLIPWAY_CO_TRY(const std::string datastore, document.root().required_string("datastore"));
    const BackendId store(request.params.at("store"));
    SLIPWAY_CO_TRY(
        const auto tasks, co_await with_.copies.evacuate(request.caller, store, datastore)
    );
    co_return accepted(tasks, request.caller.identity);
}

awaitable<Result<Response>> SlipwayApi::put_object(Request& request) {
    SLIPWAY_CO_CHECK(require_octet_stream(request));
    SLIPWAY_CO_TRY(const auto expected, expected_bytes(request));
    const BackendId store(request.params.at("store"));
    SLIPWAY_CO_TRY(
        const auto object,
        co_await with_.objects.put(
            request.caller, store, request.params.at("object"), expected, request.body()
        )
    );
    json::Writer writer;
    writer.begin_object().member("url", object.url);
    writer.member("size", static_cast<std::int64_t>(object.size_bytes));
    writer.member("checksum", object.checksum).member("os_hash_algo", object.os_hash_algo);
    writer.member("os_hash_value", object.os_hash_value).end_object();
    co_return json_response(201, writer.text());
}

awaitable<Result<Response>> SlipwayApi::get_object(Request& request) {
    const BackendId store(request.params.at("store"));
    const std::string& name = request.params.at("object");
    SLIPWAY_CO_TRY(const auto object, co_await with_.objects.find(request.caller, store, name));
    SLIPWAY_CO_TRY(DataAnswer answer, data_answer(request, object.size_bytes, object.checksum));
    if (!answer.wanted) co_return std::move(answer.response);
    SLIPWAY_CO_TRY(
        answer.response.stream,
        co_await with_.objects.open(request.caller, store, name, *answer.wanted)
    );
    co_return std::move(answer.response);
}

awaitable<Result<Response>> SlipwayApi::delete_object(Request& request) {
    const BackendId store(request.params.at("store"));
    SLIPWAY_CO_CHECK(
        co_await with_.objects.remove(request.caller, store, request.params.at("object"))
    );
    co_return no_content();
}

}  // namespace slipway::http::api
