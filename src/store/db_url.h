#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

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

}  // namespace slipway::store
