#pragma once

#include "base/result.h"
#include "store/db.h"
#include "store/db_url.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::store {

// A session with a MariaDB or MySQL server that only reads. The client's library stays behind it.
// Belongs to one thread at a time.
class MariaDb {
public:
    // Errors: unavailable; none of them shows the password.
    static Result<std::unique_ptr<MariaDb>> open(const MariaDbTarget& target);
    ~MariaDb();
    MariaDb(const MariaDb&) = delete;
    MariaDb& operator=(const MariaDb&) = delete;

    // Every value of a row is text or null. `?` outside of quotes stand for the texts of `values`.
    // Errors: unavailable when the connection is lost; internal for a statement that is refused.
    Result<std::vector<DbRow>> query(std::string_view sql, const DbValues& values = {});

private:
    struct Impl;
    explicit MariaDb(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace slipway::store
