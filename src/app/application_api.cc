#include "app/application_parts.h"
#include "http/api/openapi.h"

namespace slipway::app {

namespace {

std::vector<BackendInfo> store_infos(const store::BackendSet& backends) {
    std::vector<BackendInfo> infos;
    for (const auto& backend : backends.all()) infos.push_back(backend->info());
    return infos;
}

std::vector<service::ImportMethod> import_methods(
    const Config& config, const store::BackendSet& backends
) {
    std::vector<service::ImportMethod> methods = config.imports.methods;
    if (!backends.multi_store()) std::erase(methods, service::ImportMethod::copy_image);
    return methods;
}

std::vector<std::string> words_of(const std::vector<service::ImportMethod>& methods) {
    std::vector<std::string> words;
    for (const service::ImportMethod method : methods) words.emplace_back(to_string(method));
    return words;
}

std::vector<std::string> store_ids(const store::BackendSet& backends) {
    std::vector<std::string> ids;
    if (!backends.multi_store()) return ids;
    for (const auto& backend : backends.all()) ids.push_back(backend->info().id.str());
    return ids;
}

}  // namespace

void Application::Parts::build_api() {
    using namespace http::api;
    const service::Policy& policy = config.policy;
    const json::Limits& json = config.api.json;
    const PublicUrl public_url{config.api.public_endpoint, config.api.believe_proxy_headers};
    const auto methods = import_methods(config, *backends);
    images_api = std::make_unique<ImagesApi>(
        *images,
        *locations,
        schema,
        ImagesApi::Options{
            {config.api.list_default, config.api.list_max},
            json,
            public_url,
            store_ids(*backends),
            words_of(methods)}
    );
    data_api = std::make_unique<ImageDataApi>(*data, *cache);
    members_api = std::make_unique<MembersApi>(*members, json);
    metadefs_api = std::make_unique<MetadefsApi>(
        *metadefs,
        MetadefsApi::Options{{config.api.list_default, config.api.list_max}, json, public_url}
    );
    info_api = std::make_unique<InfoApi>(
        schema, policy, store_infos(*backends), backends->multi_store(), words_of(methods), *usage
    );
    slipway_api = std::make_unique<SlipwayApi>(SlipwayApi::Dependencies{
        *clones,
        *images,
        *stores,
        *seeds,
        *copies,
        *objects,
        json,
        config.api.list_default,
        config.api.list_max});
    imports_api = std::make_unique<ImportsApi>(
        *imports, *data, *copies, ImportsApi::Options{methods, backends->multi_store(), json}
    );
    tasks_api = std::make_unique<TasksApi>(
        *imports,
        schema,
        TasksApi::Options{config.api.list_default, config.api.list_max, json, public_url}
    );
    images_api->add_routes(router);
    data_api->add_routes(router);
    members_api->add_routes(router);
    metadefs_api->add_routes(router);
    info_api->add_routes(router);
    add_openapi_route(router);
    slipway_api->add_routes(router);
    imports_api->add_routes(router);
    tasks_api->add_routes(router);
    cache_api = std::make_unique<CacheApi>(*cache);
    cache_api->add_routes(router);
    front = std::make_unique<Front>(Front::Parts{
        HealthCheck(config.api.health, [this] { return draining.load(); }),
        Versions(backends->multi_store(), config.cache.enabled, public_url),
        *identity,
        config.policy,
        router,
        config.api.face_by_token,
        config.api.face_by_listener,
        public_url});
}

}  // namespace slipway::app
