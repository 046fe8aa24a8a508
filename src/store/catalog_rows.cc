#include "store/catalog_rows.h"

#include <array>
#include <unordered_map>

namespace slipway::store {

const std::string_view kImageColumns =
    "id, name, status, visibility, owner, size, virtual_size, disk_format, container_format, "
    "min_disk, "
    "min_ram, protected, hidden, checksum, os_hash_algo, os_hash_value, created_at, updated_at, "
    "boot_disk_type, boot_size, boot_capacity, boot_checksum, boot_os_hash_value, "
    "boot_reason, is_object";
const std::string_view kLocationColumns =
    "id, image_id, backend, datastore, datastore_ref, directory, data_file, descriptor, form, "
    "data_offset, stored_bytes, state, server, created_at, not_before, url, metadata, owned";
const std::string_view kMemberColumns = "image_id, project, status, created_at, updated_at";
const std::string_view kTaskColumns =
    "id, kind, image_id, owner, location_id, status, progress, input, checkpoint, error_code, "
    "error_message, error_reason, cancel_requested, bytes_through, bytes_copied, seconds, path, "
    "server, "
    "claimed_until, created_at, updated_at, request_id, api_type, user_id, expires_at";
const std::string_view kTransferColumns =
    "image_id, kind, bytes_through, bytes_copied, seconds, path, finished_at, request_id";

namespace {

constexpr std::array kStates{
    LocationState::writing,
    LocationState::adding,
    LocationState::staged,
    LocationState::live,
    LocationState::garbage};

Error unknown_word(std::string_view what) {
    return Error(
        Errc::corrupt,
        "the catalogue holds an unknown " + std::string(what) + "; was it edited by hand?"
    );
}

Result<LocationState> parse_location_state(std::string_view word) {
    for (const LocationState state : kStates)
        if (to_string(state) == word) return state;
    return unknown_word("state of a location");
}

Errc parse_error_code(std::string_view word) {
    for (const Errc code :
         {Errc::invalid_argument,
          Errc::unauthenticated,
          Errc::forbidden,
          Errc::not_found,
          Errc::conflict,
          Errc::gone,
          Errc::too_large,
          Errc::no_space,
          Errc::unsupported,
          Errc::unavailable,
          Errc::timeout,
          Errc::cancelled,
          Errc::corrupt})
        if (slipway::to_string(code) == word) return code;
    return Errc::internal;
}

}  // namespace

std::string_view to_string(LocationState state) {
    switch (state) {
        case LocationState::writing:
            return "writing";
        case LocationState::adding:
            return "adding";
        case LocationState::staged:
            return "staged";
        case LocationState::live:
            return "live";
        case LocationState::garbage:
            return "garbage";
    }
    return "garbage";
}

std::string placeholders(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += i == 0 ? "?" : ", ?";
    return text;
}

Result<Image> read_image(const DbRow& row) {
    RowReader in(row);
    Image image;
    image.id = in.name<ImageId>();
    image.name = in.optional_text();
    auto status = parse_image_status(in.text());
    if (!status) return unknown_word("status of an image");
    image.status = *status;
    auto visibility = parse_visibility(in.text());
    if (!visibility) return unknown_word("visibility of an image");
    image.visibility = *visibility;
    image.owner = in.optional_text();
    image.size_bytes = in.optional_size();
    image.virtual_size_bytes = in.optional_size();
    image.disk_format = in.optional_text();
    image.container_format = in.optional_text();
    image.min_disk_gib = in.integer();
    image.min_ram_mib = in.integer();
    image.is_protected = in.flag();
    image.hidden = in.flag();
    image.checksum = in.optional_text();
    image.os_hash_algo = in.optional_text();
    image.os_hash_value = in.optional_text();
    image.created_at = in.time();
    image.updated_at = in.time();
    const auto disk_type = in.optional_text();
    BootForm form;
    form.disk_type = disk_type.value_or("");
    form.size_bytes = in.size();
    form.capacity_bytes = in.size();
    form.checksum = in.text();
    form.os_hash_value = in.text();
    if (disk_type) image.boot_form = std::move(form);
    image.boot_reason = in.optional_text();
    image.is_object = in.flag();
    return image;
}

Result<Location> read_location(const DbRow& row) {
    RowReader in(row);
    Location location;
    location.id = in.name<LocationId>();
    location.image_id = in.name<ImageId>();
    location.backend = in.name<BackendId>();
    location.datastore = in.text();
    location.datastore_ref = in.text();
    location.directory = in.text();
    location.data_file = in.text();
    location.descriptor = in.text();
    SLIPWAY_TRY(location.form, parse_stored_form(in.text()));
    location.data_offset = in.size();
    location.stored_bytes = in.size();
    SLIPWAY_TRY(location.state, parse_location_state(in.text()));
    location.server = in.text();
    location.created_at = in.time();
    location.not_before = in.time();
    location.url = in.text();
    location.metadata = in.text();
    location.is_owned = in.flag();
    return location;
}

Member read_member(const DbRow& row) {
    RowReader in(row);
    Member member;
    member.image_id = in.name<ImageId>();
    member.project = in.text();
    member.status = in.text();
    member.created_at = in.time();
    member.updated_at = in.time();
    return member;
}

Result<TaskRecord> read_task(const DbRow& row) {
    RowReader in(row);
    TaskRecord task;
    task.id = in.name<TaskId>();
    auto kind = parse_task_kind(in.text());
    if (!kind) return unknown_word("kind of task");
    task.kind = *kind;
    task.image_id = in.name<ImageId>();
    task.owner = in.optional_text();
    task.location_id = in.name<LocationId>();
    auto status = parse_task_status(in.text());
    if (!status) return unknown_word("status of a task");
    task.status = *status;
    task.progress = static_cast<int>(in.integer());
    task.input = in.text();
    task.checkpoint = in.text();
    const auto code = in.optional_text();
    const std::string message = in.text();
    const std::string reason = in.text();
    if (code) task.error = Error(parse_error_code(*code), message, reason);
    task.cancel_requested = in.flag();
    const auto bytes_through = in.optional_size();
    Account account;
    account.bytes_through = bytes_through.value_or(0);
    account.bytes_copied = in.size();
    account.seconds = in.real();
    account.path = in.text();
    if (bytes_through) task.account = account;
    task.server = in.text();
    task.claimed_until = in.time();
    task.created_at = in.time();
    task.updated_at = in.time();
    task.request_id = in.text();
    task.api_type = in.text();
    task.user = in.optional_text();
    task.expires_at = in.time();
    return task;
}

TransferRecord read_transfer(const DbRow& row) {
    RowReader in(row);
    TransferRecord record;
    record.image_id = in.name<ImageId>();
    record.kind = in.text();
    record.account.bytes_through = in.size();
    record.account.bytes_copied = in.size();
    record.account.seconds = in.real();
    record.account.path = in.text();
    record.finished_at = in.time();
    record.request_id = in.text();
    return record;
}

Result<void> load_tags_and_properties(Db& db, std::vector<Image>& images) {
    if (images.empty()) return {};
    DbValues ids;
    std::unordered_map<ImageId, Image*> by_id;
    for (Image& image : images) {
        ids.emplace_back(image.id);
        by_id.emplace(image.id, &image);
    }
    const std::string among = " where image_id in (" + placeholders(ids.size()) + ")";
    SLIPWAY_TRY(
        const auto tags,
        db.query("select image_id, tag from image_tags" + among + " order by tag", ids)
    );
    for (const DbRow& row : tags)
        by_id.at(ImageId(row.at(0).text()))->tags.push_back(row.at(1).text());
    SLIPWAY_TRY(
        const auto properties,
        db.query("select image_id, name, value from image_properties" + among, ids)
    );
    for (const DbRow& row : properties) {
        RowReader in(row);
        Image& image = *by_id.at(in.name<ImageId>());
        const std::string name = in.text();
        image.properties[name] = in.optional_text();
    }
    return {};
}

Result<Image> load_image(Db& db, const ImageId& id) {
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select " + std::string(kImageColumns) +
                " from images where id = ? and status <> 'deleted'",
            {id}
        )
    );
    if (rows.empty()) return Error(Errc::not_found, "No image found with ID " + id.str());
    std::vector<Image> images;
    SLIPWAY_TRY(images.emplace_back(), read_image(rows.front()));
    SLIPWAY_CHECK(load_tags_and_properties(db, images));
    return std::move(images.front());
}

Result<std::vector<Location>> load_locations(
    Db& db, std::string_view condition, const DbValues& values
) {
    SLIPWAY_TRY(
        const auto rows,
        db.query(
            "select " + std::string(kLocationColumns) + " from locations where " +
                std::string(condition),
            values
        )
    );
    std::vector<Location> locations;
    for (const DbRow& row : rows) {
        SLIPWAY_TRY(locations.emplace_back(), read_location(row));
    }
    return locations;
}

Result<Location> load_location(Db& db, const LocationId& id) {
    SLIPWAY_TRY(auto found, load_locations(db, "id = ?", {id}));
    if (found.empty()) return Error(Errc::not_found, "No location found with ID " + id.str());
    return std::move(found.front());
}

Result<TaskRecord> load_task(Db& db, const TaskId& id) {
    SLIPWAY_TRY(
        const auto rows,
        db.query("select " + std::string(kTaskColumns) + " from tasks where id = ?", {id})
    );
    if (rows.empty()) return Error(Errc::not_found, "No task found with ID " + id.str());
    return read_task(rows.front());
}

}  // namespace slipway::store
