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

// What `section` says; where it does not, what `usual` says.
http::CorsOptions read_cors_section(Section& section, Section& usual) {
    const auto from = [&](std::string_view name) -> Section& {
        return section.is_set(name) ? section : usual;
    };
    http::CorsOptions cors;
    cors.allowed_origins = section.list("allowed_origin");
    for (const std::string& origin : cors.allowed_origins)
        if (!is_origin(origin))
            section.mistake(
                "allowed_origin",
                "holds \"" + origin + "\"; write an origin, such as https://horizon.example.org"
            );
    cors.allow_credentials = from("allow_credentials").flag("allow_credentials");
    cors.expose_headers = from("expose_headers").list("expose_headers");
    cors.max_age = from("max_age").seconds("max_age");
    cors.allow_methods = from("allow_methods").list("allow_methods");
    cors.allow_headers = from("allow_headers").list("allow_headers");
    return cors;
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

std::vector<http::CorsOptions> read_cors(ConfigReader& reader) {
    Section usual = reader.section("cors");
    std::vector<http::CorsOptions> all{read_cors_section(usual, usual)};
    for (const std::string& group : reader.groups("cors.")) {
        Section section = reader.section(group, {"cors.NAME"});
        if (!section.is_set("allowed_origin"))
            section.warning("allowed_origin", "is missing, so that the section does nothing");
        http::CorsOptions cors = read_cors_section(section, usual);
        for (const http::CorsOptions& earlier : all)
            for (const std::string& origin : earlier.allowed_origins)
                if (std::erase(cors.allowed_origins, origin) > 0)
                    section.warning(
                        "allowed_origin",
                        "holds \"" + origin + "\", which a section before it has; that one counts"
                    );
        all.push_back(std::move(cors));
    }
    std::erase_if(all, [](const auto& cors) { return cors.allowed_origins.empty(); });
    return all;
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
