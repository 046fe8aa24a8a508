#pragma once

#include "base/result.h"
#include "model/metadef.h"

#include <string>
#include <vector>

namespace slipway::app {

// The namespace of each *.json file of a folder, by the files' names; or of one file.
// Errors: invalid_argument with every mistake, a line for each; not_found.
Result<std::vector<MetadefNamespace>> read_metadef_files(const std::string& path);

// Writes each namespace into a file of the folder, named after it: OS-Compute-Quota.json. A file
// that is there is overwritten. Errors: not_found for a folder that is not there, unavailable.
// Returns the names of the files, in order.
Result<std::vector<std::string>> write_metadef_files(
    const std::string& folder, const std::vector<MetadefNamespace>& namespaces
);

}  // namespace slipway::app
