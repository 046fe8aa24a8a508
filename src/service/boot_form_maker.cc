#include "service/boot_form_maker.h"

#include "base/log.h"
#include "format/sparse_layout.h"
#include "format/sparse_wrapping_source.h"
#include "service/manifest.h"
#include "service/packed_disk.h"
#include "service/settle.h"
#include "service/stored_layout.h"
#include "service/stored_source.h"
#include "service/taps.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <chrono>

namespace slipway::service {

namespace {

constexpr std::array<std::string_view, 6> kDiskFormats{
    "raw", "vmdk", "qcow2", "vhd", "vhdx", "vdi"};

// What is replaced stays this long, for downloads by other servers on the same catalogue.
constexpr std::chrono::seconds kReplacedGrace{10};

bool is_for_good(const Error& error) {
    return error.code == Errc::unsupported || error.code == Errc::corrupt ||
           error.code == Errc::too_large || error.code == Errc::invalid_argument;
}

// Tells how far a transfer is, and stops it.
class WatchTap final : public Tap {
public:
    WatchTap(const BootFormMaker::Watch& watch, std::uint64_t all) : watch_(watch), all_(all) {}

    Result<void> see(std::span<const std::byte> chunk) override {
        seen_ += chunk.size();
        if (watch_.stopped && watch_.stopped())
            return Error(Errc::cancelled, "The work on the image was cancelled.");
        if (watch_.report && all_ > 0) watch_.report(static_cast<int>(seen_ * 99 / all_));
        return {};
    }

private:
    const BootFormMaker::Watch& watch_;
    std::uint64_t all_;
    std::uint64_t seen_ = 0;
};

}  // namespace

bool is_tried_again_after(const Error& error) {
    return error.code == Errc::unavailable || error.code == Errc::no_space ||
           error.code == Errc::timeout;
}

std::string not_made(const Error& error) {
    return (is_tried_again_after(error) ? "It could not be made yet, and is tried again: "
                                        : "It could not be made: ") +
           error.message;
}

bool BootFormMaker::is_wanted(const Image& image, const Location& upload) const {
    const auto backend = with_.backends.find(upload.backend);
    if (!backend || !(*backend)->info().publishes_locations) return false;
    if (boot_form_mode(image, (*backend)->info()) == BootFormMode::off) return false;
    if (!upload.clone_source().empty() || image.boot_form) return false;
    if (image.container_format == "ova") return true;
    return image.container_format == "bare" && image.disk_format &&
           std::ranges::find(kDiskFormats, *image.disk_format) != kDiskFormats.end();
}

// One boot form, from the stored original to the commit.
class BootFormMaker::Work {
public:
    Work(
        BootFormMaker& maker,
        const Image& image,
        const Location& upload,
        const Watch& watch,
        const Call& call
    )
        : with_(maker.with_), image_(image), upload_(upload), watch_(watch), call_(call) {}

    awaitable<Result<MadeBootForm>> run(store::Backend& backend) {
        const auto started = std::chrono::steady_clock::now();
        SLIPWAY_CO_CHECK(co_await open(backend));
        SLIPWAY_CO_CHECK(co_await begin(backend));
        SLIPWAY_CO_CHECK(co_await write(backend));
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
        made_.account = {made_.location.stored_bytes, 0, taken.count(), "stream"};
        co_return std::move(made_);
    }

    // Leaves what was written to the collector.
    awaitable<void> give_up() {
        if (begun_) co_await drop_surely(with_.catalog, made_.location.id, call_);
    }

private:
    // The file that will be written, as a source of its bytes.
    awaitable<Result<void>> open(store::Backend& backend) {
        const auto adapter = adapter_of(image_);
        made_.form.disk_type = "sparse";
        made_.replaces_record = boot_form_mode(image_, backend.info()) == BootFormMode::replace;
        made_.replaces_upload = made_.replaces_record;
        if (image_.disk_format == "raw" && image_.container_format == "bare") {
            SLIPWAY_CO_TRY(
                auto layout,
                format::SparseLayout::create(
                    upload_.stored_bytes, adapter, format::DiskIdentity::random()
                )
            );
            SLIPWAY_CO_TRY(
                plain_, co_await backend.open_reader(upload_, {0, upload_.stored_bytes}, call_)
            );
            made_.replaces_upload = true;
            if (!made_.replaces_record) {
                made_.location.form = StoredForm::sparse;
                made_.location.data_offset = layout.prefix_bytes();
            }
            made_.form.capacity_bytes = layout.capacity_bytes();
            file_ = std::make_unique<format::SparseWrappingSource>(std::move(layout), *plain_);
            co_return Result<void>();
        }
        original_ = std::make_unique<StoredSource>(
            backend, upload_, call_, co_await asio::this_coro::executor
        );
        SLIPWAY_CO_TRY(
            auto disk,
            co_await PackedDisk::open(
                *original_,
                {*image_.disk_format, *image_.container_format},
                PackedDisk::Form::sparse,
                adapter,
                with_.pool
            )
        );
        if (!made_.replaces_record) made_.location.form = StoredForm::boot;
        made_.form.capacity_bytes = disk->capacity_bytes();
        file_ = std::move(disk);
        co_return Result<void>();
    }

    awaitable<Result<void>> begin(store::Backend& backend) {
        const std::uint64_t bytes = file_->size_bytes().value_or(0);
        const store::PlaceRequest beside{image_.id, bytes, {upload_.datastore}, {}};
        auto place = co_await backend.place(beside, call_);
        if (!place && place.error().code == Errc::no_space)
            place = co_await backend.place({image_.id, bytes, {}, {}}, call_);
        if (!place) co_return place.error();
        Location& location = made_.location;
        location.id = LocationId(new_uuid());
        location.image_id = image_.id;
        location.backend = upload_.backend;
        location.datastore = place->datastore;
        location.datastore_ref = place->datastore_ref;
        location.directory = place->directory;
        location.data_file = image_.id.str() + ".vmdk";
        location.stored_bytes = bytes;
        location.server = with_.server;
        SLIPWAY_CO_CHECK(co_await with_.catalog.add_location(location));
        begun_ = true;
        co_return Result<void>();
    }

    awaitable<Result<void>> write(store::Backend& backend) {
        SLIPWAY_CO_TRY(HashTap hash, HashTap::create(image_.os_hash_algo.value_or("sha512")));
        Location& location = made_.location;
        WatchTap watch(watch_, location.stored_bytes);
        SLIPWAY_CO_TRY(
            auto writer, co_await backend.open_writer(location, location.stored_bytes, call_)
        );
        SLIPWAY_CO_TRY(
            location.stored_bytes, co_await pump(*file_, *writer, {&watch, &hash}, with_.pool)
        );
        const auto values = hash.finish();
        made_.form.size_bytes = location.stored_bytes;
        made_.form.checksum = values.checksum;
        made_.form.os_hash_value = values.os_hash_value;
        Image shown = image_;
        shown.boot_form = made_.form;
        if (made_.replaces_record) take_boot_form(shown);
        co_return co_await writer->commit(location.stored_bytes, {manifest_of(shown, location)});
    }

    Dependencies& with_;
    const Image& image_;
    const Location& upload_;
    const Watch& watch_;
    const Call& call_;
    MadeBootForm made_;
    bool begun_ = false;
    std::unique_ptr<ByteSource> plain_;
    std::unique_ptr<StoredSource> original_;
    std::unique_ptr<ByteSource> file_;
};

awaitable<Result<BootFormOutcome>> BootFormMaker::make(
    const Image& image, const Location& upload, const Watch& watch, const Call& call
) {
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(upload.backend));
    Work work(*this, image, upload, watch, call);
    auto made = co_await work.run(*backend);
    BootFormOutcome outcome;
    if (made) {
        log::info(
            call,
            "boot_form.make.done",
            {{"image", image.id.str()},
             {"bytes", made->location.stored_bytes},
             {"capacity", made->form.capacity_bytes},
             {"seconds", made->account.seconds}}
        );
        outcome.made = std::move(*made);
        co_return outcome;
    }
    co_await work.give_up();
    if (!is_for_good(made.error())) co_return made.error();
    log::info(
        call,
        "boot_form.make.impossible",
        {{"image", image.id.str()}, {"error", made.error().message}}
    );
    outcome.reason = made.error().message;
    co_return outcome;
}

awaitable<void> BootFormMaker::follow_up(
    const Image& image, const Location& upload, const Call& call
) {
    TaskRecord task;
    task.id = TaskId(new_uuid());
    task.kind = TaskKind::boot_form;
    task.image_id = image.id;
    task.owner = image.owner;
    task.location_id = upload.id;
    task.input = "{}";
    task.request_id = call.request_id;
    const auto created = co_await with_.catalog.create_task(std::move(task));
    if (!created)
        log::warning(
            call,
            "boot_form.task.failed",
            {{"image", image.id.str()}, {"error", created.error().message}}
        );
    with_.on_task();
}

awaitable<void> BootFormMaker::follow_copy(
    const Image& image, const Location& copy, const Call& call
) {
    if (!copy.holds_boot_form()) co_return;
    const auto imports = co_await with_.importer.is_wanted(image, copy, call);
    if (imports && *imports) co_await follow_up(image, copy, call);
}

awaitable<Result<Account>> BootFormMaker::run(
    const TaskRecord& task, store::CloneProgress& progress, const Call& call
) {
    SLIPWAY_CO_TRY(Image image, co_await with_.catalog.find_any_image(task.image_id));
    SLIPWAY_CO_TRY(Location stored, co_await with_.catalog.find_location(task.location_id));
    const Watch watch{progress.report, progress.cancelled};
    Account account{0, 0, 0, "none"};
    if (stored.state != LocationState::live) co_return account;
    if (is_wanted(image, stored)) {
        SLIPWAY_CO_TRY(stored, co_await add(image, stored, watch, account, call));
        SLIPWAY_CO_TRY(image, co_await with_.catalog.find_any_image(task.image_id));
    }
    SLIPWAY_CO_TRY(const bool imports, co_await with_.importer.is_wanted(image, stored, call));
    if (!imports) co_return account;
    SLIPWAY_CO_TRY(
        const Account imported, co_await with_.importer.import(image, stored, watch, call)
    );
    account.bytes_through += imported.bytes_through;
    account.path = imported.path;
    co_return account;
}

awaitable<Result<Location>> BootFormMaker::add(
    const Image& image,
    const Location& upload,
    const Watch& watch,
    Account& account,
    const Call& call
) {
    const auto outcome = co_await make(image, upload, watch, call);
    if (!outcome) {
        const Error& error = outcome.error();
        if (error.code != Errc::cancelled && error.code != Errc::gone)
            SLIPWAY_CO_CHECK(co_await with_.catalog.note_boot_reason(image.id, not_made(error)));
        co_return error;
    }
    if (!outcome->made) {
        SLIPWAY_CO_CHECK(co_await with_.catalog.note_boot_reason(image.id, outcome->reason));
        co_return Error(Errc::unsupported, outcome->reason);
    }
    const MadeBootForm& made = *outcome->made;
    store::AddedLocation added;
    added.stored_bytes = made.location.stored_bytes;
    added.boot_form = made.form;
    if (made.replaces_upload) added.replaced = upload.id;
    added.replaces_record = made.replaces_record;
    added.grace = kReplacedGrace;
    const auto finished =
        co_await with_.catalog.finish_location(made.location.id, std::move(added));
    if (!finished) {
        co_await drop_surely(with_.catalog, made.location.id, call);
        co_return finished.error();
    }
    account = made.account;
    co_return made.replaces_upload ? made.location : upload;
}

}  // namespace slipway::service
