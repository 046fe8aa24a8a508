#include "store/datastore_steps.h"

#include "vsphere/datastore_browser.h"
#include "vsphere/fault.h"
#include "vsphere/virtual_disk.h"

namespace slipway::store {
namespace {

// What the server does not take for a disk goes with its folder, as a file.
bool is_no_disk(const Error& error) {
    return error.reason == "FileNotFound" || error.reason == "InvalidDiskFormat" ||
           error.reason == "FileFault" || error.reason == "CannotAccessFile";
}

bool is_descriptor(std::string_view name) {
    return name.ends_with(".vmdk") && !name.ends_with("-flat.vmdk");
}

}  // namespace

std::string folder_of(std::string_view path) {
    const auto slash = path.rfind('/');
    return std::string(slash == std::string_view::npos ? "" : path.substr(0, slash));
}

std::string name_of(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

std::string extent_of(std::string_view path) {
    return std::string(path.substr(0, path.rfind('.'))) + "-flat.vmdk";
}

Error as_seen_by_callers(Error error) {
    if (error.reason == "FileLocked") error.code = Errc::unavailable;
    return error;
}

bool may_pass(const Error& error) {
    return error.reason == "FileLocked" ||
           vsphere::retry_class(error) == vsphere::RetryClass::retry;
}

bool is_outage(const Error& error) {
    return error.code == Errc::unavailable || error.code == Errc::timeout;
}

Result<void> check_opens_as_disk(const Location& source, const vsphere::DatastoreInfo& datastore) {
    if (!datastore.has_namespaces() || source.is_managed()) return {};
    return Error(
        Errc::unsupported,
        "on a vSAN or vVol datastore only a disk that was imported can be copied, and this image "
        "has none there yet; its copies tell why (boot_form_reason)"
    );
}

awaitable<Result<void>> remove_disks(
    vsphere::VimClient& client, Place place, std::string folder, const Call& call
) {
    SLIPWAY_CO_TRY(const auto directory, place.file(folder));
    const std::vector<std::string> disks = {"*.vmdk"};
    const auto found = co_await vsphere::search_subfolders(
        client, place.datastore.browser, directory.path, disks, call
    );
    if (!found && found.error().code == Errc::not_found) co_return Result<void>();
    if (!found) co_return found.error();
    for (const auto& part : *found) {
        SLIPWAY_CO_TRY(const auto inside, vsphere::DatastorePath::parse(part.folder_path));
        for (const auto& file : part.files) {
            if (!is_descriptor(file.path)) continue;
            SLIPWAY_CO_TRY(auto path, inside.join(file.path));
            vsphere::FileRef disk{std::move(path), place.datacenter.ref};
            const auto removed = co_await vsphere::delete_disk(client, std::move(disk), call);
            if (!removed && !is_no_disk(removed.error())) co_return removed;
        }
    }
    co_return Result<void>();
}

awaitable<Result<void>> remove_folder(
    vsphere::VimClient& client, Place place, std::string folder, const Call& call
) {
    auto remove = [&]() -> awaitable<Result<void>> {
        if (place.datastore.has_namespaces())
            SLIPWAY_CO_CHECK(co_await remove_disks(client, place, folder, call));
        SLIPWAY_CO_TRY(auto directory, place.file(folder));
        auto removed = co_await vsphere::delete_file(client, std::move(directory), call);
        if (!removed && removed.error().reason == "FileNotFound") co_return Result<void>();
        co_return removed;
    };
    // Nothing is lost by removing it twice, so a lost answer is asked for again.
    const auto again = [](const Error& error) {
        return may_pass(error) || error.reason == vsphere::kOutcomeUnknown ||
               error.reason == vsphere::kTaskVanished;
    };
    co_return co_await vsphere::with_retries(kRemovalPolicy, call, remove, again);
}

}  // namespace slipway::store
