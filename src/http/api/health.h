#pragma once

#include "http/request.h"
#include "http/response.h"

#include <functional>
#include <string>

namespace slipway::http::api {

// /healthcheck, as oslo's middleware answers it: before authentication, whatever the method.
class HealthCheck {
public:
    // `draining`: the server is about to stop, so that load balancers look elsewhere.
    HealthCheck(std::string disable_file, std::function<bool()> draining)
        : disable_file_(std::move(disable_file)), draining_(std::move(draining)) {}

    [[nodiscard]] Response answer(const Request& request) const;

private:
    std::string disable_file_;
    std::function<bool()> draining_;
};

}  // namespace slipway::http::api
