#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

#include <algorithm>

namespace slipway::store {

namespace {

Result<void> insert_tags(Db& db, const ImageId& id, const std::vector<std::string>& tags) {
    for (const std::string& tag : tags)
        SLIPWAY_CHECK(db.execute("insert into image_tags (image_id, tag) values (?, ?)", {id, tag})
        );
    return {};
}

}  // namespace

Result<void> insert_image(Db& db, const Image& image) {
    const BootForm* const boot = image.boot_form ? &*image.boot_form : nullptr;
    const DbValues values{
        image.id,
        image.name,
        slipway::to_string(image.status),
        slipway::to_string(image.visibility),
        image.owner,
        image.size_bytes,
        image.virtual_size_bytes,
        image.disk_format,
        image.container_format,
        image.min_disk_gib,
        image.min_ram_mib,
        image.is_protected,
        image.hidden,
        image.checksum,
        image.os_hash_algo,
        image.os_hash_value,
        image.created_at,
        image.updated_at,
        boot ? DbValue(boot->disk_type) : DbValue(),
        boot ? DbValue(boot->size_bytes) : DbValue(),
        boot ? DbValue(boot->capacity_bytes) : DbValue(),
        boot ? DbValue(boot->checksum) : DbValue(),
        boot ? DbValue(boot->os_hash_value) : DbValue(),
        image.boot_reason,
        image.is_object,
    };
    SLIPWAY_TRY(
        const auto inserted,
        db.execute(
            "insert into images (" + std::string(kImageColumns) + ") values (" +
                placeholders(values.size()) + ") on conflict (id) do nothing",
            values
        )
    );
    if (inserted == 0)
        return Error(Errc::conflict, "Image ID " + image.id.str() + " already exists!");
    SLIPWAY_CHECK(insert_tags(db, image.id, image.tags));
    for (const auto& [name, value] : image.properties)
        SLIPWAY_CHECK(db.execute(
            "insert into image_properties (image_id, name, value) values (?, ?, ?)",
            {image.id, name, value}
        ));
    return {};
}

namespace {

// Writes the columns that differ, and those of the status not at all.
Result<void> update_columns(Db& db, const Image& before, const Image& after) {
    std::string assignments = "updated_at = ?";
    DbValues values{after.updated_at};
    const auto set = [&](std::string_view column, const auto& old_value, const auto& new_value) {
        if (old_value == new_value) return;
        assignments += ", " + std::string(column) + " = ?";
        values.emplace_back(new_value);
    };
    set("name", before.name, after.name);
    set("visibility", slipway::to_string(before.visibility), slipway::to_string(after.visibility));
    set("owner", before.owner, after.owner);
    set("disk_format", before.disk_format, after.disk_format);
    set("container_format", before.container_format, after.container_format);
    set("min_disk", before.min_disk_gib, after.min_disk_gib);
    set("min_ram", before.min_ram_mib, after.min_ram_mib);
    set("protected", before.is_protected, after.is_protected);
    set("hidden", before.hidden, after.hidden);
    values.emplace_back(after.id);
    values.emplace_back(slipway::to_string(before.status));
    SLIPWAY_TRY(
        const auto changed,
        db.execute("update images set " + assignments + " where id = ? and status = ?", values)
    );
    if (changed == 0)
        return Error(Errc::conflict, "The image was changed by somebody else; try again.");
    return {};
}

Result<void> update_properties(Db& db, const Image& before, const Image& after) {
    for (const auto& [name, value] : before.properties)
        if (!after.properties.contains(name))
            SLIPWAY_CHECK(db.execute(
                "delete from image_properties where image_id = ? and name = ?", {after.id, name}
            ));
    for (const auto& [name, value] : after.properties) {
        const auto old = before.properties.find(name);
        if (old != before.properties.end() && old->second == value) continue;
        SLIPWAY_CHECK(db.execute(
            "insert into image_properties (image_id, name, value) values (?, ?, ?) "
            "on conflict (image_id, name) do update set value = excluded.value",
            {after.id, name, value}
        ));
    }
    return {};
}

Result<void> update_tags(Db& db, const Image& before, const Image& after) {
    std::vector<std::string> gone;
    std::vector<std::string> added;
    std::set_difference(
        before.tags.begin(),
        before.tags.end(),
        after.tags.begin(),
        after.tags.end(),
        std::back_inserter(gone)
    );
    std::set_difference(
        after.tags.begin(),
        after.tags.end(),
        before.tags.begin(),
        before.tags.end(),
        std::back_inserter(added)
    );
    for (const std::string& tag : gone)
        SLIPWAY_CHECK(
            db.execute("delete from image_tags where image_id = ? and tag = ?", {after.id, tag})
        );
    return insert_tags(db, after.id, added);
}

void make_a_set(std::vector<std::string>& tags) {
    std::sort(tags.begin(), tags.end());
    tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
}

// What the limit of properties counts: not what the server keeps there for itself.
std::size_t counted_properties(const Image& image) {
    const auto counts = [](const auto& property) {
        return !property.first.starts_with("os_glance");
    };
    return static_cast<std::size_t>(std::ranges::count_if(image.properties, counts));
}

// `before`, with what a client may edit taken from `edited`.
Image with_edits(const Image& before, Image edited) {
    Image after = before;
    after.name = std::move(edited.name);
    after.visibility = edited.visibility;
    after.owner = std::move(edited.owner);
    after.disk_format = std::move(edited.disk_format);
    after.container_format = std::move(edited.container_format);
    after.min_disk_gib = edited.min_disk_gib;
    after.min_ram_mib = edited.min_ram_mib;
    after.is_protected = edited.is_protected;
    after.hidden = edited.hidden;
    after.tags = std::move(edited.tags);
    make_a_set(after.tags);
    after.properties = std::move(edited.properties);
    return after;
}

}  // namespace

Result<void> write_edits(Db& db, const Image& before, const Image& after) {
    SLIPWAY_CHECK(update_columns(db, before, after));
    SLIPWAY_CHECK(update_properties(db, before, after));
    return update_tags(db, before, after);
}

Result<void> touch_image(Db& db, const ImageId& id, Time now) {
    SLIPWAY_CHECK(db.execute("update images set updated_at = ? where id = ?", {now, id}));
    return {};
}

// Growing is refused, not being too large: a limit that was lowered must not block other edits.
Result<void> SqlCatalog::check_growth(
    std::size_t before, std::size_t after, int limit, std::string_view what
) const {
    if (limit < 0 || after <= before || after <= static_cast<std::size_t>(limit)) return {};
    return Error(
        Errc::too_large,
        "The limit has been exceeded on the number of allowed image " + std::string(what) +
            ". Attempted: " + std::to_string(after) + ", Maximum: " + std::to_string(limit)
    );
}

awaitable<Result<Image>> SqlCatalog::create_image(Image image) {
    if (image.status != ImageStatus::queued)
        co_return Error(Errc::invalid_argument, "a new image must be queued");
    make_a_set(image.tags);
    auto work = [&]() -> Result<Image> {
        SLIPWAY_CHECK(check_growth(0, counted_properties(image), limits_.properties, "properties"));
        SLIPWAY_CHECK(check_growth(0, image.tags.size(), limits_.tags, "tags"));
        SLIPWAY_CHECK(check_count(image));
        image.created_at = image.updated_at = now();
        SLIPWAY_CHECK(insert_image(*db_, image));
        return image;
    };
    co_return co_await write(work);
}

awaitable<Result<Image>> SqlCatalog::find_image(const ImageId& id) {
    auto work = [&]() -> Result<Image> {
        SLIPWAY_TRY(Image image, load_image(*db_, id));
        if (image.is_object) return Error(Errc::not_found, "No image found with ID " + id.str());
        return image;
    };
    co_return co_await read(work);
}

awaitable<Result<Image>> SqlCatalog::update_image(
    const ImageId& id,
    std::function<Result<void>(Image&)> change,
    std::vector<LocationEdit> locations
) {
    auto work = [&]() -> Result<Image> {
        SLIPWAY_TRY(const Image before, load_image(*db_, id));
        Image edited = before;
        SLIPWAY_CHECK(change(edited));
        Image after = with_edits(before, std::move(edited));
        SLIPWAY_CHECK(check_growth(
            counted_properties(before), counted_properties(after), limits_.properties, "properties"
        ));
        SLIPWAY_CHECK(check_growth(before.tags.size(), after.tags.size(), limits_.tags, "tags"));
        after.updated_at = now();
        SLIPWAY_CHECK(write_edits(*db_, before, after));
        if (locations.empty()) return after;
        for (const LocationEdit& edit : locations) SLIPWAY_CHECK(edit_location(id, edit));
        return load_image(*db_, id);
    };
    co_return co_await write(work);
}

Result<void> SqlCatalog::move_status(const Image& image, ImageEvent event) {
    SLIPWAY_TRY(const ImageStatus next, next_status(image.status, event));
    SLIPWAY_CHECK(check_turn(image, next));
    const bool ends = next == ImageStatus::deleted;
    const bool starts_anew = next == ImageStatus::queued;  // the API's rule: no sizes then
    SLIPWAY_TRY(
        const auto moved,
        db_->execute(
            "update images set status = ?, updated_at = ?, deleted_at = ?" +
                std::string(
                    starts_anew ? ", size = null, virtual_size = null, boot_reason = null" : ""
                ) +
                " where id = ? and status = ?",
            {slipway::to_string(next),
             now(),
             ends ? DbValue(now()) : DbValue(),
             image.id,
             slipway::to_string(image.status)}
        )
    );
    if (moved == 0)
        return Error(Errc::conflict, "The status of the image was changed by somebody else.");
    return {};
}

awaitable<Result<Image>> SqlCatalog::advance(const ImageId& id, ImageEvent event) {
    if (event != ImageEvent::deactivate && event != ImageEvent::reactivate)
        co_return Error(
            Errc::invalid_argument, "uploads and deletions have methods of their own; call those"
        );
    auto work = [&]() -> Result<Image> {
        SLIPWAY_TRY(const Image image, load_image(*db_, id));
        SLIPWAY_CHECK(move_status(image, event));
        return load_image(*db_, id);
    };
    co_return co_await write(work);
}

Result<void> SqlCatalog::erase_image(const Image& image, std::chrono::seconds grace) {
    const bool had_data =
        image.status == ImageStatus::active || image.status == ImageStatus::deactivated;
    SLIPWAY_CHECK(move_status(image, ImageEvent::remove));
    for (const char* const table :
         {"image_members", "image_tags", "image_properties", "objects", "cached_images"})
        SLIPWAY_CHECK(
            db_->execute("delete from " + std::string(table) + " where image_id = ?", {image.id})
        );
    if (had_data) {
        SLIPWAY_CHECK(
            db_->execute("delete from seeds where image_id = ? and doubtful = 0", {image.id})
        );
    } else {
        SLIPWAY_CHECK(doubt_seeds(image.id));
    }
    SLIPWAY_CHECK(db_->execute(
        "update locations set state = 'garbage', not_before = ? "
        "where image_id = ? and state <> 'garbage'",
        {now() + grace, image.id}
    ));
    SLIPWAY_CHECK(db_->execute(
        "update tasks set cancel_requested = 1 where image_id = ? and kind = 'import' and "
        "status in ('pending', 'running')",
        {image.id}
    ));
    // Nobody wants to know any more what its bytes are, or to boot it.
    SLIPWAY_CHECK(db_->execute(
        "update tasks set cancel_requested = 1, updated_at = ?, "
        "status = case status when 'pending' then 'cancelled' else status end "
        "where image_id = ? and kind in ('location_import', 'seed', 'boot_form') and "
        "status in ('pending', 'running')",
        {now(), image.id}
    ));
    return {};
}

awaitable<Result<void>> SqlCatalog::delete_image(const ImageId& id, std::chrono::seconds grace) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const Image image, load_image(*db_, id));
        if (image.is_protected)
            return Error(
                Errc::forbidden,
                "Image " + id.str() +
                    " is protected and cannot be deleted; set protected to false first."
            );
        return erase_image(image, grace);
    };
    co_return co_await write(work);
}

}  // namespace slipway::store
