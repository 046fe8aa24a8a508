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
// Errors: conflict when there is one of this id.
Result<void> insert_task(Db& db, const TaskRecord& task);
// Writes what differs, but for the status and what only the bytes show. Errors: conflict.
Result<void> write_edits(Db& db, const Image& before, const Image& after);

// For what clients are shown of the image and is no column of its row.
Result<void> touch_image(Db& db, const ImageId& id, Time now);

// With tags and properties. Errors: conflict when the id is in use.
Result<void> insert_image(Db& db, const Image& image);
// What the bytes have shown, without the status.
Result<void> record_outcome(Db& db, const ImageId& id, const UploadOutcome& outcome);
// Errors: conflict when the id or the directory is in use.
Result<void> insert_location(Db& db, const Location& location);
// What a location counts for its project: the upload, or the boot form; not the tables before it.
std::uint64_t counted_bytes(const Location& location);
// The image's record becomes that of its boot form.
Result<void> replace_record(Db& db, const ImageId& id, Time now);
// The image's boot form, or why it has none.
Result<void> record_boot_form(
    Db& db,
    const ImageId& id,
    const std::optional<BootForm>& form,
    const std::optional<std::string>& reason
);

// "?, ?, ?"
std::string placeholders(std::size_t count);

}  // namespace slipway::store
