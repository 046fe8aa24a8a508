#pragma once

#include "base/json.h"
#include "model/image_schema.h"
#include "service/image_record.h"

#include <string>

namespace slipway::http::api {

// The image document, as every image call answers it.
void write_image(json::Writer& writer, const service::ImageRecord& record);
std::string image_json(const service::ImageRecord& record);

// [{"url": "vsphere://…", "metadata": {"store": "…"}}]
void write_locations(json::Writer& writer, const std::vector<service::ShownLocation>& locations);

// The documents of /v2/schemas/image and /v2/schemas/images.
std::string image_schema_json(const ImageSchema& schema);
std::string images_schema_json(const ImageSchema& schema);

}  // namespace slipway::http::api
