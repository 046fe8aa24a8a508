#pragma once

#include "base/result.h"
#include "store/db.h"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::store {

// The database of a Glance, whatever it is kept in, read in one transaction and never written.
class GlanceDatabase {
public:
    // `url` as SQLAlchemy spells it. Errors: invalid_argument, not_found when SQLite's file is not
    // there, unavailable; none of them shows a password.
    static Result<std::unique_ptr<GlanceDatabase>> open(std::string_view url);
    virtual ~GlanceDatabase() = default;

    // Runs `work` once, with one state of the database for all its queries.
    virtual Result<void> look(const std::function<Result<void>()>& work) = 0;
    // Inside look() only. Errors: unavailable; internal for a statement that is refused.
    virtual Result<std::vector<DbRow>> query(std::string_view sql, const DbValues& values) = 0;

    // Columns as text, so that one reader understands all engines: their own types for numbers,
    // truth values and times differ. A time reads 2026-12-01 06:00:00.123456.
    [[nodiscard]] virtual std::string text_of(std::string_view column) const = 0;
    [[nodiscard]] virtual std::string time_of(std::string_view column) const = 0;
};

}  // namespace slipway::store
