#include "http/api/info.h"

#include "base/json.h"
#include "http/api/image_view.h"
#include "http/api/images.h"
#include "http/api/record_schemas.h"
#include "service/policy.h"

namespace slipway::http::api {

InfoApi::InfoApi(const ImageSchema& schema, std::vector<BackendInfo> stores, bool multi_store)
    : stores_(std::move(stores)), multi_store_(multi_store) {
    schemas_["image"] = image_schema_json(schema);
    schemas_["images"] = images_schema_json(schema);
    schemas_["member"] = member_schema_json();
    schemas_["members"] = members_schema_json();
    schemas_["task"] = task_schema_json();
    schemas_["tasks"] = tasks_schema_json();
}

void InfoApi::add_routes(Router& router) {
    router.add("GET", "/v2/info/stores", BodyRule::refused, bind(this, &InfoApi::stores));
    router.add(
        "GET", "/v2/info/stores/detail", BodyRule::refused, bind(this, &InfoApi::stores_detail)
    );
    router.add("GET", "/v2/info/import", BodyRule::refused, bind(this, &InfoApi::import_methods));
    router.add("GET", "/v2/info/usage", BodyRule::ignored, bind(this, &InfoApi::usage));
    router.add("GET", "/v2/schemas/{schema}", BodyRule::refused, bind(this, &InfoApi::schema));
}

std::string InfoApi::stores_json(bool detail) const {
    json::Writer writer;
    writer.begin_object().key("stores").begin_array();
    for (const BackendInfo& store : stores_) {
        writer.begin_object().member("id", store.id.str());
        if (!store.description.empty()) writer.member("description", store.description);
        if (store.is_default) writer.member("default", "true");
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
        service::authorize(service::Action::stores_info_detail, request.caller.identity, {})
    );
    co_return json_response(200, stores_json(true));
}

awaitable<Result<Response>> InfoApi::import_methods(Request&) {
    json::Writer writer;
    writer.begin_object().key("import-methods").begin_object();
    writer.member("description", "Import methods available.").member("type", "array");
    writer.key("value").begin_array().end_array().end_object().end_object();
    co_return json_response(200, writer.text());
}

awaitable<Result<Response>> InfoApi::usage(Request&) {
    co_return json_response(200, R"({"usage": {}})");
}

awaitable<Result<Response>> InfoApi::schema(Request& request) {
    const auto found = schemas_.find(request.params.at("schema"));
    if (found == schemas_.end())
        co_return Error(Errc::not_found, "There is no schema of that name.");
    co_return json_response(200, found->second);
}

}  // namespace slipway::http::api
