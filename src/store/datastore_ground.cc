#include "store/datastore_ground.h"

#include "base/digest.h"
#include "store/datastore_probes.h"
#include "store/datastore_steps.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/namespace_manager.h"

#include <algorithm>
#include <utility>

namespace slipway::store {

namespace {

constexpr std::string_view kMarker = "slipway-store-test.txt";
constexpr std::string_view kMarkerText =
    "Made by slipway store test, which removes this folder when it ends.\n"
    "If it is left: slipway store test NAME --clean, or delete it.\n";

// Folders at the root of such a datastore are objects with names of their own, which must be empty
// when they go.
awaitable<Result<void>> remove_namespace(
    vsphere::VimClient& client, Place place, std::string name, const Call& call
) {
    constexpr std::string_view kScheme = "ds://";
    const auto& datacenter = place.datacenter.ref;
    auto path =
        co_await vsphere::namespace_uuid_path(client, datacenter, place.datastore.url + name, call);
    if (!path && path.error().code == Errc::not_found) co_return Result<void>();
    if (!path) co_return path.error();
    SLIPWAY_CO_TRY(auto folder, place.file(name));
    const std::vector<std::string> everything = {"*"};
    SLIPWAY_CO_TRY(
        const auto found,
        co_await vsphere::search_folder(
            client, place.datastore.browser, std::move(folder.path), everything, call
        )
    );
    for (const auto& file : found.files)
        SLIPWAY_CO_CHECK(co_await remove_folder(client, place, name + '/' + file.path, call));
    if (path->starts_with(kScheme)) path->erase(0, kScheme.size());
    co_return co_await vsphere::delete_namespace_directory(client, datacenter, *path, call);
}

bool is_namespace(const Place& place, std::string_view directory) {
    return place.datastore.has_namespaces() &&
           !place.datastore.top_level_directory_create_supported &&
           directory.find('/') == std::string_view::npos;
}

}  // namespace

DatastoreGround::DatastoreGround(vsphere::VimClient& client, DatastoreGroundOptions options)
    : client_(client),
      options_(std::move(options)),
      files_(client, options_.files),
      places_(client) {
    for (const DatastoreChoice& choice : options_.datastores)
        targets_.push_back({choice.datacenter, choice.datastore, true});
    for (TrialTarget target : options_.more) {
        const auto same = [&](const TrialTarget& other) {
            return other.datacenter == target.datacenter && other.datastore == target.datastore;
        };
        target.of_store = false;
        if (std::ranges::none_of(targets_, same)) targets_.push_back(std::move(target));
    }
}

awaitable<Result<void>> DatastoreGround::prepare(const Call& call) {
    for (const TrialTarget& target : targets_) {
        SLIPWAY_CO_TRY(
            const Place place, co_await places_.find(target.datacenter, target.datastore, call)
        );
        SLIPWAY_CO_CHECK(co_await make_folders(client_, place, options_.directory, call));
        SLIPWAY_CO_TRY(
            auto path,
            vsphere::DatastorePath::make(
                place.datastore.name, options_.directory + '/' + std::string(kMarker)
            )
        );
        const vsphere::FileTarget marker{place.datacenter, place.datastore, std::move(path)};
        SLIPWAY_CO_CHECK(co_await files_.put_text(marker, kMarkerText, call));
    }
    co_return Result<void>();
}

awaitable<Result<void>> DatastoreGround::remove(
    Place place, std::string directory, const Call& call
) {
    if (is_namespace(place, directory))
        co_return co_await remove_namespace(client_, place, directory, call);
    co_return co_await remove_folder(client_, place, directory, call);
}

awaitable<Result<void>> DatastoreGround::clear(const Call& call) {
    Result<void> outcome;
    for (const TrialTarget& target : targets_) {
        const auto place = co_await places_.find(target.datacenter, target.datastore, call);
        if (!place && place.error().code == Errc::not_found) continue;
        Result<void> removed = place ? Result<void>() : Result<void>(place.error());
        if (place) removed = co_await remove(*place, options_.directory, call);
        if (!removed && outcome)
            outcome = removed.error().while_doing(
                "removing [" + target.datastore + "] " + options_.directory
            );
    }
    co_return outcome;
}

awaitable<Result<std::vector<DatastoreGround::Remains>>> DatastoreGround::find_remains(
    const Call& call
) {
    std::vector<Remains> all;
    const std::string parent = folder_of(options_.prefix);
    const std::vector<std::string> patterns = {name_of(options_.prefix) + "*"};
    for (const TrialTarget& target : targets_) {
        Remains here;
        SLIPWAY_CO_TRY(
            here.place, co_await places_.find(target.datacenter, target.datastore, call)
        );
        SLIPWAY_CO_TRY(auto folder, here.place.file(parent));
        const auto found = co_await vsphere::search_folder(
            client_, here.place.datastore.browser, std::move(folder.path), patterns, call
        );
        if (!found && found.error().code == Errc::not_found) continue;
        if (!found) co_return found.error();
        for (const auto& file : found->files) {
            const std::string path = parent.empty() ? file.path : parent + '/' + file.path;
            if (path.starts_with(options_.prefix) && path != options_.directory)
                here.directories.push_back(path);
        }
        if (!here.directories.empty()) all.push_back(std::move(here));
    }
    co_return all;
}

awaitable<Result<std::vector<std::string>>> DatastoreGround::remains(const Call& call) {
    SLIPWAY_CO_TRY(const auto all, co_await find_remains(call));
    std::vector<std::string> names;
    for (const Remains& here : all)
        for (const std::string& directory : here.directories)
            names.push_back("[" + here.place.datastore.name + "] " + directory);
    co_return names;
}

awaitable<Result<void>> DatastoreGround::clear_remains(const Call& call) {
    SLIPWAY_CO_TRY(const auto all, co_await find_remains(call));
    for (const Remains& here : all)
        for (const std::string& directory : here.directories)
            SLIPWAY_CO_CHECK(co_await remove(here.place, directory, call));
    co_return Result<void>();
}

CloneTarget DatastoreGround::clone_target(const TrialTarget& target, const std::string& name)
    const {
    CloneTarget clone;
    clone.datacenter = target.datacenter;
    clone.datastore = target.datastore;
    clone.path = options_.directory + "/clones/" + name + '/' + name + ".vmdk";
    return clone;
}

std::string DatastoreGround::cache_folder() const {
    return options_.directory + "/cache_base";
}

awaitable<Result<void>> DatastoreGround::check_clone(
    const CloneTarget& target, const TrialDisk& disk, const Call& call
) {
    SLIPWAY_CO_TRY(
        const Place place, co_await places_.find_recent(target.datacenter, target.datastore, call)
    );
    if (place.datastore.has_namespaces())
        co_return Error(Errc::unsupported, "this datastore shows no extents to read");
    const DatastoreProbe probe{client_, files_, place, folder_of(target.path)};
    co_return co_await probe.check_extent(name_of(extent_of(target.path)), disk, call);
}

awaitable<void> DatastoreGround::observe(
    const TrialDisk& disk,
    std::function<void(Observation)> tell,
    std::function<bool()> stopped,
    const Call& call
) {
    const auto place = co_await places_.of(disk.location, call);
    if (!place) {
        tell({"datastore", Verdict::untried, place.error().message});
        co_return;
    }
    DatastoreProbe probe{client_, files_, *place, options_.directory + "/probes"};
    probe.is_direct = options_.files.direct_to_host;
    co_await probe.run(disk, std::move(tell), std::move(stopped), call);
}

}  // namespace slipway::store
