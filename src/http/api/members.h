#pragma once

#include "base/json.h"
#include "http/router.h"
#include "service/member_service.h"

namespace slipway::http::api {

// /v2/images/{image_id}/members.
class MembersApi {
public:
    MembersApi(service::MemberService& members, const json::Limits& json)
        : members_(members), json_(json) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> list(Request& request);
    awaitable<Result<Response>> add(Request& request);
    awaitable<Result<Response>> show(Request& request);
    awaitable<Result<Response>> set_status(Request& request);
    awaitable<Result<Response>> remove(Request& request);

    service::MemberService& members_;
    json::Limits json_;
};

}  // namespace slipway::http::api
