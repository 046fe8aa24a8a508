// What DatastoreBackend makes of an image besides clones: copies, seeds of the compute services'
// cache, and disks by import.

#include "store/datastore_backend.h"
#include "store/datastore_import.h"
#include "store/datastore_layout.h"
#include "store/datastore_steps.h"

#include <algorithm>
#include <array>
#include <regex>

namespace slipway::store {
namespace {

// As a compute service chooses among the datastores of its cluster.
bool takes_seeds(const vsphere::DatastoreInfo& datastore) {
    constexpr std::array<std::string_view, 4> kTypes = {"VMFS", "NFS", "NFS41", "vsan"};
    return datastore.accessible && !datastore.in_maintenance() &&
           std::ranges::find(kTypes, datastore.type) != kTypes.end();
}

Result<std::regex> parse_regex(const std::string& text) {
    try {
        return std::regex(text);
    } catch (const std::regex_error&) {
        return Error(
            Errc::invalid_argument, "the datastores' regular expression is not one: " + text
        );
    }
}

// An object of any store of the same vCenter: its folder is another one. So is that of a file that
// slipway did not write, which was checked when its location was made.
Result<void> check_source(const Location& source) {
    if (source.is_foreign() && is_portable_path(source.directory) &&
        is_portable_name(source.data_file))
        return {};
    const auto slash = source.directory.rfind('/');
    if (slash != std::string::npos && is_portable_path(source.directory))
        return check_location(source.directory.substr(0, slash), source);
    return Error(Errc::invalid_argument, "the source is not an object of a store");
}

}  // namespace

std::string DatastoreBackend::copy_domain() const {
    return "vcenter:" + client_.options().server.authority();
}

awaitable<Result<DatastoreCopy::Plan>> DatastoreBackend::plan_copy(
    const CopyRequest& request, const Call& call
) {
    SLIPWAY_CO_CHECK(check_source(request.source));
    SLIPWAY_CO_CHECK(check_location(options_.store_dir, request.target));
    DatastoreCopy::Plan plan;
    SLIPWAY_CO_TRY(plan.source, co_await places_.of(request.source, call));
    SLIPWAY_CO_TRY(plan.target, co_await places_.of(request.target, call));
    if (!is_usable(plan.target.datastore))
        co_return Error(Errc::unavailable, "the target datastore can not be used at present");
    plan.is_object = request.source.is_managed();
    if (plan.is_object && !plan.target.datastore.has_namespaces())
        co_return Error(
            Errc::unsupported,
            "a disk that was imported to a vSAN or vVol datastore can only be copied to another "
            "such datastore; there is no need for it elsewhere"
        );
    plan.source_directory = request.source.directory;
    plan.target_directory = request.target.directory;
    plan.files = {{request.source.data_file, request.target.data_file}};
    if (!request.source.descriptor.empty() && !plan.is_object)
        plan.files.push_back({request.source.descriptor, request.target.descriptor});
    plan.stored_bytes = request.source.stored_bytes;
    plan.task = request.task;
    co_return plan;
}

awaitable<Result<Account>> DatastoreBackend::copy(
    const CopyRequest& request,
    SideFile manifest,
    const std::string& checkpoint,
    CloneProgress& progress,
    const Call& call
) {
    const bool begun = !checkpoint.empty();
    auto make_plan = [&]() -> awaitable<Result<DatastoreCopy::Plan>> {
        const Call bounded = call.within(options_.answer_limit);
        co_return co_await plan_copy(request, bounded);
    };
    SLIPWAY_CO_TRY(auto plan, co_await plan_work(make_plan, begun, progress, call));
    const auto turn =
        co_await turn_of(plan.source.datastore, plan.target.datastore, progress, call);
    // What was begun has to be cleaned up, which takes no turn.
    if (!turn && !(begun && turn.error().code == Errc::cancelled)) co_return turn.error();
    const std::string target = plan.target.key().str();
    DatastoreCopy one(client_, files_, std::move(plan), progress, call);
    auto account = co_await one.run(std::move(manifest), checkpoint);
    speeds_->note_copy(target, account);
    co_return account;
}

awaitable<Result<std::vector<std::string>>> DatastoreBackend::seed_datastores(
    const std::string& datacenter, const std::string& name_regex, const Call& call
) {
    SLIPWAY_CO_TRY(const auto wanted, parse_regex(name_regex));
    const Call bounded = call.within(options_.answer_limit);
    SLIPWAY_CO_TRY(
        const auto center, co_await vsphere::find_datacenter(client_, datacenter, bounded)
    );
    SLIPWAY_CO_TRY(
        const auto datastores, co_await vsphere::datastores_of(client_, center.ref, bounded)
    );
    std::vector<std::string> names;
    for (const auto& datastore : datastores)
        if (takes_seeds(datastore) && std::regex_match(datastore.name, wanted))
            names.push_back(datastore.name);
    std::ranges::sort(names);
    co_return names;
}

awaitable<Result<SeedPlace>> DatastoreBackend::seed_place(
    const SeedRequest& request, const Call& call
) {
    SLIPWAY_CO_CHECK(check_seed_place(options_.store_dir, request.base_folder, request.name));
    std::string datacenter = request.datacenter;
    if (datacenter.starts_with('/')) datacenter.erase(0, 1);
    SeedPlace seed;
    SLIPWAY_CO_TRY(seed.place, co_await places_.find_recent(datacenter, request.datastore, call));
    seed.base_folder = request.base_folder;
    seed.name = request.name;
    seed.is_iso = request.source.data_file.ends_with(".iso");
    co_return seed;
}

awaitable<Result<DatastoreSeed::Plan>> DatastoreBackend::plan_seed(
    const SeedRequest& request, const Call& call
) {
    SLIPWAY_CO_CHECK(check_source(request.source));
    SLIPWAY_CO_CHECK(check_seed_sizes(request));
    DatastoreSeed::Plan plan;
    SLIPWAY_CO_TRY(plan.seed, co_await seed_place(request, call));
    if (!is_usable(plan.seed.place.datastore))
        co_return Error(Errc::unavailable, "the datastore of the cache can not be used at present");
    SLIPWAY_CO_TRY(plan.source, co_await places_.of(request.source, call));
    const auto& source = request.source;
    if (plan.seed.is_iso && !request.sizes_gib.empty())
        co_return Error(Errc::invalid_argument, "an iso has no sizes; leave them out");
    const auto file = plan.seed.is_iso ? source.data_file : source.clone_source();
    if (file.empty())
        co_return Error(
            Errc::unsupported, "this copy of the image is no disk that a datastore can clone"
        );
    if (!plan.seed.is_iso) SLIPWAY_CO_CHECK(check_opens_as_disk(source, plan.source.datastore));
    if (!plan.seed.is_iso && source.descriptor.empty() &&
        plan.seed.place.datastore.has_namespaces())
        co_return Error(
            Errc::unsupported,
            "a vSAN datastore takes no copy of this disk; seed it from a copy that was imported "
            "there"
        );
    plan.source_path = source.directory + '/' + file;
    plan.source_bytes = source.stored_bytes;
    plan.capacity_bytes = request.capacity_bytes;
    plan.sizes_gib = request.sizes_gib;
    plan.building_folder = building_folder(options_.store_dir);
    plan.task = request.task;
    co_return plan;
}

awaitable<Result<Account>> DatastoreBackend::seed(
    const SeedRequest& request,
    const std::string& checkpoint,
    CloneProgress& progress,
    const Call& call
) {
    if (!is_uuid(request.task.str()))
        co_return Error(Errc::invalid_argument, "a seed belongs to a task");
    const bool begun = !checkpoint.empty();
    auto make_plan = [&]() -> awaitable<Result<DatastoreSeed::Plan>> {
        const Call bounded = call.within(options_.answer_limit);
        co_return co_await plan_seed(request, bounded);
    };
    SLIPWAY_CO_TRY(auto plan, co_await plan_work(make_plan, begun, progress, call));
    const auto turn =
        co_await turn_of(plan.source.datastore, plan.seed.place.datastore, progress, call);
    // What was begun has to be cleaned up, which takes no turn.
    if (!turn && !(begun && turn.error().code == Errc::cancelled)) co_return turn.error();
    DatastoreSeed one(client_, std::move(plan), progress, call);
    co_return co_await one.run(checkpoint);
}

awaitable<Result<SeedState>> DatastoreBackend::keep_seed(
    const SeedRequest& request, const Call& call
) {
    SLIPWAY_CO_TRY(auto seed, co_await seed_place(request, call));
    co_return co_await keep_cached(client_, std::move(seed), call);
}

awaitable<Result<void>> DatastoreBackend::remove_seed(
    const SeedRequest& request, const Call& call
) {
    SLIPWAY_CO_TRY(auto seed, co_await seed_place(request, call));
    // A name of its own, so that a removal that was cut off is in nobody's way.
    std::string aside = building_folder(options_.store_dir) + '/' + new_uuid() + '/' + seed.name;
    co_return co_await remove_cached(client_, std::move(seed), std::move(aside), call);
}

awaitable<Result<bool>> DatastoreBackend::keeps_disks_as_objects(
    const Location& location, const Call& call
) {
    SLIPWAY_CO_TRY(const auto place, co_await places_.of(location, call));
    co_return place.datastore.has_namespaces();
}

awaitable<Result<Account>> DatastoreBackend::import_disk(
    const Location& location,
    ByteSource& stream_optimized,
    std::uint64_t capacity_bytes,
    std::vector<SideFile> side_files,
    const Call& call
) {
    const auto started = std::chrono::steady_clock::now();
    SLIPWAY_CO_CHECK(check_location(options_.store_dir, location));
    if (!location.is_managed() || !location.data_file.ends_with(".vmdk"))
        co_return Error(
            Errc::invalid_argument, "an imported disk is its own descriptor, and ends in .vmdk"
        );
    DatastoreImport what;
    SLIPWAY_CO_TRY(what.place, co_await places_.of(location, call));
    what.directory = location.directory;
    what.disk = location.data_file;
    what.capacity_bytes = capacity_bytes;
    Account account;
    account.path = "nfc";
    SLIPWAY_CO_TRY(
        account.bytes_through, co_await import_object_disk(client_, what, stream_optimized, call)
    );
    SLIPWAY_CO_CHECK(
        co_await write_side_files(what.place, what.directory, std::move(side_files), call)
    );
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    account.seconds = taken.count();
    co_return account;
}

awaitable<Result<void>> DatastoreBackend::write_side_files(
    const Place& place,
    const std::string& directory,
    std::vector<SideFile> side_files,
    const Call& call
) {
    for (const auto& side_file : side_files) {
        SLIPWAY_CO_TRY(
            auto path,
            vsphere::DatastorePath::make(place.datastore.name, directory + '/' + side_file.name)
        );
        const vsphere::FileTarget file{place.datacenter, place.datastore, std::move(path)};
        SLIPWAY_CO_CHECK(co_await files_.put_text(file, side_file.text, call));
        SLIPWAY_CO_TRY(const std::uint64_t arrived, co_await files_.size(file, call));
        if (arrived != side_file.text.size())
            co_return Error(
                Errc::corrupt, "the datastore did not keep a file of the disk; import it again"
            );
    }
    co_return Result<void>();
}

}  // namespace slipway::store
