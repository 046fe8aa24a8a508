#include "http/api/imports.h"

#include "http/api/image_data.h"
#include "http/api/images.h"
#include "http/api/task_view.h"

#include <algorithm>

namespace slipway::http::api {

using service::ImportMethod;

void ImportsApi::add_routes(Router& router) {
    const std::string image = "/v2/images/{image_id}";
    router.add("PUT", image + "/stage", BodyRule::taken, bind(this, &ImportsApi::stage));
    router.add("POST", image + "/import", BodyRule::taken, bind(this, &ImportsApi::import));
    router.add(
        "GET",
        image + "/tasks",
        BodyRule::refused,
        bind(this, &ImportsApi::tasks),
        {.in_allow = false}
    );
    if (!options_.multi_store) return;
    router.add(
        "DELETE",
        "/v2/stores/{store}/{image_id}",
        BodyRule::refused,
        bind(this, &ImportsApi::remove)
    );
}

awaitable<Result<Response>> ImportsApi::stage(Request& request) {
    const auto& methods = options_.methods;
    if (std::ranges::find(methods, ImportMethod::glance_direct) == methods.end())
        co_return Error(Errc::not_found, "Staging is off: glance-direct is not enabled here.");
    SLIPWAY_CO_CHECK(require_octet_stream(request));
    service::UploadRequest upload;
    SLIPWAY_CO_TRY(upload.expected_bytes, expected_bytes(request));
    SLIPWAY_CO_TRY(upload.image, image_id(request));
    SLIPWAY_CO_CHECK(co_await data_.stage(request.caller, std::move(upload), request.body()));
    co_return no_content();
}

awaitable<Result<Response>> ImportsApi::import(Request& request) {
    SLIPWAY_CO_TRY(const std::string body, co_await request.read_text(options_.json.bytes));
    SLIPWAY_CO_TRY(auto wish, service::read_import_request(body, options_.json, options_.methods));
    const std::string_view store = request.header("x-image-meta-store");
    if (!store.empty()) wish.header_store = BackendId(std::string(store));
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_CHECK(co_await imports_.start(request.caller, id, std::move(wish)));
    Response response;
    response.status = 202;
    co_return response;
}

awaitable<Result<Response>> ImportsApi::tasks(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    SLIPWAY_CO_TRY(const auto tasks, co_await imports_.tasks_of_image(request.caller, id));
    json::Writer writer;
    writer.begin_object().key("tasks").begin_array();
    for (const TaskRecord& task : tasks) write_image_task(writer, task);
    writer.end_array().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> ImportsApi::remove(Request& request) {
    SLIPWAY_CO_TRY(const ImageId id, image_id(request));
    const BackendId store(request.params.at("store"));
    SLIPWAY_CO_CHECK(co_await copies_.remove_from_store(request.caller, id, store));
    co_return no_content();
}

}  // namespace slipway::http::api
