#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

namespace slipway::store {

namespace {

Error given_up() {
    return Error(
        Errc::gone, "The image was deleted, or this copy of it was given up, while it was made."
    );
}

bool has_data(ImageStatus status) {
    return status == ImageStatus::active || status == ImageStatus::deactivated;
}

// Two copies on one datastore would go with it.
Result<void> check_place(Db& db, const Location& added) {
    SLIPWAY_TRY(
        const auto same,
        load_locations(
            db,
            "image_id = ? and backend = ? and datastore = ? and form = ? and data_file = ? and "
            "descriptor = ? and state in ('live', 'adding')",
            {added.image_id,
             added.backend,
             added.datastore,
             slipway::to_string(added.form),
             added.data_file,
             added.descriptor}
        )
    );
    if (same.empty()) return {};
    return Error(Errc::conflict, "The datastore has a copy of the image already.", kSamePlace);
}

}  // namespace

Result<void> record_boot_form(
    Db& db,
    const ImageId& id,
    const std::optional<BootForm>& form,
    const std::optional<std::string>& reason
) {
    SLIPWAY_CHECK(db.execute(
        "update images set boot_disk_type = ?, boot_size = ?, boot_capacity = ?, "
        "boot_checksum = ?, boot_os_hash_value = ?, boot_reason = ? where id = ?",
        {form ? DbValue(form->disk_type) : DbValue(),
         form ? DbValue(form->size_bytes) : DbValue(),
         form ? DbValue(form->capacity_bytes) : DbValue(),
         form ? DbValue(form->checksum) : DbValue(),
         form ? DbValue(form->os_hash_value) : DbValue(),
         form ? DbValue() : DbValue(reason),
         id}
    ));
    return {};
}

Result<void> replace_record(Db& db, const ImageId& id, Time now) {
    SLIPWAY_TRY(Image image, load_image(db, id));
    take_boot_form(image);
    SLIPWAY_CHECK(db.execute(
        "update images set disk_format = ?, container_format = ?, size = ?, virtual_size = ?, "
        "checksum = ?, os_hash_value = ?, updated_at = ? where id = ?",
        {image.disk_format,
         image.container_format,
         image.size_bytes,
         image.virtual_size_bytes,
         image.checksum,
         image.os_hash_value,
         now,
         id}
    ));
    SLIPWAY_CHECK(db.execute(
        "insert into image_properties (image_id, name, value) values (?, 'vmware_disktype', ?) "
        "on conflict (image_id, name) do update set value = excluded.value",
        {id, image.property("vmware_disktype")}
    ));
    return {};
}

Result<void> SqlCatalog::settle_location(const LocationId& id, std::uint64_t stored_bytes) {
    SLIPWAY_TRY(const bool ours, holds_lease());
    if (!ours) return given_up();
    SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ? and state = 'adding'", {id}));
    if (found.empty()) return given_up();
    SLIPWAY_TRY(
        const auto moved,
        db_->execute(
            "update locations set state = 'live', stored_bytes = ? "
            "where id = ? and state = 'adding' and server = ?",
            {stored_bytes, id, server_.empty() ? found.front().server : server_}
        )
    );
    if (moved == 0) return given_up();
    return {};
}

awaitable<Result<void>> SqlCatalog::add_location(Location location, bool instead) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const bool ours, holds_lease());
        if (!ours)
            return Error(
                Errc::unavailable,
                "this server has lost its lease and makes no copies; try again later"
            );
        SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
        if (image.status != ImageStatus::saving && image.status != ImageStatus::importing &&
            !has_data(image.status))
            return Error(Errc::conflict, "The image has no data.");
        if (!instead)
            SLIPWAY_CHECK(check_room(image, ImageStatus::active, counted_bytes(location)));
        SLIPWAY_CHECK(check_place(*db_, location));
        if (!server_.empty()) location.server = server_;
        location.state = LocationState::adding;
        location.created_at = location.not_before = now();
        return insert_location(*db_, location);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::finish_location(const LocationId& id, AddedLocation added) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {id}));
        if (found.empty()) return given_up();
        if (found.front().state == LocationState::live) return {};  // an earlier call did it
        auto image = load_image(*db_, found.front().image_id);
        if (!image && image.error().code == Errc::not_found) return given_up();
        if (!image) return image.error();
        const bool same_bytes = !added.checksum || image->checksum == added.checksum;
        if (!has_data(image->status) || !same_bytes) return given_up();
        SLIPWAY_CHECK(settle_location(id, added.stored_bytes));
        if (added.boot_form)
            SLIPWAY_CHECK(record_boot_form(*db_, image->id, added.boot_form, std::nullopt));
        if (added.replaces_record) {
            SLIPWAY_CHECK(replace_record(*db_, image->id, now()));
            SLIPWAY_CHECK(db_->execute(
                "update locations set state = 'garbage', not_before = ? where image_id = ? and "
                "id <> ? and state in ('live', 'adding')",
                {now() + added.grace, image->id, id}
            ));
        }
        if (!added.replaced) return {};
        // What is left to do for the image is done with what replaces it.
        SLIPWAY_CHECK(db_->execute(
            "update tasks set location_id = ? where location_id = ? and kind = 'boot_form' and "
            "status in ('pending', 'running')",
            {id, *added.replaced}
        ));
        SLIPWAY_CHECK(db_->execute(
            "update locations set state = 'garbage', not_before = ? where id = ? and state = "
            "'live'",
            {now() + added.grace, *added.replaced}
        ));
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<Location>> SqlCatalog::take_over_location(const LocationId& id) {
    auto work = [&]() -> Result<Location> {
        SLIPWAY_TRY(const bool ours, holds_lease());
        if (!ours) return given_up();
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ? and state = 'adding'", {id}));
        if (found.empty()) return given_up();
        Location location = found.front();
        if (server_.empty()) return location;
        location.server = server_;
        SLIPWAY_CHECK(
            db_->execute("update locations set server = ? where id = ?", {location.server, id})
        );
        return location;
    };
    co_return co_await write(work);
}

Result<void> SqlCatalog::discard(const DroppedLocation& dropped) {
    SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {dropped.location}));
    if (found.empty() || found.front().state == LocationState::garbage) return {};
    const Location& location = found.front();
    if (location.state == LocationState::adding && !server_.empty() && location.server != server_)
        return {};
    if (location.state == LocationState::writing)
        return Error(Errc::conflict, "The location belongs to an upload that runs.");
    if (location.state == LocationState::live) {
        SLIPWAY_TRY(
            const auto others,
            load_locations(
                *db_,
                "image_id = ? and state = 'live' and id <> ?",
                {location.image_id, location.id}
            )
        );
        bool holds_upload = false;
        bool holds_boot_form = false;
        for (const Location& other : others) {
            holds_upload |= other.holds_upload();
            holds_boot_form |= other.holds_boot_form();
        }
        if (location.holds_upload() && !holds_upload)
            return Error(
                Errc::conflict, "It is the last copy of the image; delete the image instead."
            );
        if (location.holds_boot_form() && !holds_boot_form)
            SLIPWAY_CHECK(record_boot_form(*db_, location.image_id, {}, {}));
        SLIPWAY_CHECK(touch_image(*db_, location.image_id, now()));
        SLIPWAY_CHECK(db_->execute(
            "update tasks set cancel_requested = 1, updated_at = ?, "
            "status = case status when 'pending' then 'cancelled' else status end "
            "where location_id = ? and kind = 'boot_form' and status in ('pending', 'running')",
            {now(), location.id}
        ));
    }
    SLIPWAY_CHECK(db_->execute(
        "update locations set state = 'garbage', not_before = ? where id = ?",
        {now() + dropped.grace, location.id}
    ));
    return {};
}

awaitable<Result<void>> SqlCatalog::drop_location(
    const LocationId& id, std::chrono::seconds grace
) {
    const DroppedLocation dropped{id, grace};
    auto work = [&] { return discard(dropped); };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::note_boot_reason(const ImageId& id, std::string reason) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_CHECK(db_->execute(
            "update images set boot_reason = ? where id = ? and boot_disk_type is null",
            {reason, id}
        ));
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::note_import(
    const ImageId& id, std::optional<std::string> reason
) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_CHECK(db_->execute(
            "update images set boot_reason = ? where id = ?",
            {reason ? DbValue(*reason) : DbValue(), id}
        ));
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<Image>> SqlCatalog::create_object(
    const BackendId& backend, const std::string& object, Image image
) {
    image.is_object = true;
    auto work = [&]() -> Result<Image> {
        SLIPWAY_TRY(
            const auto known,
            db_->query(
                "select image_id from objects where backend = ? and object_id = ?",
                {backend, object}
            )
        );
        if (!known.empty()) {
            SLIPWAY_TRY(const Image old, load_image(*db_, ImageId(known.front().at(0).text())));
            // Nobody has come to write it, or whoever did so is gone.
            if (old.status == ImageStatus::queued)
                SLIPWAY_CHECK(erase_image(old, std::chrono::seconds(0)));
        }
        image.created_at = image.updated_at = now();
        SLIPWAY_CHECK(insert_image(*db_, image));
        SLIPWAY_TRY(
            const auto inserted,
            db_->execute(
                "insert into objects (backend, object_id, image_id, created_at) "
                "values (?, ?, ?, ?) on conflict do nothing",
                {backend, object, image.id, now()}
            )
        );
        if (inserted == 0)
            return Error(Errc::conflict, "The store has an object of this name already.");
        return image;
    };
    co_return co_await write(work);
}

awaitable<Result<Image>> SqlCatalog::find_object(
    const BackendId& backend, const std::string& object
) {
    auto work = [&]() -> Result<Image> {
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select image_id from objects where backend = ? and object_id = ?",
                {backend, object}
            )
        );
        if (rows.empty()) return Error(Errc::not_found, "The store has no object of this name.");
        return load_image(*db_, ImageId(rows.front().at(0).text()));
    };
    co_return co_await read(work);
}

awaitable<Result<Image>> SqlCatalog::find_any_image(const ImageId& id) {
    auto work = [&] { return load_image(*db_, id); };
    co_return co_await read(work);
}

awaitable<Result<std::string>> SqlCatalog::consumer_id(const ImageId& id) {
    auto work = [&]() -> Result<std::string> {
        SLIPWAY_TRY(
            const auto rows, db_->query("select object_id from objects where image_id = ?", {id})
        );
        return rows.empty() ? id.str() : rows.front().at(0).text();
    };
    co_return co_await read(work);
}

}  // namespace slipway::store
