#pragma once

#include "base/result.h"
#include "model/image.h"
#include "model/location.h"
#include "model/member.h"
#include "model/task_record.h"
#include "store/catalog.h"
#include "store/db.h"

#include <string_view>
#include <vector>

// Rows of the catalogue as values of the model. Functions that take a Db run inside a transaction.
namespace slipway::store {

std::string_view to_string(LocationState state);

// The columns that the readers below expect, in their order.
extern const std::string_view kImageColumns;
extern const std::string_view kLocationColumns;
extern const std::string_view kMemberColumns;
extern const std::string_view kTaskColumns;
extern const std::string_view kTransferColumns;

// Without tags and properties. Errors: corrupt for a word that is none of ours.
Result<Image> read_image(const DbRow& row);
Result<Location> read_location(const DbRow& row);
Member read_member(const DbRow& row);
Result<TaskRecord> read_task(const DbRow& row);
TransferRecord read_transfer(const DbRow& row);

// Adds tags and properties, by one query each for all `images`.
Result<void> load_tags_and_properties(Db& db, std::vector<Image>& images);

// An image that is not deleted, whole. Errors: not_found.
Result<Image> load_image(Db& db, const ImageId& id);
Result<Location> load_location(Db& db, const LocationId& id);
Result<std::vector<Location>> load_locations(
    Db& db, std::string_view condition, const DbValues& values
);
Result<TaskRecord> load_task(Db& db, const TaskId& id);

// "?, ?, ?"
std::string placeholders(std::size_t count);

}  // namespace slipway::store
