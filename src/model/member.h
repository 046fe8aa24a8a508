#pragma once

#include "base/ids.h"
#include "base/time.h"

#include <string>

namespace slipway {

// A project that an image is shared with.
struct Member {
    ImageId image_id;
    std::string project;
    std::string status = "pending";  // pending, accepted, rejected
    Time created_at;
    Time updated_at;
};

}  // namespace slipway
