#include "service/image_record.h"

#include <algorithm>

namespace slipway::service {

namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;

}  // namespace

Image face_of(const Image& image, const Identity& identity) {
    if (!sees_service_face(identity) || !image.boot_form) return image;
    Image face = image;
    take_boot_form(face);
    const std::uint64_t capacity = image.boot_form->capacity_bytes;
    const auto capacity_gib = static_cast<std::int64_t>((capacity + kGiB - 1) / kGiB);
    face.min_disk_gib = std::max(face.min_disk_gib, capacity_gib);
    return face;
}

std::optional<std::uint64_t> face_offset(
    const Image& image, const Location& location, const Identity& identity
) {
    if (sees_service_face(identity) && image.boot_form)
        return location.holds_boot_form() ? std::optional<std::uint64_t>(0) : std::nullopt;
    return location.holds_upload() ? std::optional(location.data_offset) : std::nullopt;
}

std::vector<Location> published_locations(
    const Image& image,
    std::vector<Location> live,
    const Caller& caller,
    const store::BackendSet& backends,
    const std::vector<Site>& sites
) {
    const Identity& identity = caller.identity;
    backends.sort_by_weight(live);
    sort_by_nearness(live, site_of(sites, caller.address));
    // A URL names bytes that match the size and digests beside it, or it is not shown. Nova fails
    // the cold boot of an iso whose location it sees, and downloads it otherwise. What its
    // container says is no disk has not been looked into as one, and no hypervisor shall open it.
    const bool is_bare = image.container_format == "bare";
    std::erase_if(live, [&](const Location& location) {
        if (!is_bare && !location.holds_boot_form() && !location.is_foreign()) return true;
        if (face_offset(image, location, identity) != 0) return true;
        if (sees_service_face(identity) && image.disk_format == "iso") return true;
        const auto backend = backends.find(location.backend);
        return !backend || (*backend)->location_url(location).empty();
    });
    return live;
}

ImageRecord record_of(
    const Image& image, std::vector<Location> live, const Caller& caller, const RecordRules& rules
) {
    const Identity& identity = caller.identity;
    const store::BackendSet& backends = rules.backends;
    if (!sees_stores(identity, image)) live.clear();
    backends.sort_by_weight(live);
    ImageRecord record;
    record.image = face_of(image, identity);
    if (rules.protections != nullptr) rules.protections->hide_unreadable(record.image, identity);

    if (backends.multi_store() && !live.empty()) {
        std::vector<std::string> names;
        for (const Location& location : live)
            if (std::find(names.begin(), names.end(), location.backend.str()) == names.end())
                names.push_back(location.backend.str());
        std::string joined;
        for (const std::string& name : names) joined += (joined.empty() ? "" : ",") + name;
        record.stores = std::move(joined);
    }

    const LocationView view = location_view(rules.policy, identity, image, rules.visibility);
    if (!view.locations && !view.direct_url) return record;
    std::vector<ShownLocation> shown;
    for (const Location& location :
         published_locations(image, std::move(live), caller, backends, rules.sites)) {
        const auto backend = backends.find(location.backend);
        shown.push_back(
            {(*backend)->location_url(location),
             backends.multi_store() ? location.backend.str() : "",
             location.metadata}
        );
    }
    if (view.direct_url && !shown.empty()) record.direct_url = shown.front().url;
    if (view.locations) record.locations = std::move(shown);
    return record;
}

}  // namespace slipway::service
