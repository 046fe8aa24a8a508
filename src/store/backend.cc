#include "store/backend.h"

#include <algorithm>

namespace slipway::store {

Result<std::optional<Location>> Backend::foreign_location(const std::string&) const {
    return std::optional<Location>();
}

Result<std::optional<Location>> Backend::adopted_location(
    const ImageId& image, const std::string& url
) const {
    SLIPWAY_TRY(auto location, foreign_location(url));
    if (location) location->image_id = image;
    return location;
}

awaitable<Result<void>> Backend::claim(
    const std::string& /*catalog_id*/, const HeldLocations& /*held*/, const Call& /*call*/
) {
    co_return Result<void>();
}

namespace {

Error without_vcenter() {
    return Error(Errc::unsupported, "This store has no vCenter behind it, so it can not do that.");
}

}  // namespace

bool PlaceRequest::admits(std::string_view datastore) const {
    const bool wanted = only.empty() || std::ranges::find(only, datastore) != only.end();
    return wanted && std::ranges::find(avoid, datastore) == avoid.end();
}

awaitable<Result<Account>> Backend::copy(
    const CopyRequest& /*request*/,
    SideFile /*manifest*/,
    const std::string& /*checkpoint*/,
    CloneProgress& /*progress*/,
    const Call& /*call*/
) {
    co_return without_vcenter();
}

awaitable<Result<std::vector<std::string>>> Backend::seed_datastores(
    const std::string& /*datacenter*/, const std::string& /*name_regex*/, const Call& /*call*/
) {
    co_return without_vcenter();
}

awaitable<Result<Account>> Backend::seed(
    const SeedRequest& /*request*/,
    const std::string& /*checkpoint*/,
    CloneProgress& /*progress*/,
    const Call& /*call*/
) {
    co_return without_vcenter();
}

awaitable<Result<SeedState>> Backend::keep_seed(
    const SeedRequest& /*request*/, const Call& /*call*/
) {
    co_return without_vcenter();
}

awaitable<Result<void>> Backend::remove_seed(const SeedRequest& /*request*/, const Call& /*call*/) {
    co_return without_vcenter();
}

awaitable<Result<bool>> Backend::keeps_disks_as_objects(
    const Location& /*location*/, const Call& /*call*/
) {
    co_return false;
}

awaitable<Result<Account>> Backend::import_disk(
    const Location& /*location*/,
    ByteSource& /*stream_optimized*/,
    std::uint64_t /*capacity_bytes*/,
    std::vector<SideFile> /*side_files*/,
    const Call& /*call*/
) {
    co_return without_vcenter();
}

}  // namespace slipway::store
