#include "store/glance_database.h"

#include "store/mariadb.h"

namespace slipway::store {

namespace {

// The words of the catalogue's own database would mislead here.
Error explained(const Error& error) {
    if (error.reason == "connect")
        return Error(
            Errc::unavailable,
            "the database can not be reached, or refuses us; check the URL and the password",
            "connect"
        );
    if (error.code == Errc::not_found) return Error(Errc::not_found, "there is no such file");
    if (error.code == Errc::unavailable)
        return Error(
            Errc::unavailable,
            "the database does not answer, or is locked; stop the Glance and try again",
            error.reason
        );
    if (error.code == Errc::corrupt)
        return Error(Errc::corrupt, "the file is no database, or damaged", error.reason);
    if (error.code == Errc::internal)
        return Error(Errc::internal, "the database refuses a statement", error.reason);
    return error;
}

class DatabaseOfDb final : public GlanceDatabase {
public:
    explicit DatabaseOfDb(std::unique_ptr<Db> db) : db_(std::move(db)) {}

    // The session begins a transaction again whose connection was lost, which would read everything
    // once more, perhaps in another state.
    Result<void> look(const std::function<Result<void>()>& work) override {
        bool begun = false;
        auto once = [&]() -> Result<void> {
            if (begun) return Error(Errc::unavailable, "the connection was lost");
            begun = true;
            return work();
        };
        auto done = db_->read(once);
        if (!done && !begun) return explained(done.error());
        return done;
    }
    Result<std::vector<DbRow>> query(std::string_view sql, const DbValues& values) override {
        auto rows = db_->query(sql, values);
        if (!rows) return explained(rows.error());
        return rows;
    }
    [[nodiscard]] std::string text_of(std::string_view column) const override {
        return "cast(" + std::string(column) + " as text)";
    }
    [[nodiscard]] std::string time_of(std::string_view column) const override {
        if (db_->engine() == Engine::sqlite) return text_of(column);
        return "to_char(" + std::string(column) + ", 'YYYY-MM-DD HH24:MI:SS.US')";
    }

private:
    std::unique_ptr<Db> db_;
};

class DatabaseOfMariaDb final : public GlanceDatabase {
public:
    explicit DatabaseOfMariaDb(std::unique_ptr<MariaDb> db) : db_(std::move(db)) {}

    Result<void> look(const std::function<Result<void>()>& work) override {
        for (const char* const statement :
             {"set session transaction isolation level repeatable read",
              "start transaction with consistent snapshot, read only"})
            SLIPWAY_CHECK(db_->query(statement));
        auto done = work();
        const auto ended = db_->query("rollback");  // nothing was changed
        return !done || ended ? done : Result<void>(ended.error());
    }
    Result<std::vector<DbRow>> query(std::string_view sql, const DbValues& values) override {
        return db_->query(sql, values);
    }
    // Everything is text already.
    [[nodiscard]] std::string text_of(std::string_view column) const override {
        return std::string(column);
    }
    [[nodiscard]] std::string time_of(std::string_view column) const override {
        return std::string(column);
    }

private:
    std::unique_ptr<MariaDb> db_;
};

}  // namespace

Result<std::unique_ptr<GlanceDatabase>> GlanceDatabase::open(std::string_view url) {
    SLIPWAY_TRY(const auto target, parse_foreign_database_url(url));
    if (const auto* mariadb = std::get_if<MariaDbTarget>(&target)) {
        SLIPWAY_TRY(auto db, MariaDb::open(*mariadb));
        return std::unique_ptr<GlanceDatabase>(std::make_unique<DatabaseOfMariaDb>(std::move(db)));
    }
    auto db = Db::open_to_look(std::get<DbTarget>(target));
    if (!db) return explained(db.error());
    return std::unique_ptr<GlanceDatabase>(std::make_unique<DatabaseOfDb>(std::move(*db)));
}

}  // namespace slipway::store
