#pragma once

#include "vsphere/datastore_path.h"
#include "vsphere/task.h"

#include <string>
#include <vector>

namespace slipway::vsphere {

// Names in a folder, as the host of the datastore sees them. `browser` is DatastoreInfo::browser.
// Sizes of thin files may be what is allocated: ask datastore_files.h for the length of a file.

// Files and folders directly in `folder` that match one of `patterns` ("*" and "?"; at least one).
// Errors: not_found when the folder is missing; no match is an empty list.
awaitable<Result<DatastoreSearchResult>> search_folder(
    VimClient& client,
    ManagedObjectReference browser,
    DatastorePath folder,
    std::vector<std::string> patterns,
    const Call& call
);

// The same for `folder` and every folder below it: one result for each.
awaitable<Result<std::vector<DatastoreSearchResult>>> search_subfolders(
    VimClient& client,
    ManagedObjectReference browser,
    DatastorePath folder,
    std::vector<std::string> patterns,
    const Call& call
);

}  // namespace slipway::vsphere
