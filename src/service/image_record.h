#pragma once

#include "model/caller.h"
#include "model/image.h"
#include "model/location.h"
#include "service/policy.h"
#include "service/property_protection.h"
#include "service/sites.h"
#include "store/backend_set.h"

#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

struct ShownLocation {
    std::string url;
    std::string store;            // empty where there is one store only, which has no name there
    std::string metadata = "{}";  // of clients, a JSON object
};

// An image as one caller is shown it.
struct ImageRecord {
    Image image;
    std::optional<std::string> stores;                    // "a,b", heaviest first
    std::optional<std::vector<ShownLocation>> locations;  // absent: not for this caller
    std::optional<std::string> direct_url;
};

// What decides how much of an image is shown.
struct RecordRules {
    const store::BackendSet& backends;
    const Policy& policy;
    LocationVisibility visibility;
    const std::vector<Site>& sites;
    const PropertyProtections* protections = nullptr;  // null: every property may be read
};

// The face of an image that the caller is shown: services get the record of the boot form, where
// there is one; everybody else gets what was uploaded.
Image face_of(const Image& image, const Identity& identity);

// Where the bytes of the caller's face lie in the data file of the location; absent when they lie
// elsewhere.
std::optional<std::uint64_t> face_offset(
    const Image& image, const Location& location, const Identity& identity
);

// Those of the locations whose URL the caller may be shown: of its own site first, then the
// heaviest. Nova takes the first, Cinder direct_url, which is the same.
std::vector<Location> published_locations(
    const Image& image,
    std::vector<Location> live,
    const Caller& caller,
    const store::BackendSet& backends,
    const std::vector<Site>& sites
);

// Puts the record together. `live` are the image's live locations.
ImageRecord record_of(
    const Image& image, std::vector<Location> live, const Caller& caller, const RecordRules& rules
);

}  // namespace slipway::service
