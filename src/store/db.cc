#include "store/db.h"

#include "store/db_lock.h"

#include <soci/postgresql/soci-postgresql.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#if defined(__clang__)
#define SLIPWAY_UNCHECKED_TYPE __attribute__((no_sanitize("vptr")))
#else
#define SLIPWAY_UNCHECKED_TYPE
#endif

namespace slipway::store {

namespace {

constexpr int kMostAttempts = 12;

// What SOCI reads a bound value from: it keeps the addresses until the statement is over.
struct BoundValue {
    std::string text;
    long long integer = 0;
    double real = 0;
    soci::indicator indicator = soci::i_ok;
};

bool starts_with_any(std::string_view state, std::initializer_list<std::string_view> classes) {
    return std::any_of(classes.begin(), classes.end(), [&](std::string_view c) {
        return state.starts_with(c);
    });
}

Error translate_sqlite(int extended_code, const std::string& detail) {
    using namespace std::string_literals;
    const std::string reason = "sqlite " + std::to_string(extended_code);
    switch (extended_code & 0xFF) {
        case SQLITE_CONSTRAINT:
            if (extended_code == SQLITE_CONSTRAINT_UNIQUE ||
                extended_code == SQLITE_CONSTRAINT_PRIMARYKEY)
                return Error(Errc::conflict, "this already exists", "unique");
            if (extended_code == SQLITE_CONSTRAINT_FOREIGNKEY)
                return Error(Errc::not_found, "what this refers to does not exist", "foreign_key");
            return Error(Errc::invalid_argument, "a value is out of its limits", "check");
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return Error(
                Errc::unavailable,
                "the catalogue is locked by another process; try again later",
                reason
            );
        case SQLITE_FULL:
            return Error(
                Errc::unavailable, "the disk of the catalogue is full; make room on it", reason
            );
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return Error(
                Errc::corrupt, "the catalogue is damaged; restore it from a backup", reason
            );
        case SQLITE_TOOBIG:
            return Error(Errc::invalid_argument, "a value is too long", reason);
        case SQLITE_IOERR:
        case SQLITE_NOMEM:
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
        case SQLITE_PROTOCOL:
        case SQLITE_NOLFS:
            return Error(
                Errc::unavailable,
                "the catalogue's file can not be read or written; check its folder, its owner and "
                "its "
                "disk",
                reason
            );
        default:
            return Error(Errc::internal, "the catalogue refused a statement: " + detail, reason);
    }
}

Error translate_postgresql(const std::string& state, const std::string& detail) {
    if (state == "23505") return Error(Errc::conflict, "this already exists", "unique");
    if (state == "23503")
        return Error(Errc::not_found, "what this refers to does not exist", "foreign_key");
    if (starts_with_any(state, {"23"}))
        return Error(Errc::invalid_argument, "a value is out of its limits", "check");
    if (starts_with_any(state, {"22"}))
        return Error(Errc::invalid_argument, "a value can not be stored", state);
    if (state == "53100")
        return Error(
            Errc::unavailable, "the disk of the catalogue is full; make room on it", state
        );
    if (starts_with_any(state, {"XX001", "XX002"}))
        return Error(Errc::corrupt, "the catalogue is damaged; restore it from a backup", state);
    if (starts_with_any(state, {"40", "55P03", "57014"}))
        return Error(
            Errc::unavailable, "the catalogue is locked for too long; try again later", state
        );
    if (starts_with_any(state, {"08", "28", "3D", "53", "57", "58", "25006"}))
        return Error(
            Errc::unavailable, "the catalogue's database is not available; try again later", state
        );
    return Error(Errc::internal, "the catalogue refused a statement: " + detail, state);
}

// `?` as SOCI's PostgreSQL wants it: numbered names. SQLite takes it as it is.
std::string number_placeholders(std::string_view sql) {
    std::string text;
    text.reserve(sql.size() + 32);
    bool quoted = false;
    int number = 0;
    for (const char c : sql) {
        if (c == '\'') quoted = !quoted;
        if (c == '?' && !quoted)
            text += ":v" + std::to_string(++number);
        else
            text += c;
    }
    return text;
}

Result<std::vector<BoundValue>> bound_values(const DbValues& values) {
    std::vector<BoundValue> bound(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto& value = values[i].variant();
        if (values[i].is_null()) bound[i].indicator = soci::i_null;
        if (const auto* integer = std::get_if<std::int64_t>(&value)) bound[i].integer = *integer;
        if (const auto* real = std::get_if<double>(&value)) bound[i].real = *real;
        if (const auto* text = std::get_if<std::string>(&value)) {
            if (text->find('\0') != std::string::npos)
                return Error(Errc::invalid_argument, "text must not contain the character U+0000");
            bound[i].text = *text;
        }
    }
    return bound;
}

DbValue read_column(const soci::row& row, std::size_t at) {
    if (row.get_indicator(at) == soci::i_null) return std::nullopt;
    switch (row.get_properties(at).get_data_type()) {
        case soci::dt_integer:
            return row.get<int>(at);
        case soci::dt_long_long:
            return std::int64_t{row.get<long long>(at)};
        case soci::dt_unsigned_long_long:
            return std::uint64_t{row.get<unsigned long long>(at)};
        case soci::dt_double:
            return row.get<double>(at);
        default:
            return row.get<std::string>(at);
    }
}

}  // namespace

std::string DbValue::text() const {
    if (const auto* text = std::get_if<std::string>(&value_)) return *text;
    if (const auto* integer = std::get_if<std::int64_t>(&value_)) return std::to_string(*integer);
    return {};
}

std::int64_t DbValue::integer() const {
    if (const auto* integer = std::get_if<std::int64_t>(&value_)) return *integer;
    if (const auto* real = std::get_if<double>(&value_)) return static_cast<std::int64_t>(*real);
    std::int64_t value = 0;
    if (const auto* text = std::get_if<std::string>(&value_))
        std::from_chars(text->data(), text->data() + text->size(), value);
    return value;
}

double DbValue::real() const {
    if (const auto* real = std::get_if<double>(&value_)) return *real;
    return static_cast<double>(integer());
}

struct Db::Impl {
    DbTarget target;
    FileLock lock;
    bool only_looks = false;
    std::unique_ptr<soci::session> session;
    std::uint64_t statements = 0;
    bool lost = false;  // the session can not be used any more
    // Of the transaction that runs:
    bool active = false;
    std::optional<Error> failed;  // its first statement that failed
    bool disturbed = false;       // others were in the way; it may be tried again
    std::minstd_rand jitter{std::random_device{}()};

    Result<void> connect();
    Result<void> prepare_sqlite();
    Result<void> prepare_postgresql();
    Result<void> begin(Access access);
    Result<void> commit();
    void roll_back();
    Result<void> attempt(Access access, const std::function<Result<void>()>& work);
    void wait_before_retry(int tries);

    Result<std::uint64_t> run(
        std::string_view sql, const DbValues& values, std::vector<DbRow>* rows
    );
    Result<std::uint64_t> run_counted(
        std::string_view sql, const DbValues& values, std::vector<DbRow>* rows
    );
    Error translate(const soci::soci_error& error);

    [[nodiscard]] bool is_sqlite() const { return target.engine == Engine::sqlite; }
    [[nodiscard]] bool in_memory() const { return is_sqlite() && target.path == ":memory:"; }
    // SOCI's libraries keep the types of its sessions to themselves, so they can not be checked
    // here.
    [[nodiscard]] SLIPWAY_UNCHECKED_TYPE sqlite_api::sqlite3* sqlite_handle() const {
        return static_cast<soci::sqlite3_session_backend*>(session->get_backend())->conn_;
    }
    [[nodiscard]] SLIPWAY_UNCHECKED_TYPE PGconn* postgresql_handle() const {
        return static_cast<soci::postgresql_session_backend*>(session->get_backend())->conn_;
    }
};

// Called while the statement that failed is still there, so that SQLite knows the extended code.
Error Db::Impl::translate(const soci::soci_error& error) {
    if (is_sqlite()) {
        const int code = sqlite_api::sqlite3_extended_errcode(sqlite_handle());
        // After a failed write or sync the file's state is known only to a new session.
        if ((code & 0xFF) == SQLITE_IOERR && !in_memory()) lost = true;
        return translate_sqlite(code, error.get_error_message());
    }
    if (PQstatus(postgresql_handle()) == CONNECTION_BAD) lost = true;
    const auto* detailed = dynamic_cast<const soci::postgresql_soci_error*>(&error);
    const std::string state = detailed && !lost ? detailed->sqlstate() : std::string("08006");
    if (state == "40001" || state == "40P01") disturbed = true;
    return translate_postgresql(state, error.get_error_message());
}

Result<std::uint64_t> Db::Impl::run(
    std::string_view sql, const DbValues& values, std::vector<DbRow>* rows
) {
    SLIPWAY_TRY(auto bound, bound_values(values));
    soci::row row;
    soci::statement statement(*session);
    try {
        statement.alloc();
        if (rows) statement.exchange(soci::into(row));
        for (std::size_t i = 0; i < bound.size(); ++i) {
            const auto& value = values[i].variant();
            if (std::holds_alternative<std::int64_t>(value))
                statement.exchange(soci::use(bound[i].integer, bound[i].indicator));
            else if (std::holds_alternative<double>(value))
                statement.exchange(soci::use(bound[i].real, bound[i].indicator));
            else
                statement.exchange(soci::use(bound[i].text, bound[i].indicator));
        }
        statement.prepare(
            is_sqlite() ? std::string(sql) : number_placeholders(sql),
            soci::details::st_one_time_query
        );
        statement.define_and_bind();
        if (!rows) {
            statement.execute(true);
            return static_cast<std::uint64_t>(std::max<long long>(0, statement.get_affected_rows())
            );
        }
        statement.execute(false);
        while (statement.fetch()) {
            DbRow& copy = rows->emplace_back();
            copy.reserve(row.size());
            for (std::size_t at = 0; at < row.size(); ++at) copy.push_back(read_column(row, at));
        }
        return rows->size();
    } catch (const soci::soci_error& error) {
        return translate(error);
    }
}

Result<std::uint64_t> Db::Impl::run_counted(
    std::string_view sql, const DbValues& values, std::vector<DbRow>* rows
) {
    if (failed) return *failed;
    if (!active && (lost || !session)) SLIPWAY_CHECK(connect());
    ++statements;
    auto result = run(sql, values, rows);
    if (!result && active) failed = result.error();
    return result;
}

Result<void> Db::Impl::prepare_sqlite() {
    auto* const handle = sqlite_handle();
    sqlite_api::sqlite3_busy_timeout(handle, 5000);
    if (only_looks) {
        std::vector<DbRow> rows;
        if (auto done = run("pragma query_only = on", {}, &rows); !done) return done.error();
        return {};
    }
    for (const char* const pragma : {
             "pragma foreign_keys = on",
             "pragma trusted_schema = off",
             "pragma cell_size_check = on",
             "pragma mmap_size = 0",
             "pragma journal_mode = wal",
             "pragma synchronous = full",
         }) {
        std::vector<DbRow> rows;
        if (auto done = run(pragma, {}, &rows); !done) return done.error();
    }
    std::vector<DbRow> mode;
    if (auto done = run("pragma journal_mode", {}, &mode); !done) return done.error();
    if (!in_memory() && (mode.empty() || mode.front().at(0).text() != "wal"))
        return Error(
            Errc::unsupported,
            "the catalogue's file system can not hold a write-ahead log; put the file on a local "
            "disk"
        );
    sqlite_api::sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    return {};
}

Result<void> Db::Impl::prepare_postgresql() {
    for (const char* const setting : {
             "set client_min_messages = warning",
             "set client_encoding = 'UTF8'",
             "set lock_timeout = '5s'",
             "set idle_in_transaction_session_timeout = '60s'",
         })
        if (auto done = run(setting, {}, nullptr); !done) return done.error();
    if (only_looks)
        if (auto done = run("set default_transaction_read_only = on", {}, nullptr); !done)
            return done.error();
    return {};
}

Result<void> Db::Impl::connect() {
    session.reset();
    lost = true;
    try {
        if (is_sqlite())
            session =
                std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + target.path + "\"");
        else
            session = std::make_unique<soci::session>(
                soci::postgresql,
                "connect_timeout='5' keepalives_idle='30' keepalives_interval='10' "
                "keepalives_count='3' "
                "tcp_user_timeout='30000' application_name='slipway' " +
                    target.conninfo
            );
    } catch (const soci::soci_error&) {
        // SOCI's text may name hosts and users; the sentence says where to look.
        return Error(
            Errc::unavailable,
            is_sqlite()
                ? "the catalogue's file can not be opened; check the path in [database] "
                  "connection, its folder and its owner"
                : "the catalogue's database can not be reached, or refuses us; check [database] "
                  "connection and the server",
            "connect"
        );
    }
    lost = false;
    auto prepared = is_sqlite() ? prepare_sqlite() : prepare_postgresql();
    if (!prepared) lost = true;
    return prepared;
}

Result<void> Db::Impl::begin(Access access) {
    std::string_view sql;
    if (is_sqlite())
        sql = access == Access::read ? "begin" : "begin immediate";
    else if (access == Access::read)
        sql = "begin isolation level repeatable read read only";
    else if (access == Access::write)
        sql = "begin isolation level serializable";
    else
        sql = "begin isolation level read committed";

    failed.reset();
    disturbed = false;
    const bool was_connected = session && !lost;
    if (!was_connected) SLIPWAY_CHECK(connect());
    auto begun = run(sql, {}, nullptr);
    if (!begun && lost && was_connected) {  // nothing is lost but the connection
        SLIPWAY_CHECK(connect());
        begun = run(sql, {}, nullptr);
    }
    if (!begun) return begun.error();
    if (access == Access::migrate && !is_sqlite()) {
        // Two servers that start at once: the second waits, and finds nothing left to do.
        constexpr std::int64_t kMigrationLock = 0x736c6970776179;  // "slipway"
        auto locked =
            run("select cast(pg_advisory_xact_lock(?) as text)", {kMigrationLock}, nullptr);
        if (!locked) {
            roll_back();
            return locked.error();
        }
    }
    return {};
}

Result<void> Db::Impl::commit() {
    auto committed = run("commit", {}, nullptr);
    if (!committed) return committed.error();
    return {};
}

void Db::Impl::roll_back() {
    if (lost || !session) return;
    // Some errors of SQLite roll back by themselves.
    if (is_sqlite() && sqlite_api::sqlite3_get_autocommit(sqlite_handle()) != 0) return;
    if (!run("rollback", {}, nullptr)) lost = !in_memory();
}

Result<void> Db::Impl::attempt(Access access, const std::function<Result<void>()>& work) {
    SLIPWAY_CHECK(begin(access));
    Result<void> done;
    active = true;
    try {
        done = work();
    } catch (...) {
        active = false;
        failed.reset();
        roll_back();
        throw;
    }
    active = false;
    if (done && failed) done = *failed;
    if (!done) {
        roll_back();
        // Before the commit a lost connection has changed nothing: try again, with a new one.
        if (lost && !is_sqlite()) disturbed = true;
        return done;
    }
    auto committed = commit();
    if (!committed) {
        roll_back();
        if (lost)
            return Error(
                Errc::unavailable,
                "the connection to the catalogue's database was lost; what was asked for may or "
                "may not "
                "have been done: look before you try again",
                committed.error().reason
            );
    }
    return committed;
}

void Db::Impl::wait_before_retry(int tries) {
    std::uniform_int_distribution<int> spread(1, 4 << std::min(tries, 5));
    std::this_thread::sleep_for(std::chrono::milliseconds(spread(jitter)));
}

Db::Db(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Db::~Db() = default;

Result<std::unique_ptr<Db>> Db::open(const DbTarget& target) {
    auto impl = std::make_unique<Impl>();
    impl->target = target;
    if (impl->is_sqlite() && !impl->in_memory()) {
        SLIPWAY_TRY(impl->lock, FileLock::take(target.path + ".lock"));
    }
    SLIPWAY_CHECK(impl->connect());
    return std::unique_ptr<Db>(new Db(std::move(impl)));
}

Result<std::unique_ptr<Db>> Db::open_to_look(const DbTarget& target) {
    auto impl = std::make_unique<Impl>();
    impl->target = target;
    impl->only_looks = true;
    std::error_code ignored;
    if (impl->is_sqlite() && !impl->in_memory() && !std::filesystem::exists(target.path, ignored))
        return Error(Errc::not_found, "there is no catalogue at the path in [database] connection");
    SLIPWAY_CHECK(impl->connect());
    return std::unique_ptr<Db>(new Db(std::move(impl)));
}

Engine Db::engine() const {
    return impl_->target.engine;
}

std::uint64_t Db::statements() const {
    return impl_->statements;
}

Result<void> Db::transact(Access access, const std::function<Result<void>()>& work) {
    for (int tries = 1;; ++tries) {
        auto done = impl_->attempt(access, work);
        impl_->failed.reset();
        if (done || !impl_->disturbed || tries == kMostAttempts) return done;
        impl_->wait_before_retry(tries);
    }
}

Result<std::uint64_t> Db::execute(std::string_view sql, const DbValues& values) {
    return impl_->run_counted(sql, values, nullptr);
}

Result<std::vector<DbRow>> Db::query(std::string_view sql, const DbValues& values) {
    std::vector<DbRow> rows;
    if (auto done = impl_->run_counted(sql, values, &rows); !done) return done.error();
    return rows;
}

}  // namespace slipway::store
