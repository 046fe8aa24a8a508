#include "store/datastore_places.h"

#include "vsphere/datastore_browser.h"
#include "vsphere/fault.h"
#include "vsphere/namespace_manager.h"

#include <algorithm>

namespace slipway::store {
namespace {

constexpr std::chrono::seconds kRecent{15};

}  // namespace

Result<vsphere::FileRef> Place::file(std::string_view path) const {
    SLIPWAY_TRY(auto full, vsphere::DatastorePath::make(datastore.name, path));
    return vsphere::FileRef{std::move(full), datacenter.ref};
}

awaitable<Result<Place>> DatastorePlaces::find(
    const std::string& datacenter, const std::string& datastore, const Call& call
) {
    Place place;
    SLIPWAY_CO_TRY(place.datacenter, co_await vsphere::find_datacenter(client_, datacenter, call));
    SLIPWAY_CO_TRY(
        place.datastore,
        co_await vsphere::find_datastore(client_, place.datacenter.ref, datastore, call)
    );
    remember(place.key().str(), place);
    co_return place;
}

awaitable<Result<Place>> DatastorePlaces::find_recent(
    const std::string& datacenter, const std::string& datastore, const Call& call
) {
    if (auto place = recent(datacenter + '/' + datastore)) co_return std::move(*place);
    co_return co_await find(datacenter, datastore, call);
}

awaitable<Result<Place>> DatastorePlaces::of(const Location& location, const Call& call) {
    if (!location.datastore_ref.empty()) {
        auto place = co_await by_reference(location.datastore_ref, call);
        if (place || place.error().code != Errc::not_found) co_return place;
    }
    SLIPWAY_CO_TRY(const auto key, parse_datastore_key(location.datastore));
    auto place = co_await find_recent(key.datacenter, key.datastore, call);
    if (!place && place.error().code == Errc::not_found)
        co_return Error(
            Errc::unavailable,
            "the datastore of the object is not in the inventory; look there for a removed or "
            "renamed datastore"
        );
    co_return place;
}

awaitable<Result<Place>> DatastorePlaces::by_reference(const std::string& text, const Call& call) {
    if (auto place = recent(text)) co_return std::move(*place);
    const auto slash = text.find('/');
    const auto content = co_await client_.service_content(call);
    if (!content) co_return content.error();
    // Another server's references mean other things.
    if (slash == std::string::npos || text.substr(0, slash) != (*content)->about.instance_uuid)
        co_return Error(Errc::not_found, "the datastore belongs to another server");
    const vsphere::ManagedObjectReference ref{"Datastore", text.substr(slash + 1)};
    Place place;
    SLIPWAY_CO_TRY(place.datastore, co_await vsphere::read_datastore(client_, ref, call));
    SLIPWAY_CO_TRY(place.datacenter, co_await vsphere::datacenter_of(client_, ref, call));
    remember(text, place);
    co_return place;
}

awaitable<Result<std::string>> DatastorePlaces::reference_text(
    const Place& place, const Call& call
) {
    const auto content = co_await client_.service_content(call);
    if (!content) co_return content.error();
    std::string text = (*content)->about.instance_uuid + '/' + place.datastore.ref.value;
    remember(text, place);
    co_return text;
}

std::string DatastorePlaces::current_key(const Location& location) const {
    const std::lock_guard lock(mutex_);
    const auto found = seen_.find(location.datastore_ref);
    return found == seen_.end() ? location.datastore : found->second.place.key().str();
}

std::optional<Place> DatastorePlaces::recent(const std::string& key) const {
    const std::lock_guard lock(mutex_);
    const auto found = seen_.find(key);
    if (found == seen_.end()) return std::nullopt;
    if (found->second.when + kRecent < std::chrono::steady_clock::now()) return std::nullopt;
    return found->second.place;
}

void DatastorePlaces::remember(const std::string& key, const Place& place) {
    const std::lock_guard lock(mutex_);
    seen_.insert_or_assign(key, Seen{place, std::chrono::steady_clock::now()});
}

awaitable<Result<void>> make_folders(
    vsphere::VimClient& client, Place place, std::string folder, const Call& call
) {
    if (folder.empty()) co_return Result<void>();
    const auto& datastore = place.datastore;
    if (datastore.has_namespaces() && !datastore.top_level_directory_create_supported) {
        const std::string top = folder.substr(0, folder.find('/'));
        const auto made = co_await vsphere::create_namespace_directory(
            client, datastore.ref, top, std::nullopt, call
        );
        if (!made && made.error().code != Errc::conflict) co_return made.error();
        if (top == folder) co_return Result<void>();
    }
    SLIPWAY_CO_TRY(const auto directory, place.file(folder));
    const vsphere::MakeDirectoryOptions options{.create_parents = true, .exists_ok = true};
    auto made = co_await vsphere::make_directory(client, directory, options, call);
    // Making it twice is as good as once.
    if (!made && made.error().reason == vsphere::kOutcomeUnknown)
        made = co_await vsphere::make_directory(client, directory, options, call);
    co_return made;
}

awaitable<Result<std::vector<std::string>>> names_present(
    vsphere::VimClient& client,
    Place place,
    std::string folder,
    std::vector<std::string> names,
    const Call& call
) {
    std::vector<std::string> present;
    SLIPWAY_CO_TRY(auto directory, place.file(folder));
    const auto found = co_await vsphere::search_folder(
        client, place.datastore.browser, std::move(directory.path), names, call
    );
    // Not any `not_found`: a search that vanished, or a datastore that was renamed, tells nothing.
    if (!found && found.error().reason == "FileNotFound") co_return present;
    if (!found) co_return found.error();
    for (const auto& file : found->files)
        if (std::ranges::find(names, file.path) != names.end()) present.push_back(file.path);
    co_return present;
}

}  // namespace slipway::store
