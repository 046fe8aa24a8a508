#include "store/datastore_backend.h"

#include "base/log.h"
#include "base/text.h"
#include "store/datastore_import.h"
#include "store/datastore_layout.h"
#include "store/datastore_steps.h"
#include "store/datastore_writer.h"
#include "store/room.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/fault.h"
#include "vsphere/virtual_disk.h"

#include <algorithm>
#include <array>

namespace slipway::store {
namespace {

// From this size on, free space that the server remembers is not good enough.
constexpr std::uint64_t kLargeBytes = 1U << 30U;
// Kept free beside an object, for its side files and the datastore's own needs.
constexpr std::uint64_t kSpareBytes = 16U << 20U;
constexpr std::chrono::seconds kCloseLimit{5};

Error invalid_options(std::string_view why) {
    return Error(Errc::invalid_argument, "the datastore backend: " + std::string(why));
}

bool is_iso(const CloneRequest& request) {
    if (request.source.is_unnamed()) return request.target.path.ends_with(".iso");
    return request.source.data_file.ends_with(".iso");
}

// What is not there is removed; what is in use is removed later.
Result<void> removal_of(Result<void> removed) {
    if (removed || removed.error().reason == "FileNotFound") return {};
    if (removed.error().reason == "FileLocked")
        return Error(
            Errc::unavailable,
            "a file of the object is in use; it is removed when it is free",
            "FileLocked"
        );
    return removed;
}

Result<void> check_disk_type(std::string_view type, bool is_iso, bool is_virtual_center) {
    if (type.empty()) return {};
    if (is_iso) return Error(Errc::invalid_argument, "an iso has no disk type; leave it out");
    constexpr std::array<std::string_view, 4> kOnHosts = {
        "thick", "thin", "preallocated", "eagerZeroedThick"};
    const bool known =
        is_virtual_center ? type == "thick" : std::ranges::find(kOnHosts, type) != kOnHosts.end();
    if (known) return {};
    return Error(
        Errc::invalid_argument,
        is_virtual_center
            ? "a vCenter makes clones as their source or \"thick\"; leave disk_type out"
            : "the host does not know this disk_type"
    );
}

}  // namespace

Result<std::unique_ptr<DatastoreBackend>> DatastoreBackend::create(
    asio::any_io_executor executor, DatastoreBackendOptions options, vsphere::VimClient& client
) {
    if (options.datastores.empty()) return invalid_options("name at least one datastore");
    if (!is_portable_path(options.store_dir))
        return invalid_options("the store directory may hold letters, digits and . _ - / only");
    for (auto& choice : options.datastores) {
        if (choice.datacenter.starts_with('/')) choice.datacenter.erase(0, 1);
        if (choice.datacenter.empty() || choice.datastore.empty())
            return invalid_options("a datastore needs a datacenter and a name");
    }
    return std::unique_ptr<DatastoreBackend>(
        new DatastoreBackend(std::move(executor), std::move(options), client)
    );
}

DatastoreBackend::DatastoreBackend(
    asio::any_io_executor executor, DatastoreBackendOptions options, vsphere::VimClient& client
)
    : options_(std::move(options)),
      client_(client),
      files_(client, options_.files),
      places_(client),
      turns_(options_.turns),
      transfers_(std::move(executor)) {
    info_.id = options_.id;
    info_.type = "vmware";
    info_.description = options_.description;
    info_.weight = options_.weight;
    info_.is_default = options_.is_default;
    info_.publishes_locations = true;
    info_.boot_form = options_.boot_form;
    info_.copies = options_.copies;
    info_.properties = {
        {"datacenter", options_.datastores.front().datacenter},
        {"datastore", options_.datastores.front().datastore},
        {"store_image_dir", options_.store_dir},
    };
}

DatastoreBackend::~DatastoreBackend() = default;

awaitable<void> DatastoreBackend::close() {
    transfers_.cancel(asio::cancellation_type::terminal);
    co_await transfers_.wait(after(kCloseLimit));
}

bool DatastoreBackend::is_usable(const vsphere::DatastoreInfo& datastore) const {
    constexpr std::array<std::string_view, 5> kTypes = {"VMFS", "NFS", "NFS41", "vsan", "VVOL"};
    const bool known =
        options_.any_datastore_type || std::ranges::find(kTypes, datastore.type) != kTypes.end();
    return known && datastore.accessible && !datastore.in_maintenance();
}

awaitable<Result<Place>> DatastoreBackend::look_at(
    const DatastoreChoice& choice, bool refresh, const Call& call
) {
    SLIPWAY_CO_TRY(auto place, co_await places_.find(choice.datacenter, choice.datastore, call));
    if (!refresh) co_return place;
    const auto refreshed = co_await vsphere::refresh_datastore(client_, place.datastore.ref, call);
    if (!refreshed) co_return place;  // what the server remembers has to do
    co_return co_await places_.find(choice.datacenter, choice.datastore, call);
}

awaitable<Result<Placement>> DatastoreBackend::place(
    const PlaceRequest& request, const Call& call
) {
    const Call bounded = call.within(options_.answer_limit);
    const std::uint64_t expected_bytes = request.expected_bytes;
    std::vector<Place> places;
    std::vector<Room> rooms;
    std::vector<std::pair<std::string, Error>> troubles;
    bool any_wanted = false;
    bool any_usable = false;
    for (const auto& choice : options_.datastores) {
        if (!request.admits(DatastoreKey{choice.datacenter, choice.datastore}.str())) continue;
        any_wanted = true;
        auto place = co_await look_at(choice, expected_bytes >= kLargeBytes, bounded);
        if (!place) {
            troubles.emplace_back(choice.datastore, std::move(place).error());
            continue;
        }
        const auto& datastore = place->datastore;
        if (!is_usable(datastore)) continue;
        any_usable = true;
        const bool fits = expected_bytes <= datastore.max_file_bytes.value_or(UINT64_MAX) &&
                          datastore.free_bytes > kSpareBytes &&
                          datastore.free_bytes - kSpareBytes >= expected_bytes;
        if (!fits) continue;
        rooms.push_back({choice.weight, datastore.free_bytes});
        places.push_back(std::move(*place));
    }
    if (!any_wanted)
        co_return Error(Errc::not_found, "the store has no other datastore of that name");
    const auto best = best_room(rooms);
    const auto serious = std::ranges::find_if(troubles, [](const auto& trouble) {
        return trouble.second.code != Errc::not_found;
    });
    if (!best && !any_usable && serious != troubles.end()) co_return serious->second;
    for (const auto& [datastore, error] : troubles)
        log::warning(
            call, "datastore.unusable", {{"datastore", datastore}, {"error", error.message}}
        );
    if (!best && any_usable)
        co_return Error(Errc::no_space, "no datastore of the store has room for the image");
    if (!best)
        co_return Error(Errc::unavailable, "no datastore of the store can be used at present");

    Placement placement;
    const Place& place = places[*best];
    placement.datastore = place.key().str();
    SLIPWAY_CO_TRY(placement.datastore_ref, co_await places_.reference_text(place, bounded));
    placement.directory = new_object_directory(options_.store_dir, request.image);
    co_return placement;
}

awaitable<Result<std::vector<DatastoreStatus>>> DatastoreBackend::datastores(const Call& call) {
    const Call bounded = call.within(options_.answer_limit);
    std::vector<DatastoreStatus> all;
    for (const auto& choice : options_.datastores) {
        DatastoreStatus status;
        status.name = choice.datacenter + '/' + choice.datastore;
        const auto place = co_await look_at(choice, false, bounded);
        if (!place && place.error().code != Errc::not_found) co_return place.error();
        if (place) {
            status.type = place->datastore.type;
            status.capacity_bytes = place->datastore.capacity_bytes;
            status.free_bytes = place->datastore.free_bytes;
            status.accessible = is_usable(place->datastore);
            status.speeds = speeds_->of(place->key().str());
        }
        all.push_back(std::move(status));
    }
    co_return all;
}

awaitable<Result<vsphere::FileTarget>> DatastoreBackend::data_file(
    const Location& location, const Call& call
) {
    SLIPWAY_CO_CHECK(check_readable(location));
    if (location.data_file.empty())
        co_return Error(Errc::invalid_argument, "the location names no data file");
    SLIPWAY_CO_TRY(auto place, co_await places_.of(location, call));
    SLIPWAY_CO_TRY(
        auto path,
        vsphere::DatastorePath::make(
            place.datastore.name, location.directory + '/' + location.data_file
        )
    );
    co_return vsphere::FileTarget{
        std::move(place.datacenter), std::move(place.datastore), std::move(path)};
}

awaitable<Result<std::unique_ptr<ObjectWriter>>> DatastoreBackend::open_writer(
    const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& call
) {
    SLIPWAY_CO_CHECK(check_location(options_.store_dir, location));
    SLIPWAY_CO_TRY(auto file, co_await data_file(location, call));
    const Place place{file.datacenter, file.datastore};
    SLIPWAY_CO_CHECK(co_await make_object_directory(place, location.directory, call));
    auto writer =
        co_await DatastoreWriter::start(files_, transfers_, std::move(file), stored_bytes, call);
    co_return measured(speeds_, place.key().str(), std::move(writer));
}

awaitable<Result<void>> DatastoreBackend::make_object_directory(
    Place place, const std::string& directory, const Call& call
) {
    const vsphere::MakeDirectoryOptions options{.create_parents = false, .exists_ok = false};
    SLIPWAY_CO_TRY(const auto target, place.file(directory));
    auto made = co_await vsphere::make_directory(client_, target, options, call);
    const bool missed = !made && (made.error().code == Errc::not_found ||
                                  made.error().reason == "CannotCreateFile" ||
                                  made.error().reason == vsphere::kOutcomeUnknown);
    if (missed) {
        // The store directory is missing (vSAN says CannotCreateFile), or the answer was lost.
        SLIPWAY_CO_CHECK(co_await make_folders(client_, place, options_.store_dir, call));
        made = co_await vsphere::make_directory(client_, target, options, call);
    }
    if (made || made.error().code != Errc::conflict) co_return made;
    // The name is ours alone: a directory that is there and empty was made by a lost call of ours.
    const std::vector<std::string> everything = {"*"};
    SLIPWAY_CO_TRY(
        const auto found,
        co_await vsphere::search_folder(
            client_, place.datastore.browser, target.path, everything, call
        )
    );
    if (found.files.empty()) co_return Result<void>();
    co_return Error(Errc::conflict, "the object's directory is in use; try again");
}

awaitable<Result<std::unique_ptr<ByteSource>>> DatastoreBackend::open_reader(
    const Location& location, ByteRange range, const Call& call
) {
    if (range.first > location.stored_bytes || range.length > location.stored_bytes - range.first)
        co_return Error(Errc::invalid_argument, "the range lies outside of the object");
    SLIPWAY_CO_TRY(const auto file, co_await data_file(location, call));
    SLIPWAY_CO_TRY(const std::uint64_t present, co_await files_.size(file, call));
    if (present != location.stored_bytes)
        co_return Error(
            Errc::corrupt, "the file on the datastore does not have the size that was stored"
        );
    if (range.length == 0) co_return std::make_unique<TextSource>("");
    const vsphere::FileRange part{range.first, range.length};
    SLIPWAY_CO_TRY(auto source, co_await files_.get(file, part, call));
    const Place place{file.datacenter, file.datastore};
    co_return measured(speeds_, place.key().str(), std::move(source));
}

awaitable<Result<std::uint64_t>> DatastoreBackend::stat(
    const Location& location, const Call& call
) {
    SLIPWAY_CO_TRY(const auto file, co_await data_file(location, call));
    if (!location.is_managed()) co_return co_await files_.size(file, call);
    vsphere::FileRef disk{file.path, file.datacenter.ref};
    SLIPWAY_CO_CHECK(co_await vsphere::query_disk_uuid(client_, std::move(disk), call));
    co_return location.stored_bytes;
}

// One file, in a folder where the files of other images lie.
awaitable<Result<void>> DatastoreBackend::remove_owned(const Location& location, const Call& call) {
    SLIPWAY_CO_CHECK(check_foreign_location(options_.store_dir, location));
    if (!location.is_owned || !is_named_after_image(location))
        co_return Error(Errc::invalid_argument, "the file is not this image's to remove");
    SLIPWAY_CO_TRY(const auto place, co_await places_.of(location, call));
    SLIPWAY_CO_TRY(auto file, place.file(location.directory + '/' + location.data_file));
    co_return removal_of(co_await vsphere::delete_file(client_, std::move(file), call));
}

awaitable<Result<void>> DatastoreBackend::remove(const Location& location, const Call& call) {
    if (location.is_foreign()) co_return co_await remove_owned(location, call);
    SLIPWAY_CO_CHECK(check_location(options_.store_dir, location));
    SLIPWAY_CO_TRY(const auto place, co_await places_.of(location, call));
    if (place.datastore.has_namespaces()) {
        SLIPWAY_CO_CHECK(co_await remove_import(client_, place, location.directory, call));
        SLIPWAY_CO_CHECK(co_await remove_disks(client_, place, location.directory, call));
    }
    SLIPWAY_CO_TRY(auto directory, place.file(location.directory));
    co_return removal_of(co_await vsphere::delete_file(client_, std::move(directory), call));
}

awaitable<Result<std::vector<Placement>>> DatastoreBackend::list(const Call& call) {
    std::vector<Placement> objects;
    for (const auto& choice : options_.datastores) {
        SLIPWAY_CO_TRY(
            const auto place,
            co_await places_.find_recent(choice.datacenter, choice.datastore, call)
        );
        SLIPWAY_CO_TRY(const auto reference, co_await places_.reference_text(place, call));
        SLIPWAY_CO_TRY(const auto folder, place.file(options_.store_dir));
        const std::vector<std::string> everything = {"*"};
        const auto found = co_await vsphere::search_folder(
            client_, place.datastore.browser, folder.path, everything, call
        );
        if (!found && found.error().reason == "FileNotFound") continue;
        if (!found) co_return found.error();
        for (const auto& file : found->files) {
            if (!is_object_name(file.path)) continue;
            Placement object;
            object.datastore = place.key().str();
            object.datastore_ref = reference;
            object.directory = options_.store_dir + '/' + file.path;
            objects.push_back(std::move(object));
        }
    }
    co_return objects;
}

Result<void> DatastoreBackend::check_readable(const Location& location) const {
    return location.is_foreign() ? check_foreign_location(options_.store_dir, location)
                                 : check_location(options_.store_dir, location);
}

Result<std::optional<Location>> DatastoreBackend::named_location(const std::string& url) const {
    if (!url.starts_with("vsphere://")) return std::optional<Location>();
    SLIPWAY_TRY(auto named, parse_folder_url(url));
    const auto is_named = [&](const DatastoreChoice& choice) {
        return choice.datacenter == named.datastore.datacenter &&
               choice.datastore == named.datastore.datastore;
    };
    if (named.server != lower_case(options_.published_host) ||
        std::ranges::none_of(options_.datastores, is_named))
        return std::optional<Location>();
    Location location;
    location.backend = info_.id;
    location.datastore = named.datastore.str();
    location.directory = std::move(named.directory);
    location.data_file = std::move(named.file);
    location.url = url;
    return std::optional(std::move(location));
}

Result<std::optional<Location>> DatastoreBackend::foreign_location(const std::string& url) const {
    SLIPWAY_TRY(auto location, named_location(url));
    if (location) SLIPWAY_CHECK(check_foreign_location(options_.store_dir, *location));
    return location;
}

Result<std::optional<Location>> DatastoreBackend::adopted_location(
    const ImageId& image, const std::string& url
) const {
    SLIPWAY_TRY(auto location, named_location(url));
    if (!location) return location;
    location->image_id = image;
    if (check_location(options_.store_dir, *location)) {
        location->url.clear();
        return location;
    }
    SLIPWAY_CHECK(check_foreign_location(options_.store_dir, *location));
    location->is_owned = is_named_after_image(*location);
    return location;
}

std::string DatastoreBackend::location_url(const Location& location) const {
    if (location.is_foreign()) return location.url;
    const auto key = parse_datastore_key(places_.current_key(location));
    if (!key || !check_location(options_.store_dir, location) || location.data_file.empty())
        return {};
    return folder_location_url(
        options_.published_host, *key, location.directory, location.data_file
    );
}

Result<void> DatastoreBackend::check_clone_names(const CloneRequest& request) const {
    SLIPWAY_CHECK(check_readable(request.source));
    if (!is_iso(request) && request.source.clone_source().empty() && !request.source.is_unnamed())
        return Error(
            Errc::unsupported, "this copy of the image is no disk that a datastore can clone"
        );
    SLIPWAY_CHECK(check_clone_path(options_.store_dir, request.target.path, is_iso(request)));
    return check_clone_allowed(options_.clone_targets, request.target);
}

awaitable<Result<DatastoreClone::Plan>> DatastoreBackend::plan_clone(
    const CloneRequest& request, const Call& call
) {
    SLIPWAY_CO_CHECK(check_clone_names(request));
    const auto content = co_await client_.service_content(call);
    if (!content) co_return content.error();
    DatastoreClone::Plan plan;
    plan.is_virtual_center = (*content)->about.is_virtual_center();
    plan.is_iso = is_iso(request);
    SLIPWAY_CO_CHECK(check_disk_type(request.target.disk_type, plan.is_iso, plan.is_virtual_center)
    );
    SLIPWAY_CO_TRY(
        plan.target,
        co_await places_.find(request.target.datacenter, request.target.datastore, call)
    );
    if (!is_usable(plan.target.datastore))
        co_return Error(Errc::unavailable, "the target datastore can not be used at present");
    const bool is_managed = request.source.is_managed();
    if (plan.target.datastore.has_namespaces() && !plan.is_iso && !is_managed)
        co_return Error(
            Errc::invalid_argument,
            "a vSAN or vVol datastore takes no copy of this disk, only of one that was imported; "
            "name a VMFS or NFS datastore"
        );
    if (plan.target.datastore.has_namespaces() &&
        request.target.path.find('/') == std::string::npos)
        co_return Error(
            Errc::invalid_argument, "on this datastore a clone must lie in a folder; name one"
        );
    SLIPWAY_CO_TRY(plan.source, co_await places_.of(request.source, call));
    if (!plan.is_iso) SLIPWAY_CO_CHECK(check_opens_as_disk(request.source, plan.source.datastore));
    plan.needs_a_name = request.source.is_unnamed() && !plan.is_iso;
    const auto file =
        plan.is_iso || plan.needs_a_name ? request.source.data_file : request.source.clone_source();
    plan.source_path = request.source.directory + '/' + file;
    plan.target_path = request.target.path;
    plan.task = request.task;
    plan.disk_type = request.target.disk_type;
    plan.bytes = request.source.stored_bytes;
    co_return plan;
}

awaitable<Result<void>> DatastoreBackend::check_clone(
    const CloneRequest& request, const Call& call
) {
    const Call bounded = call.within(options_.answer_limit);
    SLIPWAY_CO_TRY(const auto plan, co_await plan_clone(request, bounded));
    const auto slash = plan.target_path.rfind('/');
    const bool at_root = slash == std::string::npos;
    const std::vector<std::string> names = {plan.target_path.substr(at_root ? 0 : slash + 1)};
    SLIPWAY_CO_TRY(
        const auto present,
        co_await names_present(
            client_, plan.target, at_root ? "" : plan.target_path.substr(0, slash), names, bounded
        )
    );
    if (present.empty()) co_return Result<void>();
    co_return Error(
        Errc::conflict, "there is a file at the clone's target already; choose another path"
    );
}

awaitable<Result<DatastoreTurns::Turn>> DatastoreBackend::turn_of(
    const vsphere::DatastoreInfo& source,
    const vsphere::DatastoreInfo& target,
    const CloneProgress& progress,
    const Call& call
) {
    if (auto turn = turns_.try_acquire(source, target)) co_return std::move(*turn);
    auto gives_up = [&] { return progress.cancelled() || progress.is_lost(); };
    if (progress.stand_aside) progress.stand_aside();
    auto turn = co_await turns_.acquire(source, target, call.deadline, gives_up);
    if (progress.go_on) co_await progress.go_on();
    co_return turn;
}

awaitable<Result<Account>> DatastoreBackend::clone(
    const CloneRequest& request,
    const std::string& checkpoint,
    CloneProgress& progress,
    const Call& call
) {
    const bool begun = !checkpoint.empty();
    auto make_plan = [&]() -> awaitable<Result<DatastoreClone::Plan>> {
        const Call bounded = call.within(options_.answer_limit);
        co_return co_await plan_clone(request, bounded);
    };
    SLIPWAY_CO_TRY(auto plan, co_await plan_work(make_plan, begun, progress, call));
    const auto turn =
        co_await turn_of(plan.source.datastore, plan.target.datastore, progress, call);
    // What was begun has to be cleaned up, which takes no turn.
    if (!turn && !(begun && turn.error().code == Errc::cancelled)) co_return turn.error();
    const std::string target = plan.target.key().str();
    DatastoreClone one(client_, std::move(plan), progress, call);
    auto account = co_await one.run(checkpoint);
    speeds_->note_copy(target, account);
    co_return account;
}

}  // namespace slipway::store
