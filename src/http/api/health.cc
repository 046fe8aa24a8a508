#include "http/api/health.h"

#include "base/json.h"

#include <unistd.h>

namespace slipway::http::api {

Response HealthCheck::answer(const Request& request) const {
    std::string reason = "OK";
    if (draining_()) reason = "DRAINING";
    if (!disable_file_.empty() && ::access(disable_file_.c_str(), F_OK) == 0)
        reason = "DISABLED BY FILE";
    const bool healthy = reason == "OK";
    if (request.method() == "HEAD" && healthy) return no_content();

    Response response;
    response.status = healthy ? 200 : 503;
    if (request.header("Accept").find("application/json") == std::string_view::npos) {
        response.text = std::move(reason);
        response.with("Content-Type", "text/plain; charset=UTF-8");
        return response;
    }
    json::Writer writer;
    writer.begin_object().member("detailed", false).key("reasons").begin_array().string(reason);
    writer.end_array().end_object();
    response.text = writer.text();
    response.with("Content-Type", "application/json");
    return response;
}

}  // namespace slipway::http::api
