#pragma once

#include "model/image.h"
#include "model/location.h"
#include "store/backend.h"

namespace slipway::service {

// What is committed beside the data of an object: enough to rebuild the catalogue's rows from the
// datastore alone. `image` has the sizes and digests of the upload.
store::SideFile manifest_of(const Image& image, const Location& location);

}  // namespace slipway::service
