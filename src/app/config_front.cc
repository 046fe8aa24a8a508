#include "app/config.h"
#include "base/text.h"

#include <algorithm>
#include <charconv>

namespace slipway::app {

namespace {

bool is_origin(const std::string& text) {
    if (text == "*") return true;
    const auto scheme = text.find("://");
    return scheme != std::string::npos && scheme > 0 && text.size() > scheme + 3 &&
           text.find_first_of("/?#@ ", scheme + 3) == std::string::npos;
}

// "9292:/path" as the listener of that port and its file.
void read_port_file(
    Section& section,
    const std::string& text,
    const std::vector<http::ListenerOptions>& listeners,
    http::api::HealthOptions& health
) {
    const auto colon = text.find(':');
    std::uint16_t port = 0;
    const char* const end = text.data() + std::min(colon, text.size());
    const auto [stop, failed] = std::from_chars(text.data(), end, port);
    if (colon == std::string::npos || failed != std::errc() || stop != end) {
        section.mistake(
            "disable_by_file_paths",
            "holds \"" + text + "\"; write port:path, such as 9292:/run/off"
        );
        return;
    }
    for (const http::ListenerOptions& listener : listeners)
        if (listener.port == port) health.listener_files[listener.kind] = text.substr(colon + 1);
}

}  // namespace

http::CorsOptions read_cors(ConfigReader& reader) {
    Section section = reader.section("cors");
    http::CorsOptions cors;
    cors.allowed_origins = section.list("allowed_origin");
    for (const std::string& origin : cors.allowed_origins)
        if (!is_origin(origin))
            section.mistake(
                "allowed_origin",
                "holds \"" + origin + "\"; write an origin, such as https://horizon.example.org"
            );
    cors.allow_credentials = section.flag("allow_credentials");
    cors.expose_headers = section.list("expose_headers");
    cors.max_age = section.seconds("max_age");
    cors.allow_methods = section.list("allow_methods");
    cors.allow_headers = section.list("allow_headers");
    return cors;
}

http::api::HealthOptions read_health(
    ConfigReader& reader, const std::vector<http::ListenerOptions>& listeners
) {
    Section section = reader.section("healthcheck");
    http::api::HealthOptions health;
    health.disable_file = section.text("disable_by_file_path");
    health.detailed = section.flag("detailed");
    for (const std::string& text : section.list("disable_by_file_paths"))
        read_port_file(section, text, listeners, health);
    return health;
}

}  // namespace slipway::app
