#include "http/api/info.h"

#include "base/json.h"
#include "http/api/image_view.h"
#include "http/api/images.h"
#include "http/api/metadef_schemas.h"
#include "http/api/record_schemas.h"

namespace slipway::http::api {

InfoApi::InfoApi(
    const ImageSchema& schema,
    const service::Policy& policy,
    std::vector<BackendInfo> stores,
    bool multi_store,
    std::vector<std::string> import_methods,
    service::UsageService& usage
)
    : policy_(policy),
      usage_(usage),
      stores_(std::move(stores)),
      multi_store_(multi_store),
      import_methods_(std::move(import_methods)) {
    schemas_["image"] = image_schema_json(schema);
    schemas_["images"] = images_schema_json(schema);
    schemas_["member"] = member_schema_json();
    schemas_["members"] = members_schema_json();
    schemas_["task"] = task_schema_json();
    schemas_["tasks"] = tasks_schema_json();
    for (auto& [name, document] : metadef_schemas()) schemas_["metadefs/" + name] = document;
}

void InfoApi::add_routes(Router& router) {
    router.add("GET", "/v2/info/stores", BodyRule::refused, bind(this, &InfoApi::stores));
    router.add(
        "GET", "/v2/info/stores/detail", BodyRule::refused, bind(this, &InfoApi::stores_detail)
    );
    router.add("GET", "/v2/info/import", BodyRule::refused, bind(this, &InfoApi::import_methods));
    router.add(
        "GET", "/v2/info/usage", BodyRule::ignored, bind(this, &InfoApi::usage), {.in_allow = false}
    );
    router.add("GET", "/v2/schemas/{schema}", BodyRule::refused, bind(this, &InfoApi::schema));
    router.add(
        "GET",
        "/v2/schemas/metadefs/{schema}",
        BodyRule::refused,
        bind(this, &InfoApi::metadef_schema)
    );
}

std::string InfoApi::stores_json(bool detail) const {
    json::Writer writer;
    writer.begin_object().key("stores").begin_array();
    for (const BackendInfo& store : stores_) {
        writer.begin_object().member("id", store.id.str());
        if (!store.description.empty()) writer.member("description", store.description);
        if (store.is_default) writer.member("default", "true");
        if (store.read_only) writer.member("read-only", "true");
        if (detail) {
            writer.member("type", store.type).member("weight", std::int64_t{store.weight});
            writer.key("properties").begin_object();
            for (const auto& [name, value] : store.properties) writer.member(name, value);
            writer.end_object();
        }
        writer.end_object();
    }
    writer.end_array().end_object();
    return writer.text();
}

awaitable<Result<Response>> InfoApi::stores(Request&) {
    if (!multi_store_)
        co_return Error(Errc::not_found, "Multi backend is not supported at this site.");
    co_return json_response(200, stores_json(false));
}

awaitable<Result<Response>> InfoApi::stores_detail(Request& request) {
    if (!multi_store_)
        co_return Error(Errc::not_found, "Multi backend is not supported at this site.");
    SLIPWAY_CO_CHECK(
        policy_.authorize(service::Action::stores_info_detail, request.caller.identity, {})
    );
    co_return json_response(200, stores_json(true));
}

awaitable<Result<Response>> InfoApi::import_methods(Request&) {
    json::Writer writer;
    writer.begin_object().key("import-methods").begin_object();
    writer.member("description", "Import methods available.").member("type", "array");
    writer.key("value").begin_array();
    for (const std::string& method : import_methods_) writer.string(method);
    writer.end_array().end_object().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> InfoApi::usage(Request& request) {
    constexpr std::int64_t kMiB = 1 << 20;
    SLIPWAY_CO_TRY(const auto report, co_await usage_.report(request.caller));
    json::Writer writer;
    writer.begin_object().key("usage").begin_object();
    const auto line = [&](std::string_view name, std::int64_t limit, std::uint64_t used) {
        writer.key(name).begin_object().member("limit", limit);
        writer.member("usage", static_cast<std::int64_t>(used)).end_object();
    };
    const auto in_mib = [&](std::int64_t limit) { return limit < 0 ? limit : limit / kMiB; };
    if (report) {
        const ProjectLimits& limits = report->limits;
        const ProjectUsage& usage = report->usage;
        line("image_size_total", in_mib(limits.bytes), usage.bytes / kMiB);
        line("image_stage_total", in_mib(limits.staged_bytes), usage.staged_bytes / kMiB);
        line("image_count_total", limits.images, usage.images);
        line("image_count_uploading", limits.uploads, usage.uploads);
    }
    writer.end_object().end_object();
    co_return json_response(200, writer.text());
}

Result<Response> InfoApi::schema_named(const std::string& name) const {
    const auto found = schemas_.find(name);
    if (found == schemas_.end()) return Error(Errc::not_found, "There is no schema of that name.");
    return json_response(200, found->second);
}

awaitable<Result<Response>> InfoApi::schema(Request& request) {
    co_return schema_named(request.params.at("schema"));
}

awaitable<Result<Response>> InfoApi::metadef_schema(Request& request) {
    co_return schema_named("metadefs/" + request.params.at("schema"));
}

}  // namespace slipway::http::api
