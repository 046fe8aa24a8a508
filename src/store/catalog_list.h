#pragma once

#include "store/catalog.h"
#include "store/db.h"

#include <optional>
#include <string>

namespace slipway::store {

struct Statement {
    std::string sql;
    DbValues values;
};

// The statement of one page: images by kImageColumns. `after`: what the columns of the sort order
// hold in the row of the marker. A pure function, so that its plan can be looked at. Errors:
// invalid_argument for a column that can not be filtered by.
Result<Statement> page_statement(const ImageQuery& query, const std::optional<DbRow>& after);

// One page, whole; runs inside a transaction. Three statements, and one more with a marker, however
// long the page is.
Result<std::vector<Image>> list_images(Db& db, const ImageQuery& query);

}  // namespace slipway::store
