#pragma once

#include "store/backend.h"
#include "store/datastore_places.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// The cache of the compute services on one datastore:
//
//   <base folder>/<name>/<name>.vmdk             the disk, or <name>.iso
//                        <name>.<gib>.vmdk       a copy of it for flavors with that root disk
//                        ts-2026-08-01-12-00-00  the ager's mark, a folder
//
// A compute service believes in whatever lies under one of these names. So nothing is ever written
// there: what we add is built elsewhere and moved into place whole (datastore_seed.h).
namespace slipway::store {

// One image's place in the cache.
struct SeedPlace {
    Place place;
    std::string base_folder;
    std::string name;
    bool is_iso = false;

    [[nodiscard]] std::string folder() const { return base_folder + '/' + name; }
    // "<name>.vmdk", "<name>.iso"
    [[nodiscard]] std::string base_file() const { return name + (is_iso ? ".iso" : ".vmdk"); }
    // "<name>.40.vmdk"
    [[nodiscard]] std::string sized_file(std::uint64_t gib) const;
    // The size of a sized disk in GiB, by its name; absent for any other file.
    [[nodiscard]] std::optional<std::uint64_t> size_of(std::string_view file) const;
};

// "ts-YYYY-mm-dd-HH-MM-SS"
bool is_ageing_mark(std::string_view name);

// Where seeds are built: "<store dir>_seeding".
std::string building_folder(std::string_view store_dir);

// Refuses what is no place for a cache: a base folder that meets the store's own folders, and a
// name that is no image's. Errors: invalid_argument.
Result<void> check_seed_place(
    std::string_view store_dir, std::string_view base_folder, std::string_view name
);
// And sizes that are not ascending, or less than the disk's capacity. Errors: invalid_argument.
Result<void> check_seed_sizes(const SeedRequest& request);

// Removes the marks, and tells what is there: one search, and one call for each mark.
awaitable<Result<SeedState>> keep_cached(
    vsphere::VimClient& client, SeedPlace seed, const Call& call
);

// Removes the image's folder, unless a machine or a registered disk needs a file of it. Who that is
// takes long to learn, and nothing locks a folder against a machine that is made meanwhile: so the
// folder is first moved to `aside`, where nobody looks for it, and back if it is needed after all.
// Errors: conflict, with their names.
awaitable<Result<void>> remove_cached(
    vsphere::VimClient& client, SeedPlace seed, std::string aside, const Call& call
);

}  // namespace slipway::store
