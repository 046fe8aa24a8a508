#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

#include <algorithm>

namespace slipway::store {

namespace {

Error is_no_more() {
    return Error(Errc::gone, "The image was deleted, or its location given up, meanwhile.");
}

Result<void> check_beside(
    const std::vector<Location>& others, const NewForeignLocation& added, const Image& image
) {
    const Location& location = added.location;
    if (added.most_locations >= 0 &&
        others.size() + 1 > static_cast<std::size_t>(added.most_locations))
        return Error(
            Errc::too_large,
            "An image may have at most " + std::to_string(added.most_locations) + " locations."
        );
    for (const Location& other : others)
        if (other.url == location.url && other.metadata == location.metadata)
            return Error(
                Errc::invalid_argument, "The image has this location with this metadata already."
            );
    if (image.size_bytes && *image.size_bytes != location.stored_bytes)
        return Error(
            Errc::invalid_argument,
            "The data at this location have " + std::to_string(location.stored_bytes) +
                " bytes, but the image has " + std::to_string(*image.size_bytes) + "."
        );
    return {};
}

}  // namespace

Result<void> record_digests(Db& db, const ImageId& id, const ImageDigests& digests) {
    SLIPWAY_CHECK(db.execute(
        "update images set checksum = ?, os_hash_algo = ?, os_hash_value = ? where id = ?",
        {digests.checksum, digests.os_hash_algo, digests.os_hash_value, id}
    ));
    return {};
}

Result<void> SqlCatalog::insert_foreign(const NewForeignLocation& added) {
    SLIPWAY_TRY(const Image image, load_image(*db_, added.location.image_id));
    Location location = added.location;
    SLIPWAY_CHECK(check_room(image, ImageStatus::active, counted_bytes(location)));
    location.state = LocationState::live;
    location.not_before = now();
    // The order of locations: an older time is one of a place between others.
    if (location.created_at == Time()) location.created_at = now();
    if (added.event) {
        SLIPWAY_CHECK(move_status(image, *added.event));
        // What an attempt before this one has left.
        SLIPWAY_CHECK(db_->execute(
            "update locations set state = 'garbage', not_before = ? "
            "where image_id = ? and state = 'live'",
            {now(), image.id}
        ));
    } else if (image.status != ImageStatus::active) {
        return Error(
            Errc::conflict, "Locations can be added to images that are queued or active only."
        );
    }
    SLIPWAY_TRY(
        const auto others, load_locations(*db_, "image_id = ? and state = 'live'", {image.id})
    );
    SLIPWAY_CHECK(check_beside(others, added, image));
    SLIPWAY_CHECK(insert_location(*db_, location));
    SLIPWAY_CHECK(db_->execute(
        "update images set size = ?, updated_at = ? where id = ?",
        {location.stored_bytes, now(), image.id}
    ));
    if (added.digests) SLIPWAY_CHECK(record_digests(*db_, image.id, *added.digests));
    if (!added.task) return {};
    TaskRecord task = *added.task;
    task.status = TaskStatus::pending;
    task.created_at = task.updated_at = now();
    return insert_task(*db_, task);
}

awaitable<Result<void>> SqlCatalog::add_foreign_location(NewForeignLocation added) {
    auto work = [&] { return insert_foreign(added); };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::settle_foreign_location(
    const LocationId& id, ForeignOutcome outcome
) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ? and state = 'live'", {id}));
        if (found.empty()) return is_no_more();
        auto image = load_image(*db_, found.front().image_id);
        if (!image && image.error().code == Errc::not_found) return is_no_more();
        if (!image) return image.error();
        if (outcome.event) {
            // An earlier call did it, or somebody else has gone on.
            if (image->status != ImageStatus::importing) return {};
            SLIPWAY_CHECK(move_status(*image, *outcome.event));
        }
        SLIPWAY_CHECK(record_digests(*db_, image->id, outcome.digests));
        if (outcome.virtual_size_bytes)
            SLIPWAY_CHECK(db_->execute(
                "update images set virtual_size = ? where id = ?",
                {*outcome.virtual_size_bytes, image->id}
            ));
        if (outcome.boot_form)
            SLIPWAY_CHECK(record_boot_form(*db_, image->id, outcome.boot_form, std::nullopt));
        return touch_image(*db_, image->id, now());
    };
    co_return co_await write(work);
}

Result<void> SqlCatalog::edit_location(const ImageId& image, const LocationEdit& edit) {
    if (const auto* added = std::get_if<NewForeignLocation>(&edit)) return insert_foreign(*added);
    if (const auto* dropped = std::get_if<DroppedLocation>(&edit)) return discard(*dropped);
    const auto& described = std::get<LocationMetadata>(edit);
    SLIPWAY_TRY(
        const auto changed,
        db_->execute(
            "update locations set metadata = ? where id = ? and image_id = ? and state = 'live'",
            {described.metadata, described.location, image}
        )
    );
    if (changed > 0) return {};
    return Error(Errc::conflict, "The image's locations have just changed; read them again.");
}

}  // namespace slipway::store
