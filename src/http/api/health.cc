#include "http/api/health.h"

#include "base/json.h"
#include "base/time.h"

#include <unistd.h>

namespace slipway::http::api {

namespace {

bool exists(const std::string& file) {
    return !file.empty() && ::access(file.c_str(), F_OK) == 0;
}

// {"detailed": false, "reasons": ["OK"]}
// {"detailed": true, "now": "2026-08-01T12:00:00Z", "reasons": [{"class": …, "reason": "OK"}]}
std::string json_form(const std::string& reason, bool detailed) {
    json::Writer writer;
    writer.begin_object().member("detailed", detailed);
    if (detailed) writer.member("now", to_iso8601(SystemClock().now()));
    writer.key("reasons").begin_array();
    if (detailed) {
        writer.begin_object().member("class", "HealthcheckResult").member("details", "");
        writer.member("reason", reason).end_object();
    } else {
        writer.string(reason);
    }
    writer.end_array().end_object();
    return writer.text();
}

}  // namespace

bool HealthCheck::is_disabled(Listener listener) const {
    const auto of_listener = options_.listener_files.find(listener);
    return exists(options_.disable_file) ||
           (of_listener != options_.listener_files.end() && exists(of_listener->second));
}

Response HealthCheck::answer(const Request& request) const {
    std::string reason = "OK";
    if (draining_()) reason = "DRAINING";
    if (is_disabled(request.listener())) reason = "DISABLED BY FILE";
    const bool healthy = reason == "OK";
    if (request.method() == "HEAD" && healthy) return no_content();

    Response response;
    response.status = healthy ? 200 : 503;
    if (request.header("Accept").find("application/json") == std::string_view::npos) {
        response.text = std::move(reason);
        response.with("Content-Type", "text/plain; charset=UTF-8");
        return response;
    }
    response.text = json_form(reason, options_.detailed);
    response.with("Content-Type", "application/json");
    return response;
}

}  // namespace slipway::http::api
