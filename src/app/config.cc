#include "app/config.h"

#include "app/config_sources.h"
#include "net/fetch_filter.h"

#include <boost/asio/ip/address.hpp>

#include <arpa/inet.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace slipway::app {

namespace {

// An address as the listener takes it; empty for what is none.
std::string address_of(const std::string& text) {
    if (text == "localhost") return "127.0.0.1";
    std::string bare = text;
    if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']')
        bare = bare.substr(1, bare.size() - 2);
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const bool valid = inet_pton(AF_INET, bare.c_str(), bytes.data()) == 1 ||
                       inet_pton(AF_INET6, bare.c_str(), bytes.data()) == 1;
    return valid ? bare : "";
}

bool is_loopback(const std::string& address) {
    return address.starts_with("127.") || address == "::1";
}

// Whether an address that a listener takes may be one of the Internet's.
bool may_be_public(const std::string& text) {
    boost::system::error_code no_address;
    const auto address = boost::asio::ip::make_address(text, no_address);
    net::FetchFilter abroad;
    abroad.private_addresses = false;
    return !no_address && (address.is_unspecified() || net::may_be_at(abroad, text, address));
}

std::string listen_address(Section& section, bool authenticated) {
    const std::string text = section.text("bind_host");
    std::string address = address_of(text);
    if (address.empty()) {
        section.mistake("bind_host", "is \"" + text + "\"; write an IP address, or localhost");
    } else if (!authenticated && !is_loopback(address)) {
        section.mistake(
            "bind_host",
            "is \"" + text +
                "\", which others can reach, but without keystone every caller is an "
                "administrator; "
                "write 127.0.0.1"
        );
    }
    return address;
}

void check_tls(Section& section, const http::TlsFiles& tls) {
    if (tls.certificate_file.empty() != tls.key_file.empty()) {
        const bool has_certificate = tls.key_file.empty();
        section.mistake(
            has_certificate ? "cert_file" : "key_file",
            std::string("is set without ") + (has_certificate ? "key_file" : "cert_file") +
                "; TLS needs both"
        );
    }
    for (const auto& [name, path] :
         {std::pair<const char*, std::string>{"cert_file", tls.certificate_file},
          {"key_file", tls.key_file}}) {
        std::error_code ignored;
        if (!path.empty() && !std::filesystem::is_regular_file(path, ignored))
            section.mistake(name, "names \"" + path + "\", which is no file; check the path");
    }
}

std::vector<http::ListenerOptions> read_listeners(ConfigReader& reader, bool authenticated) {
    Section defaults = reader.section("DEFAULT");
    http::ListenerOptions users;
    users.address = listen_address(defaults, authenticated);
    users.port = defaults.number_as<std::uint16_t>("bind_port");
    users.kind = http::Listener::users;
    users.tls = {defaults.text("cert_file"), defaults.text("key_file")};
    check_tls(defaults, users.tls);
    std::vector<http::ListenerOptions> listeners{users};

    Section services = reader.section("service_api");
    if (!services.is_set("bind_port")) return listeners;
    http::ListenerOptions second = users;
    second.address = listen_address(services, authenticated);
    second.port = services.number_as<std::uint16_t>("bind_port");
    second.kind = http::Listener::services;
    if (second.port != 0 && second.port == users.port && second.address == users.address) {
        services.mistake("bind_port", "is the port of [DEFAULT] bind_port; choose another");
    }
    if (authenticated && second.tls.certificate_file.empty() && may_be_public(second.address) &&
        !services.flag("public_without_tls"))
        services.mistake(
            "bind_host",
            "is an address that may be public, but without TLS whoever listens on the way learns "
            "where images lie; write a private address, set cert_file and key_file, or "
            "public_without_tls"
        );
    listeners.push_back(second);
    return listeners;
}

LocationVisibility read_visibility(ConfigReader& reader) {
    Section defaults = reader.section("DEFAULT");
    Section ours = reader.section("slipway");
    LocationVisibility visibility;
    visibility.users_direct_url = defaults.flag("show_image_direct_url");
    visibility.users_locations = defaults.flag("show_multiple_locations");
    const std::string word = ours.text("locations_visible_to");
    if (word == "everyone") {
        visibility.users_direct_url = visibility.users_locations = true;
    } else if (!word.empty() && (visibility.users_direct_url || visibility.users_locations)) {
        ours.mistake(
            "locations_visible_to",
            "is " + word + ", but [DEFAULT] " +
                (visibility.users_locations ? "show_multiple_locations" : "show_image_direct_url") +
                " shows locations to users; remove one of the two"
        );
    }
    visibility.services = word != "nobody";
    visibility.full_answer_to_services =
        reader.section("service_api").text("locations_answer") == "full";
    return visibility;
}

std::string read_public_endpoint(Section& section) {
    std::string url = section.text("public_endpoint");
    const bool is_url = url.starts_with("http://") || url.starts_with("https://");
    if (!url.empty() &&
        (!is_url || url.find_first_of(" ?#@\n") != std::string::npos || url.ends_with("://")))
        section.mistake(
            "public_endpoint",
            "is \"" + url + "\"; write a URL that begins with http:// or https://"
        );
    while (url.ends_with('/')) url.pop_back();
    return url;
}

ApiConfig read_api(ConfigReader& reader) {
    Section defaults = reader.section("DEFAULT");
    Section http = reader.section("http");
    ApiConfig api;
    api.public_endpoint = read_public_endpoint(defaults);
    api.believe_proxy_headers =
        reader.section("oslo_middleware").flag("enable_proxy_headers_parsing");
    api.cors = read_cors(reader);
    api.longest_request_id = defaults.number_as<std::size_t>("max_request_id_length");
    api.list_default = defaults.number_as<std::size_t>("limit_param_default");
    api.list_max = defaults.number_as<std::size_t>("api_limit_max");
    api.json.bytes = http.number_as<std::size_t>("json_bytes");
    api.json.depth = http.number_as<std::size_t>("json_depth");
    api.locations = read_visibility(reader);
    const auto faces = reader.section("service_api").list("face_by");
    api.face_by_token = std::find(faces.begin(), faces.end(), "token") != faces.end();
    api.face_by_listener = std::find(faces.begin(), faces.end(), "listener") != faces.end();
    return api;
}

ImageRules read_image_rules(ConfigReader& reader) {
    Section defaults = reader.section("DEFAULT");
    Section formats = reader.section("image_format");
    ImageRules rules;
    rules.disk_formats = formats.list("disk_formats");
    rules.container_formats = formats.list("container_formats");
    for (const char* name : {"disk_formats", "container_formats"}) {
        if (formats.list(name).empty())
            formats.mistake(name, "is empty, so that no image could be made; name some");
    }
    rules.formats.require_image_format_match = formats.flag("require_image_format_match");
    const auto nonfatal = formats.list("gpt_safety_checks_nonfatal");
    rules.formats.tolerates_bad_partition_tables =
        std::ranges::find(nonfatal, "mbr") != nonfatal.end();
    rules.size_cap_bytes = defaults.number_as<std::uint64_t>("image_size_cap");
    rules.project_quota_bytes = defaults.number_as<std::uint64_t>("user_storage_quota");
    rules.hashing_algorithm = defaults.text("hashing_algorithm");
    rules.location_quota = defaults.number_as<int>("image_location_quota");
    rules.do_secure_hash = defaults.flag("do_secure_hash");
    rules.http_retries = defaults.number_as<int>("http_retries");
    if (defaults.flag("delayed_delete")) rules.keep_deleted = defaults.seconds("scrub_time");
    if (rules.project_quota_bytes > 0 && !defaults.flag("use_keystone_limits"))
        rules.limits.project.bytes = static_cast<std::int64_t>(rules.project_quota_bytes);
    rules.limits.properties = defaults.number_as<int>("image_property_quota");
    rules.limits.tags = defaults.number_as<int>("image_tag_quota");
    rules.limits.members = defaults.number_as<int>("image_member_quota");
    return rules;
}

DatabaseConfig read_database(ConfigReader& reader, const store::CatalogLimits& limits) {
    Section section = reader.section("database");
    DatabaseConfig database;
    database.connection = section.secret("connection");
    database.password = section.secret_or_file("connection_password");
    database.limits = limits;
    const std::string& url = database.connection.reveal();
    const std::string engine = url.substr(0, url.find_first_of("+:"));
    const bool postgresql = engine == "postgresql" && url.find("://") != std::string::npos;
    constexpr std::string_view kSqlite = "sqlite:///";
    if (engine == "mysql" || engine == "mariadb") {
        section.mistake(
            "connection",
            "names a MySQL database, which slipway does not use; give a second --config-file that "
            "sets [database] connection to SQLite or PostgreSQL. The catalogue of a Glance can not "
            "be "
            "taken over by this version"
        );
    } else if (!postgresql && !(url.starts_with(kSqlite) && url.size() > kSqlite.size())) {
        section.mistake(
            "connection",
            "is no database of ours; write sqlite:////absolute/path or postgresql://user@host/name"
        );
    } else if (!postgresql && !database.password.empty()) {
        section.mistake(
            "connection", "is SQLite, which has no password; remove connection_password"
        );
    }
    return database;
}

service::CacheRules read_cache(ConfigReader& reader) {
    Section section = reader.section("DEFAULT");
    service::CacheRules cache;
    cache.enabled = !section.text("image_cache_dir").empty();
    cache.max_bytes = section.number_as<std::uint64_t>("image_cache_max_size");
    cache.knows_nodes = section.text("image_cache_driver") == "centralized_db";
    cache.node = section.text("worker_self_reference_url");
    std::array<char, 256> host{};
    if (cache.node.empty() && gethostname(host.data(), host.size() - 1) == 0)
        cache.node = host.data();
    if (cache.node.empty()) cache.node = "localhost";
    return cache;
}

service::KeyManager::Options read_key_manager(ConfigReader& reader) {
    Section section = reader.section("barbican");
    service::KeyManager::Options options;
    options.endpoint = section.text("barbican_endpoint");
    while (options.endpoint.ends_with('/')) options.endpoint.pop_back();
    if (!options.endpoint.empty() && !net::parse_url(options.endpoint))
        section.mistake(
            "barbican_endpoint",
            "is \"" + options.endpoint + "\"; write a URL that begins with http:// or https://"
        );
    options.trust.ca_file = section.text("verify_ssl_path");
    options.trust.insecure = !section.flag("verify_ssl");
    if (options.trust.insecure && !options.endpoint.empty())
        section.add(
            Severity::unsafe, "verify_ssl", "is off: any server is believed to be the key manager"
        );
    return options;
}

http::ServerLimits read_http_limits(ConfigReader& reader) {
    Section section = reader.section("http");
    http::ServerLimits limits;
    limits.header_bytes = section.number_as<std::size_t>("header_bytes");
    Section defaults = reader.section("DEFAULT");
    limits.header_value_bytes = defaults.number_as<std::size_t>("max_header_line");
    if (defaults.is_set("max_header_line") && limits.header_value_bytes > limits.header_bytes)
        defaults.warning(
            "max_header_line", "is above [http] header_bytes, which a whole head may have"
        );
    limits.header_fields = section.number_as<std::size_t>("header_fields");
    limits.connections = section.number_as<std::size_t>("connections");
    limits.connections_per_address = section.number_as<std::size_t>("connections_per_address");
    limits.header_timeout = section.seconds("header_timeout");
    limits.idle_timeout = section.seconds("idle_timeout");
    limits.stall_limit = section.seconds("stall_limit");
    limits.min_bytes_per_second = section.number_as<std::uint64_t>("min_bytes_per_second");
    return limits;
}

ProcessConfig read_process(ConfigReader& reader) {
    Section section = reader.section("http");
    ProcessConfig process;
    process.io_threads = section.number_as<std::size_t>("io_threads");
    process.blocking_threads = section.number_as<std::size_t>("blocking_threads");
    process.drain = section.seconds("drain_seconds");
    process.shutdown_grace = section.seconds("shutdown_grace");
    return process;
}

log::Options read_log(ConfigReader& reader) {
    Section section = reader.section("DEFAULT");
    log::Options options;
    options.level = section.flag("debug") ? log::Level::debug : log::Level::info;
    options.file = section.text("log_file");
    const std::string directory = section.text("log_dir");
    if (!directory.empty())
        options.file = (std::filesystem::path(directory) /
                        (options.file.empty() ? "slipway.log" : options.file))
                           .string();
    return options;
}

bool is_mistake(const Finding& finding) {
    return finding.severity == Severity::mistake;
}

}  // namespace

bool ConfigReport::has(Severity severity) const {
    return std::any_of(findings.begin(), findings.end(), [severity](const Finding& finding) {
        return finding.severity == severity;
    });
}

ConfigReport read_config(const ConfigSources& sources) {
    std::vector<Mistake> mistakes;
    ConfigReader reader(read_values(sources, mistakes), sources.environment);
    for (Mistake& mistake : mistakes)
        reader.add(Severity::mistake, mistake.origin, std::move(mistake.what));

    Config config;
    config.auth = read_auth(reader);
    config.limits = read_limits(reader, config.auth.keystone);
    config.listeners = read_listeners(reader, config.auth.keystone);
    config.http = read_http_limits(reader);
    config.api = read_api(reader);
    config.api.health = read_health(reader, config.listeners);
    config.images = read_image_rules(reader);
    config.schema = read_schema(sources, reader);
    config.database = read_database(reader, config.images.limits);
    read_stores(reader, config);
    config.protection = read_protection(reader, sources);
    config.policy = read_policy(reader, sources, config.protection.policies);
    config.ingest = read_ingest(reader, config.auth.keystone);
    config.cache = read_cache(reader);
    config.key_manager = read_key_manager(reader);
    config.fetch_filter = read_fetch_filter(reader);
    config.imports = read_imports(reader, config.auth.keystone);
    config.imports.plugins.formats = config.images.formats;
    config.sites = read_sites(reader, config.stores);
    config.process = read_process(reader);
    config.log = read_log(reader);
    report_permissions(reader);
    reader.report_unknown();

    ConfigReport report;
    report.settings = reader.settings();
    report.written = reader.written_options();
    report.findings = reader.findings();
    if (report.has(Severity::mistake)) return report;
    for (const Finding& finding : report.findings) config.warnings.push_back(finding.str());
    report.config = std::move(config);
    return report;
}

Result<Config> load(const ConfigSources& sources) {
    ConfigReport report = read_config(sources);
    if (report.config) return std::move(*report.config);
    std::string text;
    for (const Finding& finding : report.findings) {
        if (is_mistake(finding)) text.append(text.empty() ? "" : "\n").append(finding.str());
    }
    return Error(Errc::invalid_argument, std::move(text));
}

}  // namespace slipway::app
