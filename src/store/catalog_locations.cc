#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

#include <algorithm>

namespace slipway::store {

namespace {

Error given_up() {
    return Error(
        Errc::gone,
        "The image was deleted, or its upload was given up, while it was being uploaded."
    );
}

Error in_use() {
    return Error(
        Errc::conflict, "the location or its directory is in use already; choose a fresh name"
    );
}

}  // namespace

Result<void> insert_location(Db& db, const Location& location) {
    const DbValues values{
        location.id,
        location.image_id,
        location.backend,
        location.datastore,
        location.datastore_ref,
        location.directory,
        location.data_file,
        location.descriptor,
        slipway::to_string(location.form),
        location.data_offset,
        location.stored_bytes,
        to_string(location.state),
        location.server,
        location.created_at,
        location.not_before,
        location.is_foreign() ? DbValue(location.url) : DbValue(),
        location.metadata,
        location.is_owned,
    };
    SLIPWAY_TRY(
        const auto inserted,
        db.execute(
            "insert into locations (" + std::string(kLocationColumns) + ") values (" +
                placeholders(values.size()) + ") on conflict do nothing",
            values
        )
    );
    if (inserted == 0) return in_use();
    return {};
}

Result<void> record_outcome(Db& db, const ImageId& id, const UploadOutcome& outcome) {
    SLIPWAY_CHECK(db.execute(
        "update images set size = ?, virtual_size = ?, checksum = ?, os_hash_algo = ?, "
        "os_hash_value = ? where id = ?",
        {outcome.size_bytes,
         outcome.virtual_size_bytes,
         outcome.checksum,
         outcome.os_hash_algo,
         outcome.os_hash_value,
         id}
    ));
    return record_boot_form(db, id, outcome.boot_form, outcome.boot_reason);
}

namespace {

Result<bool> is_finished(Db& db, const Location& location, const UploadOutcome& outcome) {
    if (!outcome.drops_upload || !outcome.boot_location)
        return location.state == LocationState::live;
    SLIPWAY_TRY(
        const auto kept, load_locations(db, "id = ? and state = 'live'", {*outcome.boot_location})
    );
    return !kept.empty();
}

}  // namespace

std::uint64_t counted_bytes(const Location& location) {
    return location.stored_bytes > location.data_offset
               ? location.stored_bytes - location.data_offset
               : location.stored_bytes;
}

awaitable<Result<void>> SqlCatalog::begin_writing(
    Location location, std::optional<ImageEvent> event
) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const bool ours, holds_lease());
        if (!ours)
            return Error(
                Errc::unavailable,
                "this server has lost its lease and takes no uploads; try again later"
            );
        SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
        if (!event && image.status != ImageStatus::importing)
            return Error(Errc::conflict, "The image is not being imported.");
        ImageStatus status = image.status;
        if (event) {
            SLIPWAY_TRY(status, next_status(image.status, *event));
            SLIPWAY_CHECK(move_status(image, *event));
        }
        // A location of a client's that was refused after it had been looked at.
        if (event)
            SLIPWAY_CHECK(db_->execute(
                "update locations set state = 'garbage', not_before = ? "
                "where image_id = ? and state = 'live'",
                {now(), image.id}
            ));
        SLIPWAY_CHECK(check_room(image, status, counted_bytes(location)));
        if (!server_.empty()) location.server = server_;
        location.state = LocationState::writing;
        location.created_at = location.not_before = now();
        return insert_location(*db_, location);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::begin_upload(Location location) {
    co_return co_await begin_writing(std::move(location), ImageEvent::upload_started);
}

awaitable<Result<void>> SqlCatalog::begin_stage(Location location) {
    co_return co_await begin_writing(std::move(location), ImageEvent::stage_started);
}

awaitable<Result<void>> SqlCatalog::begin_fetch(Location location) {
    co_return co_await begin_writing(std::move(location), std::nullopt);
}

// Of an upload that was not known to be so long. A form of the same bytes that takes the place of
// the upload counts already.
Result<void> SqlCatalog::check_length(const Image& image, const UploadOutcome& outcome) {
    if (outcome.boot_location) {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {*outcome.boot_location}));
        if (!found.empty() && found.front().form != StoredForm::boot) return {};
    }
    return check_overrun(image, ImageStatus::active);
}

// The state and the server in the condition are the fence: whoever recovered us has changed the
// state, and whoever took our name has another lease.
Result<void> SqlCatalog::settle_writing(
    const Location& location, LocationState state, std::uint64_t stored_bytes
) {
    SLIPWAY_TRY(const bool ours, holds_lease());
    if (!ours) return given_up();
    SLIPWAY_TRY(
        const auto moved,
        db_->execute(
            "update locations set state = ?, stored_bytes = ? "
            "where id = ? and state = 'writing' and server = ?",
            {to_string(state),
             stored_bytes,
             location.id,
             server_.empty() ? location.server : server_}
        )
    );
    if (moved == 0) return given_up();
    return {};
}

awaitable<Result<void>> SqlCatalog::finish_upload(const LocationId& id, UploadOutcome outcome) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {id}));
        if (found.empty()) return given_up();
        const Location& location = found.front();
        SLIPWAY_TRY(const bool done, is_finished(*db_, location, outcome));
        if (done) return {};  // an earlier call did it
        const auto state = outcome.drops_upload ? LocationState::garbage : LocationState::live;
        SLIPWAY_CHECK(settle_writing(location, state, outcome.stored_bytes));
        SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
        if (outcome.stored_bytes > location.stored_bytes && !outcome.drops_upload)
            SLIPWAY_CHECK(check_length(image, outcome));
        SLIPWAY_CHECK(move_status(image, ImageEvent::upload_finished));
        SLIPWAY_CHECK(record_outcome(*db_, image.id, outcome));
        if (outcome.boot_location)
            SLIPWAY_CHECK(settle_location(*outcome.boot_location, outcome.boot_stored_bytes));
        if (outcome.replaces_record) SLIPWAY_CHECK(replace_record(*db_, image.id, now()));
        const TransferRecord transfer{
            .kind = "upload",
            .image_id = image.id,
            .account = outcome.account,
            .finished_at = now(),
            .request_id = outcome.request_id,
        };
        return insert_transfer(transfer);
    };
    co_return co_await write(work);
}

Result<void> SqlCatalog::give_up_writing(const Location& location) {
    SLIPWAY_TRY(
        const auto moved,
        db_->execute(
            "update locations set state = 'garbage', not_before = ? where id = ? and state in "
            "('writing', 'adding')",
            {now(), location.id}
        )
    );
    if (moved == 0 || location.state == LocationState::adding) return {};
    SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
    if (image.status == ImageStatus::importing) return {};  // the task goes on
    SLIPWAY_CHECK(move_status(image, ImageEvent::upload_failed));
    SLIPWAY_CHECK(db_->execute(
        "update locations set state = 'garbage', not_before = ? where image_id = ? and "
        "state = 'adding' and server = ?",
        {now(), image.id, location.server}
    ));
    return doubt_seeds(image.id);
}

awaitable<Result<void>> SqlCatalog::fail_upload(const LocationId& id) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {id}));
        if (found.empty()) return {};
        if (found.front().state == LocationState::live ||
            found.front().state == LocationState::staged)
            return Error(Errc::conflict, "the upload was finished; delete the image instead");
        return give_up_writing(found.front());
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<Location>>> SqlCatalog::live_locations(const ImageId& id) {
    auto work = [&] {
        return load_locations(
            *db_, "image_id = ? and state = 'live' order by created_at, id", {id}
        );
    };
    co_return co_await read(work);
}

awaitable<Result<std::vector<Location>>> SqlCatalog::live_locations(std::vector<ImageId> ids) {
    if (ids.empty()) co_return std::vector<Location>();
    auto work = [&] {
        std::string places;
        std::vector<DbValue> values;
        for (const ImageId& id : ids) {
            places += places.empty() ? "?" : ", ?";
            values.emplace_back(id);
        }
        return load_locations(
            *db_, "image_id in (" + places + ") and state = 'live' order by created_at, id", values
        );
    };
    co_return co_await read(work);
}

awaitable<Result<Location>> SqlCatalog::find_location(const LocationId& id) {
    auto work = [&] { return load_location(*db_, id); };
    co_return co_await read(work);
}

awaitable<Result<std::vector<BackendId>>> SqlCatalog::backends_with_garbage() {
    auto work = [&]() -> Result<std::vector<BackendId>> {
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select distinct backend from locations where state = 'garbage' and not_before <= "
                "?",
                {now()}
            )
        );
        std::vector<BackendId> backends;
        for (const DbRow& row : rows) backends.emplace_back(row.front().text());
        return backends;
    };
    co_return co_await read(work);
}

awaitable<Result<std::vector<Location>>> SqlCatalog::collectable_garbage(
    const BackendId& backend, std::size_t limit
) {
    auto work = [&] {
        return load_locations(
            *db_,
            "state = 'garbage' and not_before <= ? and backend = ? and not exists (select 1 from "
            "tasks "
            "where tasks.location_id = locations.id and tasks.status in ('pending', 'running')) "
            // A file that another image names as well stays until that one lets go of it.
            "and not (owned = 1 and exists (select 1 from locations other where other.backend = "
            "locations.backend and other.datastore = locations.datastore and other.directory = "
            "locations.directory and other.data_file = locations.data_file and other.id <> "
            "locations.id and other.state <> 'garbage')) "
            "order by not_before, id limit ?",
            {now(), backend, std::uint64_t{limit}}
        );
    };
    co_return co_await read(work);
}

awaitable<Result<void>> SqlCatalog::postpone_garbage(
    const LocationId& id, std::chrono::seconds by
) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(
            const auto postponed,
            db_->execute(
                "update locations set not_before = ? where id = ? and state = 'garbage'",
                {now() + by, id}
            )
        );
        if (postponed > 0) return {};
        SLIPWAY_CHECK(load_location(*db_, id));
        return Error(Errc::conflict, "the location is in use and no garbage");
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::forget_location(const LocationId& id) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(
            const auto forgotten,
            db_->execute("delete from locations where id = ? and state = 'garbage'", {id})
        );
        if (forgotten > 0)
            SLIPWAY_CHECK(db_->execute("delete from staged_facts where location_id = ?", {id}));
        if (forgotten > 0) return {};
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {id}));
        if (found.empty()) return {};
        return Error(Errc::conflict, "the location is in use and no garbage");
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<Location>>> SqlCatalog::locations_of(const BackendId& backend) {
    auto work = [&] {
        return load_locations(*db_, "backend = ? order by datastore, directory", {backend});
    };
    co_return co_await read(work);
}

}  // namespace slipway::store
