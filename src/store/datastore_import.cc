#include "store/datastore_import.h"

#include "base/log.h"
#include "store/datastore_steps.h"
#include "vsphere/fault.h"
#include "vsphere/nfc.h"
#include "vsphere/property_collector.h"
#include "vsphere/virtual_disk.h"
#include "vsphere/virtual_machine.h"

#include <boost/asio/this_coro.hpp>

namespace slipway::store {
namespace {

// The object's own name, so that whoever removes the object finds the machine.
std::string machine_name(std::string_view directory) {
    return "slipway-" + name_of(directory);
}

// Takes the disk out of its machine, and to its place.
awaitable<Result<void>> take_out(
    vsphere::VimClient& client,
    const DatastoreImport& what,
    const vsphere::ImportedDisk& imported,
    const Call& call
) {
    SLIPWAY_CO_CHECK(co_await vsphere::detach_disk(client, imported.machine, imported.disk, call));
    SLIPWAY_CO_TRY(auto target, what.place.file(what.directory + '/' + what.disk));
    vsphere::FileRef source{imported.disk.file, what.place.datacenter.ref};
    auto moved = co_await vsphere::move_disk(client, source, target, call);
    if (moved) co_return moved;
    // Its answer may have been lost. Nobody else puts a disk there, so when it is there, it was
    // moved.
    const std::vector<std::string> names = {what.disk};
    SLIPWAY_CO_TRY(
        const auto present, co_await names_present(client, what.place, what.directory, names, call)
    );
    if (present.empty()) co_return moved;
    co_return Result<void>();
}

awaitable<Result<void>> destroy(
    vsphere::VimClient& client, vsphere::ManagedObjectReference machine, const Call& call
) {
    auto once = [&]() -> awaitable<Result<void>> {
        return vsphere::destroy_machine(client, machine, call);
    };
    // Destroyed twice is as good as once.
    const auto again = [](const Error& error) {
        return may_pass(error) || error.reason == vsphere::kOutcomeUnknown;
    };
    co_return co_await vsphere::with_retries(kRemovalPolicy, call, once, again);
}

// Removes the disk, wherever it is by now, and its machine.
awaitable<void> give_up(
    vsphere::VimClient& client,
    const DatastoreImport& what,
    const vsphere::ImportedDisk& imported,
    const Call& call
) {
    vsphere::FileRef disk{imported.disk.file, what.place.datacenter.ref};
    const auto destroyed = co_await destroy(client, imported.machine, call);
    // A detached disk is not the machine's any more.
    const auto removed = co_await vsphere::delete_disk(client, std::move(disk), call);
    static_cast<void>(removed);
    if (!destroyed)
        log::warning(
            call,
            "datastore.import.remains",
            {{"machine", machine_name(what.directory)}, {"error", destroyed.error().message}}
        );
}

}  // namespace

awaitable<Result<std::uint64_t>> import_object_disk(
    vsphere::VimClient& client,
    const DatastoreImport& what,
    ByteSource& stream_optimized,
    const Call& call
) {
    SLIPWAY_CO_CHECK(co_await make_folders(client, what.place, what.directory, call));
    const std::vector<std::string> names = {what.disk};
    SLIPWAY_CO_TRY(
        const auto present, co_await names_present(client, what.place, what.directory, names, call)
    );
    if (!present.empty()) co_return Error(Errc::conflict, "the disk is on the datastore already");
    // An earlier process may have died in the middle of the same import.
    SLIPWAY_CO_CHECK(co_await remove_import(client, what.place, what.directory, call));
    SLIPWAY_CO_TRY(
        auto place,
        co_await vsphere::find_machine_place(
            client, what.place.datacenter, what.place.datastore, call
        )
    );
    vsphere::DiskImport request;
    request.machine = machine_name(what.directory);
    request.datastore = what.place.datastore.name;
    request.capacity_bytes = what.capacity_bytes;
    SLIPWAY_CO_TRY(
        const auto imported,
        co_await vsphere::import_disk(
            client, std::move(place), std::move(request), stream_optimized, call
        )
    );

    std::exception_ptr thrown;
    Result<void> taken = Error(Errc::cancelled, "the import was cancelled");
    try {
        taken = co_await take_out(client, what, imported, call);
        const Call own = for_cleaning_up(call);
        if (taken) taken = co_await destroy(client, imported.machine, own);
    } catch (...) {
        thrown = std::current_exception();
    }
    if (taken) co_return imported.bytes_sent;
    // Also for a caller that was cancelled: what follows must be done all the same.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const Call own = for_cleaning_up(call);
    co_await give_up(client, what, imported, own);
    if (thrown) std::rethrow_exception(thrown);
    co_return as_seen_by_callers(taken.error());
}

awaitable<Result<void>> remove_import(
    vsphere::VimClient& client, Place place, std::string directory, const Call& call
) {
    const std::vector<std::string> paths = {"vmFolder"};
    SLIPWAY_CO_TRY(
        const auto center, co_await vsphere::retrieve_one(client, place.datacenter.ref, paths, call)
    );
    SLIPWAY_CO_TRY(auto folder, center.reference("vmFolder"));
    SLIPWAY_CO_TRY(
        const auto machine,
        co_await vsphere::find_machine(client, std::move(folder), machine_name(directory), call)
    );
    if (!machine) co_return Result<void>();
    co_return co_await destroy(client, *machine, call);
}

}  // namespace slipway::store
