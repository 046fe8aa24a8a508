#include "store/migrations.h"

#include <string>
#include <vector>

namespace slipway::store {

namespace {

// The statements of a migration in the words of the engine, comments left out.
std::vector<std::string> statements_of(std::string_view sql, Engine engine) {
    constexpr std::string_view kOrderedText = "ordered_text";
    std::vector<std::string> statements;
    std::string statement;
    for (std::size_t at = 0; at < sql.size(); ++at) {
        if (sql.substr(at).starts_with("--")) {
            at = std::min(sql.find('\n', at), sql.size() - 1);
            statement += '\n';
        } else if (sql.substr(at).starts_with(kOrderedText)) {
            statement += engine == Engine::sqlite ? "text" : "text collate \"C\"";
            at += kOrderedText.size() - 1;
        } else if (sql[at] == ';') {
            statements.push_back(std::move(statement));
            statement.clear();
        } else {
            statement += sql[at];
        }
    }
    return statements;
}

}  // namespace

Result<std::int64_t> schema_version(Db& db) {
    SLIPWAY_TRY(
        const auto table,
        db.query(
            db.engine() == Engine::sqlite
                ? "select 1 from sqlite_master where type = 'table' and name = 'schema_version'"
                : "select 1 where to_regclass('schema_version') is not null"
        )
    );
    if (table.empty()) return 0;
    SLIPWAY_TRY(const auto rows, db.query("select version from schema_version"));
    return rows.empty() ? 0 : rows.front().at(0).integer();
}

namespace {

// The table of one row that holds the version.
Result<void> prepare_schema_version(Db& db) {
    SLIPWAY_CHECK(db.execute("create table if not exists schema_version (version bigint not null)")
    );
    SLIPWAY_CHECK(
        db.execute("insert into schema_version (version) select 0 "
                   "where not exists (select 1 from schema_version)")
    );
    return {};
}

// Applies the first migration that is missing; false when none is.
Result<bool> step(Db& db, std::span<const Migration> migrations) {
    SLIPWAY_TRY(const std::int64_t version, schema_version(db));
    const int newest = migrations.empty() ? 0 : migrations.back().version;
    if (version > newest)
        return Error(
            Errc::unsupported,
            "the catalogue has schema version " + std::to_string(version) +
                ", but this slipway knows no more than " + std::to_string(newest) +
                ": start the newer slipway that made it, or restore a backup from before the "
                "upgrade"
        );
    for (const Migration& migration : migrations) {
        if (migration.version <= version) continue;
        SLIPWAY_CHECK(prepare_schema_version(db));
        for (const std::string& statement : statements_of(migration.sql, db.engine()))
            if (auto done = db.execute(statement); !done)
                return done.error().while_doing("migration " + std::string(migration.name));
        SLIPWAY_CHECK(db.execute("update schema_version set version = ?", {migration.version}));
        return true;
    }
    return false;
}

}  // namespace

Result<void> migrate(Db& db, std::span<const Migration> migrations) {
    for (;;) {
        SLIPWAY_TRY(const bool stepped, db.migrate([&] { return step(db, migrations); }));
        if (!stepped) return {};
    }
}

}  // namespace slipway::store
