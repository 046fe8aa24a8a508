#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <string_view>
#include <variant>

namespace slipway::store {

enum class Engine { sqlite, postgresql };

// Where the catalogue's database is.
struct DbTarget {
    Engine engine = Engine::sqlite;
    std::string path;      // SQLite: a file, or ":memory:"
    std::string conninfo;  // PostgreSQL: libpq's connection string, with the password in it
};

// Reads the URL of [database] connection, as SQLAlchemy spells it, also with a driver:
//   sqlite:///relative/path, sqlite:////absolute/path, sqlite:// (in memory)
//   postgresql+psycopg2://user:p%40ss@host:5432/name?sslmode=verify-full
//   postgresql://user@/name?host=/run/postgresql
// User, password, host and name are percent-decoded. `password`, unless empty, takes the place of
// the URL's.
// Errors: invalid_argument, without any part of the URL that could be a secret.
Result<DbTarget> parse_database_url(std::string_view url, const std::string& password);

// A MariaDB or MySQL server, which a Glance keeps its catalogue in; slipway never does.
struct MariaDbTarget {
    std::string host;
    unsigned port = 3306;
    std::string socket;  // a path; empty: by TCP
    std::string user;
    Secret password;
    std::string database;
    bool encrypted = false;  // by TLS, or not at all
    // Where encrypted: the server's certificate must fit its name and come from `ca_file`, else
    // from an authority that the system trusts.
    bool verified = true;
    std::string ca_file;
    std::string certificate;  // ours, with its key
    std::string key;
};

// Reads the URL of another service's database, as SQLAlchemy spells it: those of above, and
//   mysql+pymysql://user:p%40ss@host:3306/name?charset=utf8&ssl_ca=/etc/ssl/db.pem
// with ssl_ca, ssl_cert, ssl_key, ssl_verify_cert, ssl_verify_identity, ssl and unix_socket.
// Errors: invalid_argument, without any part of the URL that could be a secret.
Result<std::variant<DbTarget, MariaDbTarget>> parse_foreign_database_url(std::string_view url);

}  // namespace slipway::store
