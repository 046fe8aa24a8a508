#include "service/image_data_service.h"

#include "base/json.h"
#include "base/log.h"
#include "format/sparse_wrapping_source.h"
#include "service/image_service.h"
#include "service/taps.h"
#include "service/upload_inspection.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace slipway::service {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kHeadBytes = 64U << 10U;  // what is looked at before a byte is stored

double seconds_since(SteadyTime start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The head that was read already, then the rest.
class ReplayingSource final : public ByteSource {
public:
    ReplayingSource(std::vector<std::byte> head, ByteSource& rest)
        : head_(std::move(head)), rest_(rest) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (position_ == head_.size()) co_return co_await rest_.read_some(into);
        const std::size_t count = std::min(into.size(), head_.size() - position_);
        std::copy_n(head_.begin() + static_cast<std::ptrdiff_t>(position_), count, into.begin());
        position_ += count;
        co_return count;
    }

private:
    std::vector<std::byte> head_;
    std::size_t position_ = 0;
    ByteSource& rest_;
};

// Reports what was read when it goes, finished or not.
class AccountedSource final : public ByteSource {
public:
    using Report = std::function<void(std::uint64_t bytes, double seconds)>;

    AccountedSource(
        std::unique_ptr<ByteSource> inner, std::unique_ptr<Transfers::Pin> pin, Report report
    )
        : inner_(std::move(inner)), pin_(std::move(pin)), report_(std::move(report)) {}
    ~AccountedSource() override { report_(bytes_, seconds_since(start_)); }
    AccountedSource(const AccountedSource&) = delete;
    AccountedSource& operator=(const AccountedSource&) = delete;

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        SLIPWAY_CO_TRY(const std::size_t got, co_await inner_->read_some(into));
        bytes_ += got;
        co_return got;
    }
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return inner_->size_bytes();
    }

private:
    std::unique_ptr<ByteSource> inner_;
    std::unique_ptr<Transfers::Pin> pin_;
    Report report_;
    SteadyTime start_ = std::chrono::steady_clock::now();
    std::uint64_t bytes_ = 0;
};

// What a store answers about its files and its account is no answer about the image.
Error of_store(const Call& call, const Error& error) {
    const bool about_the_image = error.code != Errc::not_found && error.code != Errc::conflict &&
                                 error.code != Errc::forbidden &&
                                 error.code != Errc::unauthenticated;
    if (about_the_image) return error;
    log::warning(call, "store.refused", {{"error", error.message}, {"reason", error.reason}});
    return Error(
        Errc::unavailable,
        "The store can not take or give image data at the moment; try again later."
    );
}

Error size_mismatch(std::uint64_t expected, std::uint64_t got) {
    return Error(
        Errc::invalid_argument,
        "The upload has " + std::to_string(got) + " bytes, but " + std::to_string(expected) +
            " were announced."
    );
}

// What is committed beside the data: enough to rebuild the catalogue's row from the datastore
// alone.
std::string manifest_json(
    const Image& image, const Location& location, const store::UploadOutcome& outcome
) {
    json::Writer writer;
    writer.begin_object().member("layout", std::int64_t{1}).member("image_id", image.id.str());
    writer.member("data_file", location.data_file).member("form", to_string(location.form));
    writer.member("data_offset", static_cast<std::int64_t>(location.data_offset));
    writer.member("stored_bytes", static_cast<std::int64_t>(outcome.stored_bytes));
    writer.member("size", static_cast<std::int64_t>(outcome.size_bytes));
    writer.member_or_null("virtual_size", outcome.virtual_size_bytes);
    writer.member_or_null("disk_format", image.disk_format);
    writer.member_or_null("container_format", image.container_format);
    writer.member("checksum", outcome.checksum).member("os_hash_algo", outcome.os_hash_algo);
    writer.member("os_hash_value", outcome.os_hash_value).end_object();
    return writer.text();
}

}  // namespace

// One attempt to store the data of an image, from the first byte to the commit.
class ImageDataService::Attempt {
public:
    Attempt(Dependencies& with, const Caller& caller, Image image, std::uint64_t allowance)
        : with_(with),
          call_(caller.call),
          image_(std::move(image)),
          allowance_(allowance),
          inspection_(image_, with.rules.require_image_format_match) {}

    [[nodiscard]] const Location& location() const { return location_; }

    // Reads the head of `body`, decides on the layout and writes the intent into the catalogue.
    awaitable<Result<void>> begin(
        store::Backend& backend, std::optional<std::uint64_t> expected, ByteSource& body
    ) {
        expected_ = expected;
        head_.resize(kHeadBytes);
        SLIPWAY_CO_TRY(const std::size_t got, co_await read_full(body, head_));
        head_.resize(got);
        SLIPWAY_CO_TRY(const ContentKind kind, inspection_.early_kind(head_));
        layout_ = plan_layout(image_, kind, expected, backend.info());
        const std::uint64_t room = layout_.stored_bytes.value_or(0);
        auto chosen = co_await backend.place(image_.id, room, call_);
        if (!chosen) co_return of_store(call_, chosen.error());
        const store::Placement place = std::move(*chosen);
        location_.id = LocationId(new_uuid());
        location_.image_id = image_.id;
        location_.backend = backend.info().id;
        location_.datastore = place.datastore;
        location_.datastore_ref = place.datastore_ref;
        location_.directory = place.directory;
        location_.data_file = layout_.data_file;
        location_.descriptor = layout_.descriptor;
        location_.form = layout_.form;
        location_.data_offset = layout_.wrapping ? layout_.wrapping->prefix_bytes() : 0;
        location_.stored_bytes = room;
        location_.server = with_.server;
        stop_ = with_.transfers.begin_upload(image_.id);
        auto begun = co_await with_.catalog.begin_upload(location_);
        if (!begun && begun.error().code == Errc::not_found) co_return image_gone();
        begun_ = begun.has_value();
        co_return begun;
    }

    [[nodiscard]] bool begun() const { return begun_; }

    // Moves the bytes, checks them, and makes the image active.
    awaitable<Result<void>> store(store::Backend& backend, ByteSource& body) {
        const auto start = std::chrono::steady_clock::now();
        SLIPWAY_CO_TRY(HashTap user_hash, HashTap::create(with_.rules.hashing_algorithm));
        SLIPWAY_CO_TRY(HashTap file_hash, HashTap::create(with_.rules.hashing_algorithm));
        auto opened = co_await backend.open_writer(location_, layout_.stored_bytes, call_);
        if (!opened) co_return of_store(call_, opened.error());
        store::ObjectWriter& writer = **opened;
        auto moved = co_await move_bytes(writer, body, user_hash, file_hash);
        if (!moved) co_return of_store(call_, moved.error());
        store::UploadOutcome outcome = std::move(*moved);

        const auto values = user_hash.finish();
        outcome.checksum = values.checksum;
        outcome.os_hash_algo = with_.rules.hashing_algorithm;
        outcome.os_hash_value = values.os_hash_value;
        SLIPWAY_CO_TRY(outcome.virtual_size_bytes, inspection_.finish(outcome.size_bytes));
        outcome.boot_form = boot_form(outcome, file_hash);

        SLIPWAY_CO_TRY(auto side_files, side_files_for(outcome));
        const auto committed = co_await writer.commit(outcome.stored_bytes, std::move(side_files));
        if (!committed) co_return of_store(call_, committed.error());
        outcome.account = {outcome.size_bytes, 0, seconds_since(start), "stream"};
        outcome.request_id = call_.request_id;
        SLIPWAY_CO_CHECK(co_await with_.catalog.finish_upload(location_.id, outcome));
        log::info(
            call_,
            "image.upload.done",
            {{"image", image_.id.str()},
             {"bytes", outcome.size_bytes},
             {"store", location_.backend.str()},
             {"datastore", location_.datastore},
             {"form", to_string(location_.form)},
             {"seconds", outcome.account.seconds}}
        );
        co_return Result<void>();
    }

private:
    // Runs the pump over the file as it will lie. Taps for the user's bytes see the part that is
    // theirs.
    awaitable<Result<store::UploadOutcome>> move_bytes(
        store::ObjectWriter& writer, ByteSource& body, HashTap& user_hash, HashTap& file_hash
    ) {
        ReplayingSource upload(std::move(head_), body);
        StopTap stop(stop_, image_gone());
        SizeTap size(
            allowance_, Error(Errc::too_large, "The upload is larger than this image may be.")
        );
        const std::uint64_t announced =
            expected_.value_or(std::numeric_limits<std::uint64_t>::max());
        SizeTap announcement(announced, size_mismatch(announced, announced + 1));
        std::vector<Tap*> user_taps{&size, &announcement, &inspection_, &user_hash};

        store::UploadOutcome outcome;
        if (layout_.wrapping) {
            format::SparseWrappingSource file(*layout_.wrapping, upload);
            WindowTap window(
                location_.data_offset, layout_.wrapping->size_bytes(), std::move(user_taps)
            );
            SLIPWAY_CO_TRY(
                outcome.stored_bytes,
                co_await pump(file, writer, {&stop, &window, &file_hash}, with_.pool)
            );
        } else {
            user_taps.insert(user_taps.begin(), &stop);
            SLIPWAY_CO_TRY(
                outcome.stored_bytes,
                co_await pump(upload, writer, std::move(user_taps), with_.pool)
            );
        }
        outcome.size_bytes = size.seen_bytes();
        if (expected_ && outcome.size_bytes != *expected_)
            co_return size_mismatch(*expected_, outcome.size_bytes);
        co_return outcome;
    }

    // The disk that services are shown, where the stored file is one.
    std::optional<BootForm> boot_form(const store::UploadOutcome& outcome, HashTap& file_hash) {
        BootForm form;
        form.size_bytes = outcome.stored_bytes;
        if (layout_.wrapping) {
            const auto values = file_hash.finish();
            form.disk_type = "sparse";
            form.capacity_bytes = layout_.wrapping->capacity_bytes();
            form.checksum = values.checksum;
            form.os_hash_value = values.os_hash_value;
            return form;
        }
        const bool own_disk =
            layout_.form == StoredForm::flat || location_.data_file.ends_with(".vmdk");
        if (!own_disk || !outcome.virtual_size_bytes) return std::nullopt;
        form.disk_type = layout_.form == StoredForm::flat ? "preallocated" : "sparse";
        form.capacity_bytes = *outcome.virtual_size_bytes;
        form.checksum = outcome.checksum;
        form.os_hash_value = outcome.os_hash_value;
        return form;
    }

    // The descriptor of a flat disk, then the manifest: with it there, the object is complete.
    Result<std::vector<store::SideFile>> side_files_for(const store::UploadOutcome& outcome) {
        std::vector<store::SideFile> files;
        if (!location_.descriptor.empty()) {
            SLIPWAY_TRY(
                std::string text,
                format::flat_descriptor(
                    outcome.stored_bytes,
                    location_.data_file,
                    adapter_of(image_),
                    format::DiskIdentity::random()
                )
            );
            files.push_back({location_.descriptor, std::move(text)});
        }
        files.push_back({image_.id.str() + ".json", manifest_json(image_, location_, outcome)});
        return files;
    }

    [[nodiscard]] Error image_gone() const {
        return Error(Errc::gone, "Image " + image_.id.str() + " was deleted during the upload.");
    }

    Dependencies& with_;
    Call call_;
    Image image_;
    std::uint64_t allowance_;
    std::optional<std::uint64_t> expected_;
    UploadInspection inspection_;
    std::vector<std::byte> head_;
    StoredLayout layout_;
    Location location_;
    Transfers::StopFlag stop_;
    bool begun_ = false;
};

// How many bytes the image may have: the cap, and what is left of its project's quota.
awaitable<Result<std::uint64_t>> ImageDataService::allowance(
    const Image& image, std::optional<std::uint64_t> expected
) {
    std::uint64_t allowed = std::numeric_limits<std::uint64_t>::max();
    if (with_.rules.image_size_cap >= 0)
        allowed = static_cast<std::uint64_t>(with_.rules.image_size_cap);
    if (expected && *expected > allowed)
        co_return Error(
            Errc::too_large,
            "The upload exceeds the maximum allowed image size of " + std::to_string(allowed) +
                " bytes."
        );
    if (with_.rules.user_storage_quota < 0 || !image.owner) co_return allowed;
    const auto quota = static_cast<std::uint64_t>(with_.rules.user_storage_quota);
    SLIPWAY_CO_TRY(const std::uint64_t used, co_await with_.catalog.bytes_in_use(*image.owner));
    const std::uint64_t left = quota > used ? quota - used : 0;
    if (left == 0 || (expected && *expected > left))
        co_return Error(
            Errc::too_large,
            "The storage quota of the project is " + std::to_string(quota) + " bytes, of which " +
                std::to_string(used) + " are in use."
        );
    co_return std::min(allowed, left);
}

awaitable<Result<void>> ImageDataService::upload(
    const Caller& caller, UploadRequest request, ByteSource& body
) {
    store::Backend* backend = &with_.backends.default_backend();
    if (request.store && with_.backends.multi_store()) {
        SLIPWAY_CO_TRY(backend, with_.backends.find(BackendId(*request.store)));
    }
    SLIPWAY_CO_TRY(
        auto found,
        co_await find_authorized(with_.catalog, caller, request.image, Action::upload_image)
    );
    SLIPWAY_CO_CHECK(next_status(found.image.status, ImageEvent::upload_started));
    if (!found.image.disk_format || !found.image.container_format)
        co_return Error(
            Errc::invalid_argument,
            "disk_format and container_format must be set before data is uploaded."
        );
    SLIPWAY_CO_TRY(
        const std::uint64_t allowed, co_await allowance(found.image, request.expected_bytes)
    );

    Attempt attempt(with_, caller, std::move(found.image), allowed);
    Result<void> outcome = co_await attempt.begin(*backend, request.expected_bytes, body);
    if (outcome) outcome = co_await attempt.store(*backend, body);
    if (outcome) co_return outcome;
    log::warning(
        caller.call,
        "image.upload.failed",
        {{"image", request.image.str()},
         {"error", outcome.error().message},
         {"reason", outcome.error().reason}}
    );
    if (attempt.begun()) {
        const auto given_up = co_await with_.catalog.fail_upload(attempt.location().id);
        if (!given_up)
            log::error(
                caller.call,
                "image.upload.not_given_up",
                {{"image", request.image.str()}, {"error", given_up.error().message}}
            );
        with_.on_garbage();
    }
    co_return outcome;
}

awaitable<Result<DownloadOffer>> ImageDataService::offer(const Caller& caller, const ImageId& id) {
    SLIPWAY_CO_TRY(
        auto found, co_await find_authorized(with_.catalog, caller, id, Action::download_image)
    );
    const Image& image = found.image;
    if (image.status == ImageStatus::deactivated && !caller.identity.is_admin)
        co_return Error(
            Errc::forbidden,
            "The requested image has been deactivated. Image data download is forbidden."
        );
    DownloadOffer offer;
    offer.face = face_of(image, caller.identity);
    offer.size_bytes = offer.face.size_bytes.value_or(0);
    if (image.status == ImageStatus::active || image.status == ImageStatus::deactivated) {
        SLIPWAY_CO_TRY(offer.locations, co_await with_.catalog.live_locations(id));
        with_.backends.sort_by_weight(offer.locations);
    }
    co_return offer;
}

awaitable<Result<std::unique_ptr<ByteSource>>> ImageDataService::open(
    const Caller& caller, const DownloadOffer& offer, ByteRange range
) {
    Error last(
        Errc::unavailable, "The data of the image can not be read at the moment; try again later."
    );
    for (const Location& location : offer.locations) {
        const auto backend = with_.backends.find(location.backend);
        if (!backend) continue;
        ByteRange stored = range;
        if (!serves_whole_file(offer.face, location, caller.identity))
            stored.first += location.data_offset;
        auto pin = std::make_unique<Transfers::Pin>(with_.transfers, location.id);
        auto reader = co_await (*backend)->open_reader(location, stored, caller.call);
        if (!reader) {
            log::warning(
                caller.call,
                "image.download.location_failed",
                {{"image", offer.face.id.str()},
                 {"store", location.backend.str()},
                 {"error", reader.error().message},
                 {"reason", reader.error().reason}}
            );
            continue;
        }
        auto report =
            [this, id = offer.face.id, call = caller.call](std::uint64_t bytes, double seconds) {
                TransferRecord record;
                record.kind = "download";
                record.image_id = id;
                record.account = {bytes, 0, seconds, "stream"};
                record.request_id = call.request_id;
                log::info(
                    call,
                    "image.download.done",
                    {{"image", id.str()}, {"bytes", bytes}, {"seconds", seconds}}
                );
                with_.group.spawn("record of a download", [this, record]() -> awaitable<void> {
                    const auto recorded = co_await with_.catalog.record_transfer(record);
                    if (!recorded)
                        log::warning(
                            {}, "transfer.record.failed", {{"error", recorded.error().message}}
                        );
                });
            };
        co_return std::make_unique<AccountedSource>(
            std::move(*reader), std::move(pin), std::move(report)
        );
    }
    co_return last;
}

}  // namespace slipway::service
