#include "service/location_service.h"

#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "service/image_record.h"
#include "service/image_service.h"
#include "service/settle.h"
#include "service/taps.h"
#include "service/upload_inspection.h"

#include <algorithm>
#include <array>
#include <map>

namespace slipway::service {

namespace {

constexpr std::size_t kLongestUrl = 255;
constexpr std::chrono::seconds kDropGrace{10};
constexpr std::chrono::seconds kRetryAfter{1};

bool is_web(std::string_view url) {
    const std::string scheme = lower_case(url.substr(0, std::min(url.find(':'), url.size())));
    return scheme == "http" || scheme == "https";
}

// Hexadecimal digits of a digest; 0 for an algorithm that is not known.
std::size_t digits_of(std::string_view algorithm) {
    constexpr std::array<std::pair<std::string_view, std::size_t>, 5> kDigits{
        {{"md5", 32}, {"sha1", 40}, {"sha256", 64}, {"sha384", 96}, {"sha512", 128}}};
    for (const auto& [name, digits] : kDigits)
        if (name == algorithm) return digits;
    return 0;
}

bool is_digest(std::string_view text, std::size_t digits) {
    return text.size() == digits &&
           std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0; });
}

Result<void> check_length(const std::string& url) {
    if (characters(url) <= kLongestUrl) return {};
    return Error(Errc::invalid_argument, "The URL of a location may have at most 255 characters.");
}

Error not_matching(std::string_view what) {
    return Error(Errc::conflict, "The validation data do not fit: " + std::string(what) + ".");
}

std::string input_json(const LocationRequest& request) {
    json::Writer writer;
    writer.begin_object().member("loc_url", request.url).key("validation_data").begin_object();
    if (request.os_hash_algo)
        writer.member("os_hash_algo", *request.os_hash_algo)
            .member("os_hash_value", *request.os_hash_value);
    writer.end_object().end_object();
    return writer.text();
}

Result<LocationRequest> read_input(const std::string& text) {
    SLIPWAY_TRY(const auto document, json::Document::parse(text));
    LocationRequest request;
    SLIPWAY_TRY(request.url, document.root().required_string("loc_url"));
    const auto data = document.root().find("validation_data");
    if (!data || !data->is_object()) return request;
    SLIPWAY_TRY(request.os_hash_algo, data->optional_string("os_hash_algo"));
    SLIPWAY_TRY(request.os_hash_value, data->optional_string("os_hash_value"));
    return request;
}

// Tells how far it is, and stops what nobody wants any more.
class ProgressTap final : public Tap {
public:
    ProgressTap(store::CloneProgress& progress, std::uint64_t bytes)
        : progress_(progress), bytes_(bytes) {}

    Result<void> see(std::span<const std::byte> chunk) override {
        seen_ += chunk.size();
        if (bytes_ > 0) progress_.report(static_cast<int>(seen_ * 99 / bytes_));
        if (progress_.cancelled()) return Error(Errc::cancelled, "The image was deleted.");
        return {};
    }

private:
    store::CloneProgress& progress_;
    std::uint64_t bytes_;
    std::uint64_t seen_ = 0;
};

}  // namespace

// Reads the bytes of one location once, from the first to the last.
class LocationService::Look {
public:
    Look(
        Dependencies& with,
        Image image,
        Location location,
        store::CloneProgress& progress,
        const Call& call
    )
        : with_(with),
          image_(std::move(image)),
          location_(std::move(location)),
          progress_(progress),
          call_(call) {}

    [[nodiscard]] const Image& image() const { return image_; }
    [[nodiscard]] const Location& location() const { return location_; }
    [[nodiscard]] const Call& call() const { return call_; }
    [[nodiscard]] bool is_lost() const { return progress_.is_lost(); }
    [[nodiscard]] bool is_cancelled() const { return progress_.cancelled(); }

    // md5 and `algorithm`; of a datastore's file also what it is, as for an upload.
    // Errors: unsupported for content that is not what the image says, or is unsafe.
    awaitable<Result<store::ForeignOutcome>> once(const std::string& algorithm) {
        SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(location_.backend));
        SLIPWAY_CO_TRY(HashTap hash, HashTap::create(algorithm));
        ProgressTap told(progress_, location_.stored_bytes);
        std::vector<Tap*> taps{&told, &hash};
        UploadInspection inspection;
        const bool inspects = !is_web(location_.url);
        if (inspects) taps.push_back(&inspection);
        const ByteRange whole{0, location_.stored_bytes};
        SLIPWAY_CO_TRY(auto source, co_await backend->open_reader(location_, whole, call_));
        NoSink nowhere;
        SLIPWAY_CO_TRY(
            const std::uint64_t bytes, co_await pump(*source, nowhere, taps, with_.pool)
        );
        if (bytes != location_.stored_bytes)
            co_return Error(Errc::corrupt, "The data at the location have another size by now.");
        store::ForeignOutcome outcome;
        const auto values = hash.finish();
        outcome.digests = {values.checksum, algorithm, values.os_hash_value};
        if (!inspects) co_return outcome;
        const format::Inspection found = inspection.finish();
        SLIPWAY_CO_CHECK(check_content(image_, found, with_.rules.formats));
        log_tolerated(image_, found, call_);
        outcome.virtual_size_bytes = virtual_size_of(image_, found, bytes);
        if (kind_of(found) == ContentKind::vmdk_sparse && outcome.virtual_size_bytes &&
            !location_.clone_source().empty())
            outcome.boot_form = BootForm{
                "sparse",
                bytes,
                *outcome.virtual_size_bytes,
                values.checksum,
                values.os_hash_value};
        co_return outcome;
    }

    // The same, tried again while the place can not be read.
    awaitable<Result<store::ForeignOutcome>> look(const std::string& algorithm) {
        for (int failures = 0;; ++failures) {
            auto outcome = co_await once(algorithm);
            if (outcome || is_cancelled() || failures == with_.rules.http_retries)
                co_return outcome;
            const Errc code = outcome.error().code;
            if (code != Errc::unavailable && code != Errc::timeout && code != Errc::not_found)
                co_return outcome;
            co_await sleep_for(kRetryAfter);
        }
    }

    [[nodiscard]] Account account() const { return {location_.stored_bytes, 0, 0, "stream"}; }

private:
    Dependencies& with_;
    Image image_;
    Location location_;
    store::CloneProgress& progress_;
    const Call& call_;
};

// The store that has it, and its size.
awaitable<Result<Location>> LocationService::resolve(
    const Image& image, std::string url, const Call& call
) {
    for (const auto& backend : with_.backends.all()) {
        SLIPWAY_CO_TRY(auto named, backend->foreign_location(url));
        if (!named) continue;
        Location location = std::move(*named);
        location.id = LocationId(new_uuid());
        location.image_id = image.id;
        if (location.directory.empty()) location.directory = location.id.str();
        auto size = co_await backend->stat(location, call);
        if (!size && size.error().code == Errc::not_found)
            co_return Error(Errc::invalid_argument, "There is no data at the location.");
        if (!size) co_return std::move(size).error();
        if (*size == 0)
            co_return Error(Errc::invalid_argument, "The data at the location are empty.");
        location.stored_bytes = *size;
        co_return location;
    }
    co_return Error(
        Errc::invalid_argument,
        "The location is in none of the stores: locations are http or https URLs, where a store of "
        "type http is configured, and files in the folder of a vSphere store."
    );
}

awaitable<Result<void>> LocationService::add(
    const Caller& caller, const ImageId& id, LocationRequest request
) {
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(
            with_.catalog, with_.policy, caller, id, Action::add_image_location
        )
    );
    const Image& image = found.image;
    if (image.status != ImageStatus::queued)
        co_return Error(
            Errc::conflict,
            "A location can be added to a queued image only, and this one is " +
                std::string(to_string(image.status)) + "."
        );
    const bool web = is_web(request.url);
    const bool has_web_store = std::ranges::any_of(with_.backends.all(), [](const auto& backend) {
        return backend->info().type == "http";
    });
    if (!may_name_datastores(caller.identity) && !(web && has_web_store))
        co_return Error(
            Errc::forbidden,
            "Only a service may name this location; others may name http and https URLs, where a "
            "store for them is configured."
        );
    if (request.os_hash_value &&
        !is_digest(*request.os_hash_value, digits_of(*request.os_hash_algo)))
        co_return Error(
            Errc::invalid_argument,
            "os_hash_value is not a digest of " + *request.os_hash_algo + " in hexadecimal."
        );
    if (!image.property(store::kImportTask).empty())
        co_return Error(Errc::conflict, "The image is being imported already.");
    if (!image.disk_format || !image.container_format)
        co_return Error(
            Errc::conflict,
            "disk_format and container_format must be set before a location is added."
        );
    SLIPWAY_CO_CHECK(check_length(request.url));
    TaskRecord task;
    task.id = TaskId(new_uuid());
    task.kind = TaskKind::location_import;
    task.api_type = to_string(TaskKind::location_import);
    task.image_id = id;
    task.owner = image.owner;
    task.user = caller.identity.user;
    task.input = input_json(request);
    task.request_id = caller.call.request_id;
    auto location = co_await resolve(image, request.url, caller.call);
    if (!location && location.error().code == Errc::cancelled) co_return location.error();
    if (!location) {
        log::warning(
            caller.call,
            "image.location.failed",
            {{"image", id.str()},
             {"error", location.error().message},
             {"reason", location.error().reason}}
        );
        co_return co_await with_.catalog.record_failed_task(std::move(task), location.error());
    }
    SLIPWAY_CO_CHECK(co_await with_.data.allowance(image, location->stored_bytes));

    const bool verifies = !web || (with_.rules.do_secure_hash && request.os_hash_value.has_value());
    store::NewForeignLocation added;
    added.event = verifies ? ImageEvent::import_started : ImageEvent::located;
    if (!verifies && request.os_hash_value)
        added.digests =
            store::ImageDigests{std::nullopt, request.os_hash_algo, request.os_hash_value};
    if (!verifies && !request.os_hash_value && with_.rules.do_secure_hash)
        added.digests =
            store::ImageDigests{std::nullopt, with_.rules.hashing_algorithm, std::nullopt};
    added.most_locations = with_.rules.most_locations;
    task.location_id = location->id;
    added.task = std::move(task);
    const std::string store = location->backend.str();
    added.location = std::move(*location);
    SLIPWAY_CO_CHECK(co_await with_.catalog.add_foreign_location(std::move(added)));
    with_.runner.notify();
    log::info(caller.call, "image.location.added", {{"image", id.str()}, {"store", store}});
    co_return Result<void>();
}

// What the operations of a PATCH come to, while they are gone through.
struct LocationService::Plan {
    Image image;  // as it will be by then
    bool shared_with_caller = false;
    std::vector<Location> live;
    std::vector<store::LocationEdit> edits;
};

awaitable<Result<ImageRecord>> LocationService::change(
    const Caller& caller, const ImageId& id, ImagePatch patch
) {
    if (!with_.rules.show_multiple_locations)
        co_return Error(
            Errc::forbidden,
            "It's not allowed to change locations while they are not shown: "
            "show_multiple_locations is off."
        );
    SLIPWAY_CO_TRY(
        auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::get_image)
    );
    Plan plan{std::move(found.image), found.shared_with_caller, {}, {}};
    if (!patch.operations.empty()) {
        SLIPWAY_CO_TRY(plan.image, co_await with_.images.preview(caller, id, patch));
    }
    SLIPWAY_CO_TRY(plan.live, co_await with_.catalog.live_locations(id));
    for (const LocationOperation& operation : patch.locations)
        SLIPWAY_CO_CHECK(co_await apply(caller, operation, plan));
    auto changed =
        co_await with_.images.update(caller, id, std::move(patch), std::move(plan.edits));
    if (!changed) co_return changed;
    with_.on_garbage();
    log::info(caller.call, "image.locations.changed", {{"image", id.str()}});
    co_return changed;
}

awaitable<Result<void>> LocationService::apply(
    const Caller& caller, const LocationOperation& operation, Plan& plan
) {
    const bool removes = operation.verb == PatchVerb::remove;
    const Target target{&plan.image, plan.shared_with_caller, {}, {}};
    SLIPWAY_CO_CHECK(with_.policy.authorize(
        removes ? Action::delete_image_location : Action::set_image_location,
        caller.identity,
        target
    ));
    if (removes) co_return remove(caller, operation.index, plan);
    if (operation.whole_list) co_return co_await replace(caller, operation.values, plan);
    co_return co_await insert(caller, operation.values.front(), operation.index, plan);
}

// What the image's digests become with the client's word for them; absent: as they are.
Result<std::optional<store::ImageDigests>> LocationService::believed(
    const Image& image, const LocationValue& value
) const {
    const auto& word = value.validation;
    const auto agrees = [](const auto& given, const auto& known) {
        return !given || !known || *given == *known;
    };
    if (!agrees(word.checksum, image.checksum) || !agrees(word.os_hash_algo, image.os_hash_algo) ||
        !agrees(word.os_hash_value, image.os_hash_value))
        return not_matching("the image has other digests");
    const bool is_new = (word.checksum && !image.checksum) ||
                        (word.os_hash_algo && !image.os_hash_algo) ||
                        (word.os_hash_value && !image.os_hash_value);
    if (!is_new) return std::optional<store::ImageDigests>();
    if (image.status != ImageStatus::queued)
        return not_matching("digests can be given to a queued image only");
    if (word.os_hash_algo && *word.os_hash_algo != with_.rules.hashing_algorithm)
        return not_matching("os_hash_algo must be " + with_.rules.hashing_algorithm);
    if (word.checksum && !is_digest(*word.checksum, digits_of("md5")))
        return not_matching("checksum is no md5 digest in hexadecimal");
    if (word.os_hash_value &&
        !is_digest(*word.os_hash_value, digits_of(with_.rules.hashing_algorithm)))
        return not_matching("os_hash_value is no such digest in hexadecimal");
    store::ImageDigests digests{image.checksum, image.os_hash_algo, image.os_hash_value};
    if (word.checksum) digests.checksum = word.checksum;
    if (word.os_hash_algo) digests.os_hash_algo = word.os_hash_algo;
    if (word.os_hash_value) digests.os_hash_value = word.os_hash_value;
    return std::optional(std::move(digests));
}

awaitable<Result<void>> LocationService::insert(
    const Caller& caller, const LocationValue& value, std::optional<std::size_t> index, Plan& plan
) {
    Image& image = plan.image;
    const bool is_first = image.status == ImageStatus::queued;
    if (!is_first && image.status != ImageStatus::active)
        co_return Error(
            Errc::conflict, "Locations can be added to images that are queued or active only."
        );
    if (is_first && (!image.disk_format || !image.container_format))
        co_return Error(
            Errc::invalid_argument,
            "disk_format and container_format must be set before a location is added."
        );
    store::NewForeignLocation added;
    SLIPWAY_CO_TRY(added.digests, believed(image, value));
    SLIPWAY_CO_CHECK(check_length(value.url));
    SLIPWAY_CO_TRY(added.location, co_await resolve(image, value.url, caller.call));
    if (!is_web(added.location.url))
        co_return Error(
            Errc::forbidden,
            "A datastore's file can not be added by PATCH; a service may name it by POST to "
            "/v2/images/{id}/locations."
        );
    SLIPWAY_CO_CHECK(co_await with_.data.allowance(image, added.location.stored_bytes));
    added.location.metadata = value.metadata;
    if (index && !is_first) {
        const auto present = listed(caller, plan);
        // One that this patch has added has no time yet, and is the newest anyway.
        if (*index < present.size() && present[*index].created_at != Time())
            added.location.created_at = present[*index].created_at - std::chrono::microseconds(1);
    }
    added.most_locations = with_.rules.most_locations;
    if (is_first) {
        added.event = ImageEvent::located;
        SLIPWAY_CO_TRY(image.status, next_status(image.status, *added.event));
        plan.live.clear();
    }
    if (added.digests) {
        image.checksum = added.digests->checksum;
        image.os_hash_algo = added.digests->os_hash_algo;
        image.os_hash_value = added.digests->os_hash_value;
    }
    plan.live.push_back(added.location);
    plan.edits.emplace_back(std::move(added));
    co_return Result<void>();
}

// In the order in which the caller is shown them.
std::vector<Location> LocationService::listed(const Caller& caller, const Plan& plan) const {
    return published_locations(plan.image, plan.live, caller, with_.backends, with_.sites);
}

awaitable<Result<void>> LocationService::replace(
    const Caller& caller, const std::vector<LocationValue>& values, Plan& plan
) {
    if (values.empty())
        co_return Error(Errc::forbidden, "The locations of an image can not all be removed.");
    if (plan.image.status == ImageStatus::queued) {
        for (const LocationValue& value : values)
            SLIPWAY_CO_CHECK(co_await insert(caller, value, std::nullopt, plan));
        co_return Result<void>();
    }
    if (plan.image.status != ImageStatus::active)
        co_return Error(
            Errc::conflict, "Locations can be changed of images that are queued or active only."
        );
    const auto present = listed(caller, plan);
    std::map<LocationId, std::string> metadata;
    for (const LocationValue& value : values) {
        SLIPWAY_CO_CHECK(believed(plan.image, value));
        const auto same = std::ranges::find_if(present, [&](const Location& location) {
            const auto backend = with_.backends.find(location.backend);
            return !metadata.contains(location.id) && backend &&
                   (*backend)->location_url(location) == value.url;
        });
        if (same != present.end()) metadata[same->id] = value.metadata;
    }
    if (metadata.size() != present.size() || values.size() != present.size())
        co_return Error(
            Errc::invalid_argument,
            "Of an image that has locations only the metadata of them can be replaced: the URLs "
            "must be those that it has."
        );
    for (const auto& [location, text] : metadata)
        plan.edits.emplace_back(store::LocationMetadata{location, text});
    co_return Result<void>();
}

Result<void> LocationService::remove(
    const Caller& caller, std::optional<std::size_t> index, Plan& plan
) const {
    if (plan.image.status != ImageStatus::active)
        return Error(Errc::conflict, "Locations can be removed from images that are active only.");
    const auto present = listed(caller, plan);
    const std::size_t at = index.value_or(present.empty() ? 0 : present.size() - 1);
    if (at >= present.size())
        return Error(Errc::invalid_argument, "The image has no location at this position.");
    const LocationId& removed = present[at].id;
    std::erase_if(plan.live, [&](const Location& location) { return location.id == removed; });
    if (std::ranges::none_of(plan.live, &Location::holds_upload))
        return Error(
            Errc::forbidden,
            "The last location of an image can not be removed; delete the image instead."
        );
    plan.edits.emplace_back(store::DroppedLocation{removed, kDropGrace});
    return {};
}

awaitable<Result<Account>> LocationService::run(
    const TaskRecord& task, store::CloneProgress& progress, const Call& call
) {
    SLIPWAY_CO_TRY(const LocationRequest request, read_input(task.input));
    Image image;
    Location location;
    auto read = [&]() -> awaitable<Result<void>> {
        SLIPWAY_CO_TRY(image, co_await with_.catalog.find_image(task.image_id));
        SLIPWAY_CO_TRY(location, co_await with_.catalog.find_location(task.location_id));
        co_return Result<void>();
    };
    const auto found = co_await service::settle(call, read, [&] { return progress.is_lost(); });
    if (!found && found.error().code == Errc::not_found)
        co_return Error(Errc::cancelled, "The image was deleted.");
    SLIPWAY_CO_CHECK(found);
    Look look(with_, std::move(image), std::move(location), progress, call);
    if (look.image().status == ImageStatus::importing) co_return co_await verify(look, request);
    if (with_.rules.do_secure_hash && !look.image().checksum && !request.os_hash_value)
        co_return co_await hash(look);
    co_return Account{0, 0, 0, "none"};
}

awaitable<Result<void>> LocationService::settle(Look& look, const store::ForeignOutcome& outcome) {
    return service::settle(
        look.call(),
        [this, &look, &outcome] {
            return with_.catalog.settle_foreign_location(look.location().id, outcome);
        },
        [&look] { return look.is_lost(); }
    );
}

// Before the image is active: it becomes so, or is queued again.
awaitable<Result<Account>> LocationService::verify(Look& look, const LocationRequest& request) {
    const std::string algorithm = request.os_hash_algo.value_or(with_.rules.hashing_algorithm);
    auto outcome = co_await caught(look.call(), look.look(algorithm));
    if (look.is_lost()) co_return Error(Errc::cancelled, "Another server goes on with it.");
    if (outcome && request.os_hash_value &&
        lower_case(*request.os_hash_value) != outcome->digests.os_hash_value)
        outcome = Error(
            Errc::invalid_argument,
            "The data at the location do not have the digest that was given."
        );
    if (outcome) {
        outcome->event = ImageEvent::import_finished;
        const auto settled = co_await settle(look, *outcome);
        // Where that can not be, it still must not stay as it is.
        if (settled || settled.error().code == Errc::gone || look.is_lost()) {
            SLIPWAY_CO_CHECK(settled);
            co_return look.account();
        }
        outcome = settled.error();
    }
    store::ForeignOutcome refused;
    refused.event = ImageEvent::import_failed;
    const auto queued = co_await settle(look, refused);
    if (!queued && queued.error().code != Errc::gone) co_return queued.error();
    co_return std::move(outcome).error();
}

// Behind an image that is active already. A place that can not be read leaves it without digests.
awaitable<Result<Account>> LocationService::hash(Look& look) {
    auto outcome = co_await look.look(with_.rules.hashing_algorithm);
    if (look.is_cancelled()) co_return Error(Errc::cancelled, "The image was deleted.");
    if (!outcome) {
        log::warning(
            look.call(),
            "image.location.not_hashed",
            {{"image", look.image().id.str()}, {"error", outcome.error().message}}
        );
        co_return Account{0, 0, 0, "none"};
    }
    const auto settled =
        co_await with_.catalog.settle_foreign_location(look.location().id, std::move(*outcome));
    if (!settled && settled.error().code == Errc::gone)
        co_return Error(Errc::cancelled, "The image was deleted.");
    if (!settled) co_return settled.error();
    co_return look.account();
}

}  // namespace slipway::service
