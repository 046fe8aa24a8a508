#include "service/disk_importer.h"

#include "base/log.h"
#include "service/manifest.h"
#include "service/packed_disk.h"
#include "service/settle.h"
#include "service/stored_layout.h"
#include "service/stored_source.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace slipway::service {

namespace {

// Tells how far a transfer is, and stops it.
class WatchedSource final : public ByteSource {
public:
    WatchedSource(ByteSource& inner, const DiskImporter::Watch& watch, std::uint64_t expected)
        : inner_(inner), watch_(watch), expected_(std::max<std::uint64_t>(expected, 1)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (watch_.stopped && watch_.stopped())
            co_return Error(Errc::cancelled, "The work on the image was cancelled.");
        SLIPWAY_CO_TRY(const std::size_t count, co_await inner_.read_some(into));
        seen_ += count;
        const auto percent = std::min<std::uint64_t>(seen_ * 100 / expected_, 99);
        if (watch_.report) watch_.report(static_cast<int>(percent));
        co_return count;
    }

private:
    ByteSource& inner_;
    const DiskImporter::Watch& watch_;
    std::uint64_t expected_;
    std::uint64_t seen_ = 0;
};

// With boot forms switched off a stream-optimised upload is shown as it came. On a cluster that has
// nothing but vSAN Nova takes no other image, and no byte of this one once it is in the cache.
bool has_disk(const Image& image, BootFormMode mode) {
    if (mode != BootFormMode::off) return image.boot_form.has_value();
    return image.disk_format == "vmdk" && image.container_format == "bare" &&
           image.property("vmware_disktype") == "streamOptimized";
}

PackedDisk::Content content_of(const Image& image, const Location& stored) {
    if (stored.form == StoredForm::sparse || stored.form == StoredForm::boot)
        return {"vmdk", "bare"};
    return {image.disk_format.value_or(""), image.container_format.value_or("")};
}

}  // namespace

awaitable<Result<bool>> DiskImporter::is_wanted(
    const Image& image, const Location& stored, const Call& call
) {
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(stored.backend));
    const BackendInfo& store = backend->info();
    if (!store.publishes_locations || !has_disk(image, boot_form_mode(image, store)))
        co_return false;
    SLIPWAY_CO_TRY(const bool objects, co_await backend->keeps_disks_as_objects(stored, call));
    if (!objects) co_return false;
    SLIPWAY_CO_TRY(const auto locations, co_await with_.catalog.live_locations(image.id));
    co_return std::ranges::none_of(locations, [&](const Location& location) {
        return location.is_managed() && location.backend == stored.backend;
    });
}

awaitable<Result<Account>> DiskImporter::import(
    const Image& image, const Location& stored, const Watch& watch, const Call& call
) {
    SLIPWAY_CO_TRY(const Location target, co_await begin(image, stored, call));
    auto imported = co_await fill(image, stored, target, watch, call);
    if (imported) {
        store::AddedLocation added;
        added.stored_bytes = target.stored_bytes;
        const auto finished = co_await with_.catalog.finish_location(target.id, std::move(added));
        if (!finished) imported = finished.error();
    }
    if (!imported) {
        co_await give_up(image, target, imported.error(), call);
        co_return imported;
    }
    log::info(
        call,
        "disk.import.done",
        {{"image", image.id.str()},
         {"datastore", target.datastore},
         {"bytes", imported->bytes_through},
         {"seconds", imported->seconds}}
    );
    SLIPWAY_CO_CHECK(co_await with_.catalog.note_import(image.id, std::nullopt));
    co_await with_.on_imported(image, target, call);
    co_return imported;
}

// On the datastore of the stored file, and no other: there the storage copies it fastest.
awaitable<Result<Location>> DiskImporter::begin(
    const Image& image, const Location& stored, const Call& call
) {
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(stored.backend));
    const std::uint64_t bytes = image.boot_form ? image.boot_form->size_bytes : stored.stored_bytes;
    const store::PlaceRequest beside{image.id, bytes, {stored.datastore}, {}};
    SLIPWAY_CO_TRY(const auto place, co_await backend->place(beside, call));
    Location target;
    target.id = LocationId(new_uuid());
    target.image_id = image.id;
    target.backend = stored.backend;
    target.datastore = place.datastore;
    target.datastore_ref = place.datastore_ref;
    target.directory = place.directory;
    target.data_file = target.descriptor = image.id.str() + ".vmdk";
    target.form = StoredForm::boot;
    target.stored_bytes = bytes;
    target.server = with_.server;
    SLIPWAY_CO_CHECK(co_await with_.catalog.add_location(target));
    co_return target;
}

awaitable<Result<Account>> DiskImporter::fill(
    const Image& image,
    const Location& stored,
    const Location& target,
    const Watch& watch,
    const Call& call
) {
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(stored.backend));
    StoredSource original(*backend, stored, call, co_await asio::this_coro::executor);
    SLIPWAY_CO_TRY(
        const auto disk,
        co_await PackedDisk::open(
            original,
            content_of(image, stored),
            PackedDisk::Form::stream,
            adapter_of(image),
            with_.pool
        )
    );
    WatchedSource stream(*disk, watch, target.stored_bytes);
    std::vector<store::SideFile> side_files;
    side_files.push_back(manifest_of(image, target));
    co_return co_await backend->import_disk(
        target, stream, disk->capacity_bytes(), std::move(side_files), call
    );
}

// Leaves what was made to the collector, and tells why seeds and clones have no disk.
awaitable<void> DiskImporter::give_up(
    const Image& image, const Location& target, const Error& error, const Call& call
) {
    log::warning(
        call,
        "disk.import.failed",
        {{"image", image.id.str()}, {"datastore", target.datastore}, {"error", error.message}}
    );
    co_await drop_surely(with_.catalog, target.id, call);
    if (error.code == Errc::cancelled || error.code == Errc::gone) co_return;
    const auto noted = co_await with_.catalog.note_import(
        image.id, "The disk could not be imported to its datastore: " + error.message
    );
    if (!noted) log::warning(call, "disk.import.not_noted", {{"error", noted.error().message}});
}

}  // namespace slipway::service
