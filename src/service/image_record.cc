#include "service/image_record.h"

#include "service/policy.h"

#include <algorithm>

namespace slipway::service {

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;

}  // namespace

Image face_of(const Image& image, const Identity& identity) {
    if (!identity.is_service || !image.boot_form) return image;
    Image face = image;
    const BootForm& form = *image.boot_form;
    face.disk_format = "vmdk";
    face.container_format = "bare";
    face.size_bytes = form.size_bytes;
    face.virtual_size_bytes = form.capacity_bytes;
    face.checksum = form.checksum;
    face.os_hash_value = form.os_hash_value;
    face.properties["vmware_disktype"] = form.disk_type;
    const auto capacity_gib = static_cast<std::int64_t>((form.capacity_bytes + kGiB - 1) / kGiB);
    face.min_disk_gib = std::max(face.min_disk_gib, capacity_gib);
    return face;
}

bool serves_whole_file(const Image& image, const Location& location, const Identity& identity) {
    return location.form != StoredForm::sparse ||
           (identity.is_service && image.boot_form.has_value());
}

ImageRecord record_of(
    const Image& image,
    std::vector<Location> live,
    const Identity& identity,
    const store::BackendSet& backends,
    const LocationVisibility& visibility
) {
    backends.sort_by_weight(live);
    ImageRecord record;
    record.image = face_of(image, identity);

    if (backends.multi_store() && !live.empty() &&
        (image.status != ImageStatus::deactivated || identity.is_admin)) {
        std::vector<std::string> names;
        for (const Location& location : live)
            if (std::find(names.begin(), names.end(), location.backend.str()) == names.end())
                names.push_back(location.backend.str());
        std::string joined;
        for (const std::string& name : names) joined += (joined.empty() ? "" : ",") + name;
        record.stores = std::move(joined);
    }

    if (identity.is_service && !visibility.services) return record;
    const bool may_see =
        identity.is_service || may(Action::get_image_location, identity, {&image, false, {}, {}});
    if (!may_see) return record;
    std::vector<ShownLocation> shown;
    for (const Location& location : live) {
        // A URL names bytes that match the size and digests beside it, or it is not shown. Nova
        // fails the cold boot of an iso whose location it sees, and downloads it otherwise.
        if (!serves_whole_file(image, location, identity)) continue;
        if (identity.is_service && image.disk_format == "iso") continue;
        const auto backend = backends.find(location.backend);
        if (!backend) continue;
        std::string url = (*backend)->location_url(location);
        if (!url.empty()) shown.push_back({std::move(url), location.backend.str()});
    }
    if (!shown.empty() && (identity.is_service || visibility.show_image_direct_url))
        record.direct_url = shown.front().url;
    if (identity.is_service || visibility.show_multiple_locations)
        record.locations = std::move(shown);
    return record;
}

}  // namespace slipway::service
