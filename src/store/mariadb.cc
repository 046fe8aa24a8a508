#include "store/mariadb.h"

#include "base/handle.h"

#include <errmsg.h>
#include <mysql.h>

namespace slipway::store {

namespace {

constexpr unsigned kConnectSeconds = 10;
constexpr unsigned kAnswerSeconds = 120;
// None by which a server could have the password as it is.
constexpr const char* kPlugins =
    "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password";

using Connection = std::unique_ptr<MYSQL, FreeWith<mysql_close>>;
using Answer = std::unique_ptr<MYSQL_RES, FreeWith<mysql_free_result>>;

const char* or_null(const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
}

void set_up(MYSQL* connection, const MariaDbTarget& target) {
    mysql_options(connection, MYSQL_OPT_CONNECT_TIMEOUT, &kConnectSeconds);
    mysql_options(connection, MYSQL_OPT_READ_TIMEOUT, &kAnswerSeconds);
    mysql_options(connection, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(connection, MARIADB_OPT_RESTRICTED_AUTH, kPlugins);
    const unsigned no_files = 0;  // the server may ask for none of ours
    mysql_options(connection, MYSQL_OPT_LOCAL_INFILE, &no_files);
    if (!target.encrypted) return;
    mysql_ssl_set(
        connection,
        or_null(target.key),
        or_null(target.certificate),
        or_null(target.ca_file),
        nullptr,
        nullptr
    );
    const my_bool yes = 1;
    const my_bool verified = target.verified ? 1 : 0;
    mysql_options(connection, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(connection, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verified);
}

}  // namespace

struct MariaDb::Impl {
    Connection connection{mysql_init(nullptr)};

    // With the texts in their places, quoted as this server understands it.
    std::string filled_in(std::string_view sql, const DbValues& values) {
        std::string text;
        std::size_t at = 0;
        bool quoted = false;
        for (const char c : sql) {
            if (c == '\'') quoted = !quoted;
            if (c != '?' || quoted) {
                text += c;
                continue;
            }
            const std::string value = values.at(at++).text();
            std::string escaped(2 * value.size() + 1, '\0');
            escaped.resize(mysql_real_escape_string(
                connection.get(), escaped.data(), value.data(), value.size()
            ));
            text += '\'' + escaped + '\'';
        }
        return text;
    }

    Error error() {
        const unsigned code = mysql_errno(connection.get());
        const bool lost = code >= CR_MIN_ERROR && code <= CR_MAX_ERROR;
        const std::string reason = "mariadb " + std::to_string(code);
        if (lost) return Error(Errc::unavailable, "the connection was lost", reason);
        return Error(
            Errc::internal,
            "a statement was refused: " + std::string(mysql_error(connection.get())),
            reason
        );
    }
};

MariaDb::MariaDb(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
MariaDb::~MariaDb() = default;

Result<std::unique_ptr<MariaDb>> MariaDb::open(const MariaDbTarget& target) {
    auto impl = std::make_unique<Impl>();
    MYSQL* const connection = impl->connection.get();
    if (connection == nullptr) return Error(Errc::internal, "out of memory");
    set_up(connection, target);
    const bool connected = mysql_real_connect(
                               connection,
                               or_null(target.host),
                               or_null(target.user),
                               target.password.reveal().c_str(),
                               target.database.c_str(),
                               target.port,
                               or_null(target.socket),
                               0
                           ) != nullptr;
    if (!connected)
        // The server's text may name hosts and users.
        return Error(
            Errc::unavailable,
            "the database can not be reached, or refuses us (error " +
                std::to_string(mysql_errno(connection)) +
                "); check the URL, the password and the certificate",
            "connect"
        );
    return std::unique_ptr<MariaDb>(new MariaDb(std::move(impl)));
}

Result<std::vector<DbRow>> MariaDb::query(std::string_view sql, const DbValues& values) {
    const std::string text = impl_->filled_in(sql, values);
    MYSQL* const connection = impl_->connection.get();
    if (mysql_real_query(connection, text.data(), text.size()) != 0) return impl_->error();
    std::vector<DbRow> rows;
    const Answer answer(mysql_store_result(connection));
    if (!answer) {
        if (mysql_errno(connection) != 0) return impl_->error();
        return rows;
    }
    const unsigned columns = mysql_num_fields(answer.get());
    while (char** const row = mysql_fetch_row(answer.get())) {
        const unsigned long* const lengths = mysql_fetch_lengths(answer.get());
        DbRow& copy = rows.emplace_back();
        for (unsigned at = 0; at < columns; ++at) {
            if (row[at] == nullptr)
                copy.emplace_back();
            else
                copy.emplace_back(std::string(row[at], lengths[at]));
        }
    }
    return rows;
}

}  // namespace slipway::store
