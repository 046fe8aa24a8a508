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

// What the bytes have shown, without the status.
Result<void> record_outcome(Db& db, const Image& image, const UploadOutcome& outcome) {
    const BootForm* const boot = outcome.boot_form ? &*outcome.boot_form : nullptr;
    SLIPWAY_CHECK(db.execute(
        "update images set size = ?, virtual_size = ?, checksum = ?, os_hash_algo = ?, "
        "os_hash_value = ?, boot_disk_type = ?, boot_size = ?, boot_capacity = ?, "
        "boot_checksum = ?, boot_os_hash_value = ? where id = ?",
        {outcome.size_bytes,
         outcome.virtual_size_bytes,
         outcome.checksum,
         outcome.os_hash_algo,
         outcome.os_hash_value,
         boot ? DbValue(boot->disk_type) : DbValue(),
         boot ? DbValue(boot->size_bytes) : DbValue(),
         boot ? DbValue(boot->capacity_bytes) : DbValue(),
         boot ? DbValue(boot->checksum) : DbValue(),
         boot ? DbValue(boot->os_hash_value) : DbValue(),
         image.id}
    ));
    return {};
}

}  // namespace

awaitable<Result<void>> SqlCatalog::begin_upload(Location location) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const bool ours, holds_lease());
        if (!ours)
            return Error(
                Errc::unavailable,
                "this server has lost its lease and takes no uploads; try again later"
            );
        SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
        SLIPWAY_CHECK(move_status(image, ImageEvent::upload_started));
        if (!server_.empty()) location.server = server_;
        location.state = LocationState::writing;
        location.created_at = location.not_before = now();
        return insert_location(*db_, location);
    };
    co_return co_await write(work);
}

// The state and the server in the condition are the fence: whoever recovered us has changed the
// state, and whoever took our name has another lease.
awaitable<Result<void>> SqlCatalog::finish_upload(const LocationId& id, UploadOutcome outcome) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {id}));
        if (found.empty()) return given_up();
        const Location& location = found.front();
        if (location.state == LocationState::live) return {};  // an earlier call did it
        SLIPWAY_TRY(const bool ours, holds_lease());
        if (!ours) return given_up();
        SLIPWAY_TRY(
            const auto moved,
            db_->execute(
                "update locations set state = 'live', stored_bytes = ? "
                "where id = ? and state = 'writing' and server = ?",
                {outcome.stored_bytes, id, server_.empty() ? location.server : server_}
            )
        );
        if (moved == 0) return given_up();
        SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
        SLIPWAY_CHECK(move_status(image, ImageEvent::upload_finished));
        SLIPWAY_CHECK(record_outcome(*db_, image, outcome));
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
            "update locations set state = 'garbage', not_before = ? where id = ? and state = "
            "'writing'",
            {now(), location.id}
        )
    );
    if (moved == 0) return {};
    SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
    return move_status(image, ImageEvent::upload_failed);
}

awaitable<Result<void>> SqlCatalog::fail_upload(const LocationId& id) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {id}));
        if (found.empty()) return {};
        if (found.front().state == LocationState::live)
            return Error(Errc::conflict, "the upload was finished; delete the image instead");
        return give_up_writing(found.front());
    };
    co_return co_await write(work);
}

// ---------------------------------------------------------------------------------------------

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

awaitable<Result<std::vector<Location>>> SqlCatalog::collectable_garbage(std::size_t limit) {
    auto work = [&] {
        return load_locations(
            *db_,
            "state = 'garbage' and not_before <= ? and not exists (select 1 from tasks "
            "where tasks.location_id = locations.id and tasks.status in ('pending', 'running')) "
            "order by not_before, id limit ?",
            {now(), std::uint64_t{limit}}
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
