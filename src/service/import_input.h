#pragma once

#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::service {

// What the Image API calls a task that makes its image.
inline constexpr std::string_view kNewImageTask = "import";

enum class ImportMethod {
    glance_direct,    // what was staged
    web_download,     // from a URI
    copy_image,       // into more stores
    glance_download,  // from another region's image service
};

std::string_view to_string(ImportMethod method);
std::optional<ImportMethod> parse_import_method(std::string_view word);

// What POST /v2/images/{id}/import asks for.
struct ImportRequest {
    ImportMethod method = ImportMethod::glance_direct;
    std::string uri;                // of web-download
    std::string region;             // of glance-download
    std::string remote_image;       // likewise
    std::string service_interface;  // likewise; empty: public
    std::optional<std::vector<BackendId>> stores;
    std::optional<BackendId> header_store;  // x-image-meta-store
    bool all_stores = false;
    bool must_succeed = true;  // all_stores_must_succeed
};

// {"method": {"name": "web-download", "uri": "https://…"}, "stores": ["a", "b"],
//  "all_stores": false, "all_stores_must_succeed": true}
// Errors: invalid_argument, also for a method that is not among `enabled`.
Result<ImportRequest> read_import_request(
    std::string_view body, const json::Limits& limits, const std::vector<ImportMethod>& enabled
);

// The input of an import's task, as the Image API shows it and as the task reads it back:
// {"image_id": …, "import_req": the request, "backend": [its stores]}
struct ImportInput {
    ImportRequest request;
    std::vector<BackendId> targets;
};
std::string import_input_json(const ImageId& image, const ImportInput& input);
Result<ImportInput> read_import_input(const std::string& text);

}  // namespace slipway::service
