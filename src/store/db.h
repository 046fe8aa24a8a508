#pragma once

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "store/db_url.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace slipway::store {

// What is bound to a `?`, or stands in a column: null, a whole number, a real one, or text.
class DbValue {
public:
    DbValue() = default;
    DbValue(std::nullopt_t) {}
    DbValue(std::int64_t value) : value_(value) {}
    // More than 2^63 comes out negative, which the schema's checks refuse.
    DbValue(std::uint64_t value) : value_(static_cast<std::int64_t>(value)) {}
    DbValue(int value) : value_(std::int64_t{value}) {}
    DbValue(bool value) : value_(std::int64_t{value ? 1 : 0}) {}
    DbValue(double value) : value_(value) {}
    DbValue(Time value) : value_(std::int64_t{value.time_since_epoch().count()}) {}
    DbValue(std::string value) : value_(std::move(value)) {}
    DbValue(std::string_view value) : value_(std::string(value)) {}
    DbValue(const char* value) : value_(std::string(value)) {}
    template <class Tag>
    DbValue(const Name<Tag>& name) : value_(name.str()) {}
    template <class T>
    DbValue(const std::optional<T>& value) {
        if (value) *this = DbValue(*value);
    }

    [[nodiscard]] bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
    // What is null reads as "" and 0. A number that the engine gives as text is read as a number.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] std::int64_t integer() const;
    [[nodiscard]] double real() const;

    [[nodiscard]] const auto& variant() const { return value_; }

private:
    std::variant<std::monostate, std::int64_t, double, std::string> value_;
};

using DbValues = std::vector<DbValue>;
using DbRow = std::vector<DbValue>;

// Reads the columns of a row from left to right.
class RowReader {
public:
    explicit RowReader(const DbRow& row) : row_(row) {}

    std::string text() { return next().text(); }
    std::int64_t integer() { return next().integer(); }
    std::uint64_t size() { return static_cast<std::uint64_t>(next().integer()); }
    double real() { return next().real(); }
    bool flag() { return next().integer() != 0; }
    Time time() { return Time(std::chrono::microseconds(next().integer())); }
    template <class T>
    T name() {
        return T(next().text());
    }
    std::optional<std::string> optional_text() {
        const DbValue& value = next();
        return value.is_null() ? std::nullopt : std::optional(value.text());
    }
    std::optional<std::uint64_t> optional_size() {
        const DbValue& value = next();
        if (value.is_null()) return std::nullopt;
        return static_cast<std::uint64_t>(value.integer());
    }

private:
    const DbValue& next() { return row_.at(at_++); }

    const DbRow& row_;
    std::size_t at_ = 0;
};

// One session with the catalogue's database; SOCI stays behind it. Belongs to one thread at a time.
//
// Foreign errors become ours here and nowhere else; `reason` is then the engine's word for it:
//   conflict          a row with this key exists (reason "unique")
//   not_found         a row that is referred to does not exist (reason "foreign_key")
//   invalid_argument  a value that the schema refuses
//   unavailable       not reachable, locked for too long, an I/O error, a full disk: try again
//                     later
//   corrupt           the database is damaged
//   internal          a statement of ours is wrong
class Db {
public:
    // Opens a session. SQLite: takes the lock of the one server, `<file>.lock`, for the life of the
    // Db. Errors: conflict when another process holds that lock; unavailable.
    static Result<std::unique_ptr<Db>> open(const DbTarget& target);
    // A session that looks and changes nothing: it takes no lock, so a server may run beside it,
    // and makes no file. Errors: not_found when SQLite's file is not there; unavailable.
    static Result<std::unique_ptr<Db>> open_to_look(const DbTarget& target);
    ~Db();
    Db(const Db&) = delete;
    Db& operator=(const Db&) = delete;

    [[nodiscard]] Engine engine() const;

    // Runs `work` (which returns a Result) in one transaction: committed when it succeeds, rolled
    // back when it fails or throws, or when any statement in it failed. On PostgreSQL transactions
    // are serializable: `work` runs again when others were in the way, or when the connection was
    // lost before the commit. So it must set whatever it captured anew each time.
    template <class Work>
    std::invoke_result_t<Work&> write(Work&& work) {
        return run(Access::write, work);
    }
    // The same for what only reads: one state of the database for all statements.
    template <class Work>
    std::invoke_result_t<Work&> read(Work&& work) {
        return run(Access::read, work);
    }
    // The same for a change of the schema: one at a time, over all processes.
    template <class Work>
    std::invoke_result_t<Work&> migrate(Work&& work) {
        return run(Access::migrate, work);
    }

    // Runs a statement whose `?` outside of quotes are bound to `values` in order; the rows it
    // changed.
    Result<std::uint64_t> execute(std::string_view sql, const DbValues& values = {});
    Result<std::vector<DbRow>> query(std::string_view sql, const DbValues& values = {});

    // Statements run so far, those that begin and end transactions left out.
    [[nodiscard]] std::uint64_t statements() const;

private:
    enum class Access { read, write, migrate };
    struct Impl;
    explicit Db(std::unique_ptr<Impl> impl);
    Result<void> transact(Access access, const std::function<Result<void>()>& work);

    template <class Work>
    std::invoke_result_t<Work&> run(Access access, Work& work) {
        std::optional<std::invoke_result_t<Work&>> result;
        const auto body = [&]() -> Result<void> {
            result.emplace(work());
            if (!*result) return result->error();
            return {};
        };
        if (auto done = transact(access, body); !done) return done.error();
        return std::move(*result);
    }

    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::store
