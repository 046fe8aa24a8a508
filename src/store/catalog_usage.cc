#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

namespace slipway::store {

namespace {

// Statuses of images that are being filled, and of those whose data wait for their import.
constexpr std::string_view kFilling = "('saving', 'uploading', 'importing')";
constexpr std::string_view kStaging = "('uploading', 'importing')";

bool is_filling(ImageStatus status) {
    return status == ImageStatus::saving || status == ImageStatus::uploading ||
           status == ImageStatus::importing;
}

bool is_staging(ImageStatus status) {
    return status == ImageStatus::uploading || status == ImageStatus::importing;
}

Result<std::uint64_t> one_number(Db& db, const std::string& query, const std::string& project) {
    SLIPWAY_TRY(const auto rows, db.query(query, {project}));
    return static_cast<std::uint64_t>(rows.at(0).at(0).integer());
}

// Bytes in locations, as they were uploaded: the tables before them do not count. Staged are those
// that wait for their import, not what the import makes of them.
Result<std::uint64_t> bytes_of(Db& db, const std::string& project, bool staged, bool garbage) {
    return one_number(
        db,
        "select cast(coalesce(sum(stored_bytes - case when stored_bytes > data_offset then "
        "data_offset else 0 end), 0) as bigint) from locations join images on images.id = image_id "
        "where owner = ? and " +
            std::string(staged ? "" : "not ") + "(status in " + std::string(kStaging) +
            " and state in ('writing', 'staged'))" + (garbage ? "" : " and state <> 'garbage'"),
        project
    );
}

Result<std::uint64_t> images_of(Db& db, const std::string& project) {
    return one_number(
        db,
        "select count(*) from images where owner = ? and is_object = 0 and status not in "
        "('deleted', 'killed', 'pending_delete')",
        project
    );
}

// Also those that are being copied into more stores.
Result<std::uint64_t> uploads_of(Db& db, const std::string& project) {
    return one_number(
        db,
        "select count(*) from images where owner = ? and (status in " + std::string(kFilling) +
            " or exists (select 1 from image_properties where image_id = images.id and name = '" +
            kImportingToStores + "' and value <> ''))",
        project
    );
}

// Whether `more` can come on top of `used`; a limit of 0 lets nothing in.
Result<void> check(
    std::int64_t limit, std::uint64_t used, std::uint64_t more, std::string_view what
) {
    const auto most = static_cast<std::uint64_t>(limit);
    if (used <= most && more <= most - used) return {};
    return Error(
        Errc::too_large,
        "The project may have " + std::to_string(most) + " " + std::string(what) + " and has " +
            std::to_string(used) + "; this would be " + std::to_string(more) + " more."
    );
}

}  // namespace

const ProjectLimits& SqlCatalog::limits_of(const std::string& project) const {
    const auto known = project_limits_.find(project);
    return known == project_limits_.end() ? limits_.project : known->second;
}

Result<void> SqlCatalog::check_room(
    const Image& image, ImageStatus status, std::uint64_t more_bytes
) {
    if (!image.owner) return {};
    const bool staged = is_staging(status);
    const ProjectLimits& limits = limits_of(*image.owner);
    const std::int64_t limit = staged ? limits.staged_bytes : limits.bytes;
    if (limit < 0) return {};
    SLIPWAY_TRY(
        const std::uint64_t used, bytes_of(*db_, *image.owner, staged, !limits.like_oslo_limit)
    );
    return check(limit, used, more_bytes, staged ? "bytes staged" : "bytes of image data");
}

Result<void> SqlCatalog::check_overrun(const Image& image, ImageStatus status) {
    if (image.owner && limits_of(*image.owner).like_oslo_limit) return {};
    return check_room(image, status, 0);
}

Result<void> SqlCatalog::check_turn(const Image& image, ImageStatus next) {
    if (!image.owner || !is_filling(next) || is_filling(image.status)) return {};
    const std::int64_t limit = limits_of(*image.owner).uploads;
    if (limit < 0) return {};
    SLIPWAY_TRY(const std::uint64_t used, uploads_of(*db_, *image.owner));
    return check(limit, used, 1, "images that are being uploaded");
}

Result<void> SqlCatalog::check_count(const Image& image) {
    if (!image.owner) return {};
    const std::int64_t limit = limits_of(*image.owner).images;
    if (limit < 0) return {};
    SLIPWAY_TRY(const std::uint64_t used, images_of(*db_, *image.owner));
    return check(limit, used, 1, "images");
}

awaitable<Result<void>> SqlCatalog::limit_project(std::string project, ProjectLimits limits) {
    auto work = [&]() -> Result<void> {
        project_limits_[project] = limits;
        return {};
    };
    co_return co_await offload(thread_, work);
}

awaitable<Result<ProjectUsage>> SqlCatalog::usage_of(const std::string& project) {
    auto work = [&]() -> Result<ProjectUsage> {
        ProjectUsage usage;
        const bool garbage = !limits_of(project).like_oslo_limit;
        SLIPWAY_TRY(usage.bytes, bytes_of(*db_, project, false, garbage));
        SLIPWAY_TRY(usage.staged_bytes, bytes_of(*db_, project, true, garbage));
        SLIPWAY_TRY(usage.images, images_of(*db_, project));
        SLIPWAY_TRY(usage.uploads, uploads_of(*db_, project));
        return usage;
    };
    co_return co_await read(work);
}

}  // namespace slipway::store
