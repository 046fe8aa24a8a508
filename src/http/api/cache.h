#pragma once

#include "http/router.h"
#include "service/cache_service.h"

namespace slipway::http::api {

// /v2/cache.
class CacheApi {
public:
    explicit CacheApi(service::CacheService& cache) : cache_(cache) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> list(Request& request);
    awaitable<Result<Response>> clear(Request& request);
    awaitable<Result<Response>> cache(Request& request);
    awaitable<Result<Response>> remove(Request& request);
    awaitable<Result<Response>> nodes(Request& request);
    awaitable<Result<Response>> clean(Request& request);
    awaitable<Result<Response>> prune(Request& request);

    service::CacheService& cache_;
};

}  // namespace slipway::http::api
