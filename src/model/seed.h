#pragma once

#include "base/ids.h"
#include "base/time.h"

#include <cstdint>
#include <string>
#include <vector>

namespace slipway {

// Where compute services of one kind look for cached images: [<datastore>] <base_folder>.
struct SeedPlace {
    std::string datacenter;   // inventory path
    std::string datastore;    // name in it
    std::string base_folder;  // relative to the datastore's root

    friend auto operator<=>(const SeedPlace&, const SeedPlace&) = default;
};

enum class SeedStatus {
    wanted,  // a task will put it there
    warm,    // it was there when it was last looked at
};

// One image that is kept in one cache.
struct SeedRecord {
    ImageId image_id;
    SeedPlace place;
    BackendId backend;                     // whose vCenter it is
    std::vector<std::uint64_t> sizes_gib;  // ascending: the sized disks beside the base
    std::string policy;                    // the [seed:NAME] that asked for it; empty: a request
    SeedStatus state = SeedStatus::wanted;
    // What lies there may be of bytes that the image never came to have: it is taken away before
    // the image is put there.
    bool doubtful = false;
    Time checked_at;
    Time created_at;
};

}  // namespace slipway
