#pragma once

#include "base/result.h"
#include "store/db.h"

#include <span>
#include <string_view>

namespace slipway::store {

// One step of the schema; see schema/catalog/README.md for how its text is written.
struct Migration {
    int version = 0;  // 1, 2, 3, …
    std::string_view name;
    std::string_view sql;
};

// Those of schema/catalog, in order; built into the binary.
std::span<const Migration> catalog_migrations();

// Version of the database's schema: that of the last migration applied, 0 for an empty database.
// Only looks.
Result<std::int64_t> schema_version(Db& db);

// Brings the database to the last of `migrations`, one transaction each, and leaves one that is
// there already as it is. Errors: unsupported when the database is newer than that.
Result<void> migrate(Db& db, std::span<const Migration> migrations);

}  // namespace slipway::store
