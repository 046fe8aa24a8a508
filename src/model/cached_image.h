#pragma once

#include "base/ids.h"
#include "base/time.h"

#include <cstdint>

namespace slipway {

// An entry of the image cache's register. The cache holds no bytes: the datastore is near enough.
struct CachedImage {
    ImageId image;
    std::int64_t number = 0;  // within its node, from 1
    std::uint64_t size_bytes = 0;
    std::int64_t hits = 0;
    Time cached_at;
    Time last_accessed;
};

}  // namespace slipway
