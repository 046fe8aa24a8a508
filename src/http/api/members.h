#pragma once

#include "http/router.h"
#include "service/member_service.h"

namespace slipway::http::api {

// /v2/images/{image_id}/members.
class MembersApi {
public:
    MembersApi(service::MemberService& members, std::size_t json_bytes)
        : members_(members), json_bytes_(json_bytes) {}

    void add_routes(Router& router);

private:
    awaitable<Result<Response>> list(Request& request);
    awaitable<Result<Response>> add(Request& request);
    awaitable<Result<Response>> show(Request& request);
    awaitable<Result<Response>> set_status(Request& request);
    awaitable<Result<Response>> remove(Request& request);

    service::MemberService& members_;
    std::size_t json_bytes_;
};

}  // namespace slipway::http::api
