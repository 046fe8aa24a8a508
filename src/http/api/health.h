#pragma once

#include "http/request.h"
#include "http/response.h"

#include <functional>
#include <map>
#include <string>

namespace slipway::http::api {

struct HealthOptions {
    std::string disable_file;                        // while it exists, nobody is to come
    std::map<Listener, std::string> listener_files;  // the same for those who come by one door
    bool detailed = false;                           // the JSON form says more
};

// /healthcheck, as oslo's middleware answers it: before authentication, whatever the method.
class HealthCheck {
public:
    // `draining`: the server is about to stop, so that load balancers look elsewhere.
    HealthCheck(HealthOptions options, std::function<bool()> draining)
        : options_(std::move(options)), draining_(std::move(draining)) {}

    [[nodiscard]] Response answer(const Request& request) const;

private:
    [[nodiscard]] bool is_disabled(Listener listener) const;

    HealthOptions options_;
    std::function<bool()> draining_;
};

}  // namespace slipway::http::api
