#include "service/image_data_service.h"

#include "base/log.h"
#include "service/image_service.h"
#include "service/settle.h"
#include "service/upload_inspection.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace slipway::service {

namespace {

// For whoever keeps the limits of projects to answer.
constexpr std::chrono::seconds kLimitsTime{30};

using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::chrono::seconds kGiveUpAgain{2};

double seconds_since(SteadyTime start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

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

}  // namespace

// Moves the bytes, checks them, and makes the image active.
awaitable<Result<void>> ImageDataService::store_and_activate(
    Intake& intake,
    store::Backend& backend,
    std::optional<std::uint64_t> expected,
    ByteSource& body,
    SignatureTap* signature,
    const Call& call
) {
    SLIPWAY_CO_CHECK(co_await intake.begin(backend, expected, body));
    std::vector<Tap*> watch;
    if (signature != nullptr) watch.push_back(signature);
    SLIPWAY_CO_CHECK(co_await intake.move(backend, body, std::move(watch)));
    if (signature != nullptr) SLIPWAY_CO_CHECK(signature->finish());
    Image image = intake.image();
    SLIPWAY_CO_TRY(
        store::UploadOutcome outcome,
        outcome_of(image, intake.data(), boot_form_mode(image, backend.info()), with_.rules.formats)
    );
    log_tolerated(image, intake.data().found, call);
    describe(image, outcome);
    SLIPWAY_CO_CHECK(co_await intake.seal(image));
    const Location& location = intake.data().location;
    const auto stopped = [stop = intake.stop()] { return stop->load(); };
    SLIPWAY_CO_TRY(
        const auto prepared,
        co_await with_.activation.prepare(image, location, outcome, stopped, call)
    );
    outcome.account = intake.account();
    outcome.request_id = call.request_id;
    SLIPWAY_CO_CHECK(co_await with_.catalog.finish_upload(location.id, outcome));
    log::info(
        call,
        "image.upload.done",
        {{"image", image.id.str()},
         {"bytes", outcome.size_bytes},
         {"store", location.backend.str()},
         {"datastore", location.datastore},
         {"form", to_string(location.form)},
         {"bytes_copied", outcome.account.bytes_copied},
         {"path", outcome.account.path},
         {"seconds", outcome.account.seconds}}
    );
    co_await with_.activation.finish(image, location, prepared, call);
    co_return Result<void>();
}

// How many bytes the image may have: the cap, and what is left of its project's quota.
awaitable<Result<std::uint64_t>> ImageDataService::allowance(
    const Image& image, std::optional<std::uint64_t> expected, Room room
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
    if (!image.owner) co_return allowed;
    std::int64_t limit = with_.rules.user_storage_quota;
    bool may_exceed = false;
    const bool in_stage = room == Room::staged && with_.limits_of;
    if (with_.limits_of) {
        const Call asking = Call().within(kLimitsTime);
        SLIPWAY_CO_TRY(const ProjectLimits limits, co_await with_.limits_of(*image.owner, asking));
        limit = in_stage ? limits.staged_bytes : limits.bytes;
        may_exceed = limits.like_oslo_limit && !expected;
    }
    if (limit < 0) co_return allowed;
    const auto quota = static_cast<std::uint64_t>(limit);
    SLIPWAY_CO_TRY(const ProjectUsage usage, co_await with_.catalog.usage_of(*image.owner));
    const std::uint64_t used = in_stage ? usage.staged_bytes : usage.bytes;
    const std::uint64_t left = quota > used ? quota - used : 0;
    const bool is_full = may_exceed ? used > quota : left == 0;
    if (is_full || (expected && *expected > left))
        co_return Error(
            Errc::too_large,
            "The storage quota of the project is " + std::to_string(quota) + " bytes, of which " +
                std::to_string(used) + " are in use."
        );
    co_return may_exceed ? allowed : std::min(allowed, left);
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
        co_await find_authorized(
            with_.catalog, with_.policy, caller, request.image, Action::upload_image
        )
    );
    co_return co_await store(
        caller, std::move(found.image), *backend, request.expected_bytes, body
    );
}

awaitable<Result<void>> ImageDataService::stage(
    const Caller& caller, UploadRequest request, ByteSource& body
) {
    SLIPWAY_CO_TRY(
        auto found,
        co_await find_authorized(
            with_.catalog, with_.policy, caller, request.image, Action::modify_image
        )
    );
    SLIPWAY_CO_CHECK(next_status(found.image.status, ImageEvent::stage_started));
    SLIPWAY_CO_TRY(
        const std::uint64_t allowed,
        co_await allowance(found.image, request.expected_bytes, Room::staged)
    );
    const auto started = std::chrono::steady_clock::now();
    SLIPWAY_CO_TRY(
        const StoredData staged,
        co_await put_by(
            std::move(found.image),
            {with_.backends.default_backend(), Intake::Purpose::stage, allowed},
            request.expected_bytes,
            body,
            caller.call
        )
    );
    log::info(
        caller.call,
        "image.stage.done",
        {{"image", request.image.str()},
         {"bytes", staged.size_bytes},
         {"store", staged.location.backend.str()},
         {"datastore", staged.location.datastore}}
    );
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    co_await keep_record(
        {"stage",
         request.image,
         {staged.size_bytes, 0, taken.count(), "stream"},
         {},
         caller.call.request_id}
    );
    co_return Result<void>();
}

awaitable<Result<StoredData>> ImageDataService::put_by(
    Image image,
    Staging staging,
    std::optional<std::uint64_t> expected,
    ByteSource& body,
    const Call& call
) {
    Intake intake(intake_parts(), call, std::move(image), staging.purpose, staging.allowance);
    auto staged = co_await caught(call, fill_staging(intake, staging, expected, body));
    if (!staged) co_await end_failed(intake, staged.error(), call);
    co_return staged;
}

awaitable<Result<StoredData>> ImageDataService::fill_staging(
    Intake& intake, const Staging& staging, std::optional<std::uint64_t> expected, ByteSource& body
) {
    SLIPWAY_CO_CHECK(co_await intake.begin(staging.backend, expected, body));
    SLIPWAY_CO_CHECK(co_await intake.move(staging.backend, body, staging.watch));
    intake.note_conversion(staging.converted_to);
    Image described = intake.image();
    const StoredData& data = intake.data();
    apply_conversion(described, data);
    described.size_bytes = data.size_bytes;
    described.checksum = data.checksum;
    described.os_hash_algo = data.os_hash_algo;
    described.os_hash_value = data.os_hash_value;
    SLIPWAY_CO_CHECK(co_await intake.seal(described));
    SLIPWAY_CO_CHECK(
        co_await with_.catalog.finish_stage({data.location, data.size_bytes, data.facts()})
    );
    co_return data;
}

awaitable<Result<std::optional<std::string>>> ImageDataService::certificate_for(
    const Image& image, const Caller& caller
) {
    SLIPWAY_CO_TRY(const auto claim, signature_claim(image));
    if (!claim) co_return std::optional<std::string>();
    if (with_.keys == nullptr)
        co_return Error(Errc::invalid_argument, "Nobody can be asked for the certificate.");
    std::optional<std::string> certificate;
    SLIPWAY_CO_TRY(
        certificate,
        co_await with_.keys->read(claim->certificate_id, caller.identity.token, caller.call)
    );
    SLIPWAY_CO_CHECK(signature_tap(image, certificate));
    co_return certificate;
}

awaitable<Result<void>> ImageDataService::verify(
    const Image& image,
    const std::optional<std::string>& certificate,
    const StoredData& data,
    Tap& watch,
    const Call& call
) {
    SLIPWAY_CO_TRY(auto signature, signature_tap(image, certificate));
    if (!signature) co_return Result<void>();
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(data.location.backend));
    const ByteRange uploaded{data.location.data_offset, data.size_bytes};
    SLIPWAY_CO_TRY(auto source, co_await backend->open_reader(data.location, uploaded, call));
    NoSink nowhere;
    SLIPWAY_CO_TRY(
        const std::uint64_t bytes,
        co_await pump(*source, nowhere, {&watch, &*signature}, with_.pool)
    );
    if (bytes != data.size_bytes)
        co_return Error(Errc::corrupt, "The staged data have another size by now.");
    co_return signature->finish();
}

awaitable<Result<void>> ImageDataService::store(
    const Caller& caller,
    Image image,
    store::Backend& backend,
    std::optional<std::uint64_t> expected_bytes,
    ByteSource& body
) {
    const ImageId id = image.id;
    SLIPWAY_CO_CHECK(next_status(image.status, ImageEvent::upload_started));
    if (!image.disk_format || !image.container_format)
        co_return Error(
            Errc::invalid_argument,
            "disk_format and container_format must be set before data is uploaded."
        );
    SLIPWAY_CO_TRY(const std::uint64_t allowed, co_await allowance(image, expected_bytes));
    SLIPWAY_CO_TRY(const auto certificate, co_await certificate_for(image, caller));
    SLIPWAY_CO_TRY(auto signature, signature_tap(image, certificate));

    Intake intake(intake_parts(), caller.call, std::move(image), Intake::Purpose::upload, allowed);
    SignatureTap* const tap = signature ? &*signature : nullptr;
    const auto outcome = co_await caught(
        caller.call, store_and_activate(intake, backend, expected_bytes, body, tap, caller.call)
    );
    if (outcome) co_return outcome;
    co_await end_failed(intake, outcome.error(), caller.call);
    co_return outcome;
}

Intake::Dependencies ImageDataService::intake_parts() const {
    return {
        with_.catalog,
        with_.transfers,
        with_.pool,
        with_.server,
        with_.rules.hashing_algorithm,
        with_.rules.formats};
}

awaitable<void> ImageDataService::end_failed(
    const Intake& intake, const Error& error, const Call& call
) {
    const ImageId& id = intake.image().id;
    const Account spent = intake.account();
    log::warning(
        call,
        "image.upload.failed",
        {{"image", id.str()},
         {"bytes", spent.bytes_through},
         {"seconds", spent.seconds},
         {"error", error.message},
         {"reason", error.reason}}
    );
    if (!intake.begun()) co_return;
    const LocationId location = intake.data().location.id;
    const TransferRecord record{"upload", id, spent, {}, call.request_id};
    if (!co_await give_up(location, record)) keep_giving_up(location, record);
}

awaitable<bool> ImageDataService::give_up(LocationId location, TransferRecord record) {
    const auto given_up = co_await with_.catalog.fail_upload(location);
    if (!given_up && may_pass(given_up.error())) {
        log::error(
            {record.request_id, kNoDeadline},
            "image.upload.not_given_up",
            {{"image", record.image_id.str()}, {"error", given_up.error().message}}
        );
        co_return false;
    }
    with_.on_garbage();
    if (record.account.bytes_through > 0) co_await keep_record(record);
    co_return true;
}

// An image must not stay in `saving` because the catalogue was away for a moment.
void ImageDataService::keep_giving_up(LocationId location, TransferRecord record) {
    with_.group.spawn("end of a failed upload", [this, location, record]() -> awaitable<void> {
        do co_await sleep_for(kGiveUpAgain);
        while (!co_await give_up(location, record));
    });
}

awaitable<void> ImageDataService::keep_record(TransferRecord record) {
    const auto recorded = co_await with_.catalog.record_transfer(record);
    if (!recorded)
        log::warning(
            {record.request_id, kNoDeadline},
            "transfer.record.failed",
            {{"error", recorded.error().message}}
        );
}

Result<void> ImageDataService::check_stores(const std::vector<std::string>& stores) const {
    if (!with_.backends.multi_store())
        return Error(Errc::invalid_argument, "This site has one store only, so none is preferred.");
    for (const std::string& store : stores) SLIPWAY_CHECK(with_.backends.find(BackendId(store)));
    return {};
}

awaitable<Result<DownloadOffer>> ImageDataService::offer(
    const Caller& caller, const ImageId& id, std::optional<std::vector<std::string>> preferred
) {
    SLIPWAY_CO_TRY(
        auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::download_image)
    );
    const Image& image = found.image;
    if (image.status == ImageStatus::deactivated)
        SLIPWAY_CO_CHECK(with_.policy.authorize(
            Action::slipway_download_deactivated,
            caller.identity,
            {&image, found.shared_with_caller, {}, {}}
        ));
    if (preferred) {
        const Target target{&image, found.shared_with_caller, {}, {}};
        SLIPWAY_CO_CHECK(
            with_.policy.authorize(Action::download_from_store, caller.identity, target)
        );
        SLIPWAY_CO_CHECK(check_stores(*preferred));
    }
    DownloadOffer offer;
    offer.face = face_of(image, caller.identity);
    offer.size_bytes = offer.face.size_bytes.value_or(0);
    if (image.status == ImageStatus::active || image.status == ImageStatus::deactivated) {
        SLIPWAY_CO_TRY(offer.locations, co_await with_.catalog.live_locations(id));
        with_.backends.sort_by_weight(offer.locations);
    }
    if (preferred)
        std::ranges::stable_partition(offer.locations, [&](const Location& location) {
            return std::ranges::find(*preferred, location.backend.str()) != preferred->end();
        });
    co_return offer;
}

// Logs and keeps what a download cost, once it is over.
std::function<void(std::uint64_t, double)> ImageDataService::account_of_download(
    const ImageId& id, const Call& call
) {
    return [this, id, call](std::uint64_t bytes, double seconds) {
        const TransferRecord record{
            "download", id, {bytes, 0, seconds, "stream"}, {}, call.request_id};
        log::info(
            call,
            "image.download.done",
            {{"image", id.str()},
             {"bytes", bytes},
             {"bytes_copied", record.account.bytes_copied},
             {"path", record.account.path},
             {"seconds", seconds}}
        );
        with_.group.spawn("record of a download", [this, record] { return keep_record(record); });
    };
}

awaitable<Result<std::unique_ptr<ByteSource>>> ImageDataService::open(
    const Caller& caller, const DownloadOffer& offer, ByteRange range
) {
    bool all_lost = true;
    Error last(
        Errc::unavailable, "The data of the image can not be read at the moment; try again later."
    );
    for (const Location& location : offer.locations) {
        const auto backend = with_.backends.find(location.backend);
        const auto offset = face_offset(offer.face, location, caller.identity);
        if (!backend || !offset) {
            all_lost = false;
            continue;
        }
        const ByteRange stored{range.first + *offset, range.length};
        auto pin = std::make_unique<Transfers::Pin>(with_.transfers, location.id);
        auto reader = co_await (*backend)->open_reader(location, stored, caller.call);
        if (!reader) {
            all_lost = all_lost && reader.error().code == Errc::not_found;
            log::warning(
                caller.call,
                "image.download.location_failed",
                {{"image", offer.face.id.str()},
                 {"store", location.backend.str()},
                 {"error", reader.error().message},
                 {"reason", reader.error().reason}}
            );
            if (reader.error().code == Errc::unsupported && range.length < offer.size_bytes)
                last = Error(
                    Errc::invalid_argument,
                    "The store of the image serves no parts of it; ask for the whole."
                );
            continue;
        }
        co_return std::make_unique<AccountedSource>(
            std::move(*reader), std::move(pin), account_of_download(offer.face.id, caller.call)
        );
    }
    if (all_lost) co_return Error(Errc::not_found, "The data of the image are lost.");
    co_return last;
}

}  // namespace slipway::service
