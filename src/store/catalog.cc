#include "store/catalog.h"

#include "store/catalog_rows.h"
#include "store/catalog_sql.h"
#include "store/metadef_rows.h"
#include "store/migrations.h"

namespace slipway::store {

SqlCatalog::SqlCatalog(std::unique_ptr<Db> db, const CatalogOptions& options, const Clock& clock)
    : db_(std::move(db)),
      limits_(options.limits),
      lease_(options.server_lease),
      task_time_to_live_(options.task_time_to_live),
      clock_(clock),
      thread_(1) {}

SqlCatalog::~SqlCatalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::open(const CatalogOptions& options, const Clock& clock) {
    SLIPWAY_TRY(const DbTarget target, parse_database_url(options.connection, options.password));
    SLIPWAY_TRY(auto db, Db::open(target));
    SLIPWAY_CHECK(migrate(*db, catalog_migrations()));
    SLIPWAY_CHECK(db->write([&]() -> Result<void> {
        SLIPWAY_CHECK(db->execute(
            "insert into catalog_info (only_row, catalog_id) values (1, ?) on conflict do nothing",
            {new_uuid()}
        ));
        return insert_known_resource_types(*db, clock.now());
    }));
    return std::unique_ptr<Catalog>(std::make_unique<SqlCatalog>(std::move(db), options, clock));
}

Result<std::int64_t> Catalog::schema_version(const CatalogOptions& options) {
    SLIPWAY_TRY(const DbTarget target, parse_database_url(options.connection, options.password));
    const auto db = Db::open_to_look(target);
    if (!db && db.error().code == Errc::not_found) return 0;
    if (!db) return db.error();
    return (*db)->read([&] { return store::schema_version(**db); });
}

awaitable<Result<std::string>> SqlCatalog::catalog_id() {
    auto work = [&]() -> Result<std::string> {
        SLIPWAY_TRY(const auto rows, db_->query("select catalog_id from catalog_info"));
        if (rows.empty()) return Error(Errc::corrupt, "the catalogue has lost its id");
        return rows.front().at(0).text();
    };
    co_return co_await read(work);
}

awaitable<Result<void>> SqlCatalog::begin_server(const std::string& server) {
    const std::string epoch = new_uuid();
    auto work = [&]() -> Result<void> {
        const bool alone = db_->engine() == Engine::sqlite;
        SLIPWAY_CHECK(db_->execute("delete from servers where name = ? or 1 = ?", {server, alone}));
        SLIPWAY_CHECK(recover());
        SLIPWAY_CHECK(free_abandoned_imports());
        SLIPWAY_CHECK(db_->execute(
            "insert into servers (name, epoch, lease_until) values (?, ?, ?)",
            {server, epoch, now() + lease_}
        ));
        return {};
    };
    auto job = [&]() -> Result<void> {
        SLIPWAY_CHECK(db_->write(work));
        server_ = server;
        epoch_ = epoch;
        return {};
    };
    co_return co_await offload(thread_, job);
}

awaitable<Result<void>> SqlCatalog::renew_server(const std::string& server) {
    auto work = [&]() -> Result<void> {
        const Time until = now() + lease_;
        SLIPWAY_TRY(
            const auto renewed,
            db_->execute(
                "update servers set lease_until = ? where name = ? and epoch = ?",
                {until, server, epoch_}
            )
        );
        if (renewed == 0)
            return Error(
                Errc::conflict,
                "the lease of this server was lost: another one has taken over its work; restart it"
            );
        SLIPWAY_CHECK(db_->execute(
            "update tasks set claimed_until = ? where server = ? and status = 'running'",
            {until, server}
        ));
        return recover();
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::end_server(const std::string& server) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(
            const auto ended,
            db_->execute("delete from servers where name = ? and epoch = ?", {server, epoch_})
        );
        if (ended == 0) return {};
        return recover();
    };
    co_return co_await write(work);
}

Result<bool> SqlCatalog::holds_lease() {
    if (server_.empty()) return true;
    SLIPWAY_TRY(
        const auto rows,
        db_->query("select 1 from servers where name = ? and epoch = ?", {server_, epoch_})
    );
    return !rows.empty();
}

Result<void> SqlCatalog::recover() {
    SLIPWAY_CHECK(db_->execute("delete from servers where lease_until < ?", {now()}));
    SLIPWAY_TRY(
        const auto orphans,
        load_locations(
            *db_,
            "state in ('writing', 'adding') and server not in (select name from servers) "
            "and not (state = 'adding' and exists (select 1 from tasks where tasks.id = "
            "locations.id and tasks.status in ('pending', 'running'))) order by id",
            {}
        )
    );
    for (const Location& location : orphans) SLIPWAY_CHECK(give_up_writing(location));
    SLIPWAY_CHECK(db_->execute(
        "update tasks set server = '', claimed_until = 0, updated_at = ? "
        "where status = 'running' and server <> '' and server not in (select name from servers)",
        {now()}
    ));
    return {};
}

}  // namespace slipway::store
