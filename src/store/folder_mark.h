#pragma once

#include "store/local_folder.h"

#include <string>
#include <string_view>
#include <vector>

// The file `.slipway-catalog` in a folder of objects: the id of the catalogue that knows them. A
// folder without it may be the empty place where a file system is to be mounted: what is written
// there is seen by no host, and what is not found there is not gone.
namespace slipway::store {

// Errors: unavailable when the folder is not of this catalogue, or that can not be told.
Result<void> check_mark(const Folder& root, std::string_view catalog_id);

struct ClaimedFolder {
    std::string unmarked;   // why the mark could not be written; empty: it is there
    bool is_empty = false;  // of all that the catalogue has there
};
// Marks the folder, unless it is marked already. `held` are the directories of live objects that
// the catalogue has there. Errors: conflict when the folder is of another catalogue, unavailable
// when it has no mark and holds nothing of this one, though it should.
Result<ClaimedFolder> claim_folder(
    Folder& root, std::string_view catalog_id, const std::vector<std::string>& held
);

}  // namespace slipway::store
