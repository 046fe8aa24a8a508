#pragma once

#include "http/router.h"
#include "model/image_schema.h"
#include "model/store_info.h"
#include "service/policy.h"
#include "service/usage_service.h"

#include <string>
#include <vector>

namespace slipway::http::api {

// What the server tells of itself: stores, import methods, usage, schemas.
class InfoApi {
public:
    // `stores`: the configured backends, in their order; `multi_store` as in store::BackendSet.
    InfoApi(
        const ImageSchema& schema,
        const service::Policy& policy,
        std::vector<BackendInfo> stores,
        bool multi_store,
        std::vector<std::string> import_methods,
        service::UsageService& usage
    );

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> stores(Request& request);
    awaitable<Result<Response>> stores_detail(Request& request);
    awaitable<Result<Response>> import_methods(Request& request);
    awaitable<Result<Response>> usage(Request& request);
    awaitable<Result<Response>> schema(Request& request);
    awaitable<Result<Response>> metadef_schema(Request& request);

    [[nodiscard]] std::string stores_json(bool detail) const;
    [[nodiscard]] Result<Response> schema_named(const std::string& name) const;

    const service::Policy& policy_;
    service::UsageService& usage_;
    std::vector<BackendInfo> stores_;
    bool multi_store_;
    std::vector<std::string> import_methods_;
    std::map<std::string, std::string, std::less<>> schemas_;  // by name: the document
};

}  // namespace slipway::http::api
