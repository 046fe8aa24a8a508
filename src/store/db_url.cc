#include "store/db_url.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <vector>

namespace slipway::store {

namespace {

// What libpq understands and an operator may want to say in the URL.
constexpr std::array<std::string_view, 14> kPassedOn{
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslcrl",
    "gssencmode",
    "channel_binding",
    "application_name",
    "connect_timeout",
    "target_session_attrs",
    "options",
    "keepalives",
    "keepalives_idle",
    "tcp_user_timeout",
};

Error bad_url(const std::string& what) {
    return Error(Errc::invalid_argument, what);
}

Result<std::string> percent_decode(std::string_view text) {
    auto decoded = percent_decoded(text);
    if (!decoded)
        return bad_url("a % is not followed by two hexadecimal digits; write %25 for a %");
    if (decoded->find('\0') != std::string::npos) return bad_url("%00 is not allowed");
    return std::move(*decoded);
}

// Cuts `text` at the first `separator`: what stands before it, and what stands behind it.
std::pair<std::string_view, std::optional<std::string_view>> cut(
    std::string_view text, char separator
) {
    const auto at = text.find(separator);
    if (at == std::string_view::npos) return {text, std::nullopt};
    return {text.substr(0, at), text.substr(at + 1)};
}

class ConnInfo {
public:
    void add(std::string_view key, std::string_view value) {
        if (!text_.empty()) text_ += ' ';
        text_ += key;
        text_ += "='";
        for (const char c : value) {
            if (c == '\'' || c == '\\') text_ += '\\';
            text_ += c;
        }
        text_ += '\'';
    }
    [[nodiscard]] std::string text() const { return text_; }

private:
    std::string text_;
};

struct Hosts {
    std::string names;
    std::string ports;

    // `host`, `host:port`, `[v6]:port`, or the folder of a socket.
    Result<void> add(std::string_view text) {
        std::string_view host = text;
        std::string_view port;
        const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
        const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
        if (!text.starts_with('/') && colon != std::string_view::npos) {
            host = text.substr(0, colon);
            port = text.substr(colon + 1);
        }
        if (bracket != std::string_view::npos) host = text.substr(1, bracket - 1);
        const bool digits = std::all_of(port.begin(), port.end(), [](unsigned char c) {
            return std::isdigit(c) != 0;
        });
        if (!digits || port.size() > 5) return bad_url("the port is not a number");
        SLIPWAY_TRY(const std::string name, percent_decode(host));
        if (!names.empty()) {
            names += ',';
            ports += ',';
        }
        names += name;
        ports += port;
        return {};
    }
};

Result<void> read_query(std::string_view query, Hosts& hosts, std::string& port, ConnInfo& info) {
    std::optional<std::string_view> rest = query;
    while (rest && !rest->empty()) {
        const auto [item, behind] = cut(*rest, '&');
        rest = behind;
        const auto [key, raw_value] = cut(item, '=');
        SLIPWAY_TRY(const std::string value, percent_decode(raw_value.value_or("")));
        if (key == "host") {
            SLIPWAY_CHECK(hosts.add(raw_value.value_or("")));
        } else if (key == "port") {
            port = value;
        } else if (std::find(kPassedOn.begin(), kPassedOn.end(), key) != kPassedOn.end()) {
            info.add(key, value);
        } else {
            return bad_url("the parameter '" + std::string(key.substr(0, 64)) + "' is not known");
        }
    }
    return {};
}

Result<DbTarget> parse_postgresql(std::string_view rest, const std::string& password) {
    ConnInfo info;
    const auto [before_query, query] = cut(rest, '?');
    const auto [authority, name] = cut(before_query, '/');

    std::string_view host_part = authority;
    std::string secret = password;
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        host_part = authority.substr(at + 1);
        const auto [user, url_password] = cut(authority.substr(0, at), ':');
        SLIPWAY_TRY(const std::string user_name, percent_decode(user));
        if (!user_name.empty()) info.add("user", user_name);
        if (secret.empty() && url_password) {
            SLIPWAY_TRY(secret, percent_decode(*url_password));
        }
    }
    if (!secret.empty()) info.add("password", secret);
    SLIPWAY_TRY(const std::string database, percent_decode(name.value_or("")));
    if (database.empty()) return bad_url("the name of the database is missing");
    info.add("dbname", database);

    Hosts hosts;
    std::optional<std::string_view> more = host_part;
    while (more && !more->empty()) {
        const auto [host, behind] = cut(*more, ',');
        SLIPWAY_CHECK(hosts.add(host));
        more = behind;
    }
    std::string port;
    SLIPWAY_CHECK(read_query(query.value_or(""), hosts, port, info));
    if (!hosts.names.empty()) info.add("host", hosts.names);
    if (port.empty() && hosts.ports.find_first_not_of(',') != std::string::npos) port = hosts.ports;
    if (!port.empty()) info.add("port", port);
    return DbTarget{Engine::postgresql, {}, info.text()};
}

Result<DbTarget> parse_sqlite(std::string_view rest) {
    const std::string_view path = cut(rest, '?').first;
    if (path.empty() || path == "/" || path == "/:memory:")
        return DbTarget{Engine::sqlite, ":memory:", {}};
    if (!path.starts_with('/'))
        return bad_url(
            "write sqlite:///relative/path or sqlite:////absolute/path; SQLite has no host"
        );
    if (path.find_first_of("\"'\n") != std::string_view::npos)
        return bad_url("the path of the SQLite file must not contain quotes");
    return DbTarget{Engine::sqlite, std::string(path.substr(1)), {}};
}

bool is_mariadb(std::string_view engine) {
    return engine == "mysql" || engine == "mariadb";
}

Result<bool> truth_of(std::string_view key, std::string_view value) {
    const std::string word = lower_case(value);
    if (word == "true" || word == "1" || word == "yes" || word == "on") return true;
    if (word == "false" || word == "0" || word == "no" || word == "off") return false;
    return bad_url("the parameter '" + std::string(key) + "' is true or false");
}

Result<void> read_mariadb_parameter(
    std::string_view key, std::string_view value, MariaDbTarget& target
) {
    if (key == "unix_socket") {
        target.socket = value;
    } else if (key == "ssl_ca" || key == "ssl_cert" || key == "ssl_key") {
        (key == "ssl_ca"     ? target.ca_file
         : key == "ssl_cert" ? target.certificate
                             : target.key) = value;
        target.encrypted = true;
    } else if (key == "ssl" || key == "ssl_verify_cert" || key == "ssl_verify_identity") {
        SLIPWAY_TRY(const bool wanted, truth_of(key, value));
        if (key != "ssl") target.verified = target.verified && wanted;
        target.encrypted = target.encrypted || wanted;
    } else if (key != "charset" && key != "plugin" && key != "read_timeout" &&
               key != "connect_timeout" && key != "binary_prefix") {
        return bad_url("the parameter '" + std::string(key.substr(0, 64)) + "' is not known");
    }
    return {};
}

Result<MariaDbTarget> parse_mariadb(std::string_view rest) {
    MariaDbTarget target;
    const auto [before_query, query] = cut(rest, '?');
    const auto [authority, name] = cut(before_query, '/');
    std::string_view host_part = authority;
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        host_part = authority.substr(at + 1);
        const auto [user, password] = cut(authority.substr(0, at), ':');
        SLIPWAY_TRY(target.user, percent_decode(user));
        SLIPWAY_TRY(auto decoded, percent_decode(password.value_or("")));
        target.password = Secret(std::move(decoded));
    }
    SLIPWAY_TRY(target.database, percent_decode(name.value_or("")));
    if (target.database.empty()) return bad_url("the name of the database is missing");
    Hosts hosts;
    SLIPWAY_CHECK(hosts.add(host_part));
    target.host = hosts.names;
    if (!hosts.ports.empty()) target.port = static_cast<unsigned>(std::stoul(hosts.ports));
    std::optional<std::string_view> more = query;
    while (more && !more->empty()) {
        const auto [item, behind] = cut(*more, '&');
        more = behind;
        const auto [key, raw_value] = cut(item, '=');
        SLIPWAY_TRY(const std::string value, percent_decode(raw_value.value_or("")));
        SLIPWAY_CHECK(read_mariadb_parameter(key, value, target));
    }
    return target;
}

Result<DbTarget> parse_catalog_url(std::string_view url, const std::string& password) {
    const auto colon = url.find("://");
    if (colon == std::string_view::npos)
        return bad_url("it is no URL; write sqlite:////path/to/file or postgresql://…");
    const std::string_view engine = cut(url.substr(0, colon), '+').first;
    const std::string_view rest = url.substr(colon + 3);
    if (engine == "sqlite") return parse_sqlite(rest);
    if (engine == "postgresql" || engine == "postgres") return parse_postgresql(rest, password);
    if (is_mariadb(engine))
        return bad_url(
            "slipway keeps its catalogue in SQLite or PostgreSQL, not in MySQL. Leave this file as "
            "it "
            "is and give a second --config-file that sets [database] connection, and take over the "
            "images later with 'slipway import-glance'"
        );
    return bad_url("this kind of database is not supported; use sqlite:// or postgresql://");
}

}  // namespace

Result<DbTarget> parse_database_url(std::string_view url, const std::string& password) {
    auto target = parse_catalog_url(url, password);
    if (!target) return target.error().while_doing("[database] connection");
    return target;
}

Result<std::variant<DbTarget, MariaDbTarget>> parse_foreign_database_url(std::string_view url) {
    using Target = std::variant<DbTarget, MariaDbTarget>;
    const auto colon = url.find("://");
    if (colon != std::string_view::npos && is_mariadb(cut(url.substr(0, colon), '+').first)) {
        SLIPWAY_TRY(auto target, parse_mariadb(url.substr(colon + 3)));
        return Target(std::move(target));
    }
    SLIPWAY_TRY(auto target, parse_catalog_url(url, {}));
    return Target(std::move(target));
}

}  // namespace slipway::store
