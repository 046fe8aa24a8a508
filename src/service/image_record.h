#pragma once

#include "model/caller.h"
#include "model/image.h"
#include "model/location.h"
#include "store/backend_set.h"

#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

struct ShownLocation {
    std::string url;
    std::string store;
};

// An image as one caller is shown it.
struct ImageRecord {
    Image image;
    std::optional<std::string> stores;                    // "a,b", heaviest first
    std::optional<std::vector<ShownLocation>> locations;  // absent: not for this caller
    std::optional<std::string> direct_url;
};

// Who sees where the bytes lie: services, and users by these two, as in Glance.
struct LocationVisibility {
    bool services = true;
    bool show_multiple_locations = false;
    bool show_image_direct_url = false;
};

// The face of an image that the caller is shown: services get the record of the boot form, where
// there is one; everybody else gets what was uploaded.
Image face_of(const Image& image, const Identity& identity);

// Whether the caller's face of the image is the whole data file of the location.
bool serves_whole_file(const Image& image, const Location& location, const Identity& identity);

// Puts the record together. `live` are the image's live locations.
ImageRecord record_of(
    const Image& image,
    std::vector<Location> live,
    const Identity& identity,
    const store::BackendSet& backends,
    const LocationVisibility& visibility
);

}  // namespace slipway::service
