#include "service/copy_service.h"

#include "base/json.h"
#include "base/log.h"
#include "format/descriptor.h"
#include "service/image_service.h"
#include "service/manifest.h"
#include "service/pump.h"
#include "service/settle.h"
#include "service/stored_layout.h"
#include "service/taps.h"
#include "service/upload_inspection.h"

#include <algorithm>
#include <chrono>
#include <set>

namespace slipway::service {

namespace {

constexpr std::chrono::seconds kLookLimit{10};    // for one answer about a file
constexpr std::chrono::seconds kSourceGrace{10};  // for downloads that other processes serve

// Tells how far a stream is, and stops it.
class ProgressTap final : public Tap {
public:
    ProgressTap(store::CloneProgress& progress, std::uint64_t all)
        : progress_(progress), all_(all) {}

    Result<void> see(std::span<const std::byte> chunk) override {
        seen_ += chunk.size();
        if (progress_.cancelled()) return Error(Errc::cancelled, "The copy was cancelled.");
        if (all_ > 0) progress_.report(static_cast<int>(seen_ * 99 / all_));
        return {};
    }

private:
    store::CloneProgress& progress_;
    std::uint64_t all_;
    std::uint64_t seen_ = 0;
};

// Bytes that slipway did not write may be others by now, or were never looked at. Among those that
// it did write there shall be none that it would not have taken.
class ForeignCheck {
public:
    static Result<ForeignCheck> create(const Image& image) {
        SLIPWAY_TRY(HashTap hash, HashTap::create(image.os_hash_algo.value_or("sha512")));
        return ForeignCheck(image, std::move(hash));
    }
    void add_to(std::vector<Tap*>& taps) {
        taps.push_back(&hash_);
        taps.push_back(inspection_.get());
    }
    Result<void> finish() {
        const auto found = hash_.finish();
        const bool is_same =
            (!image_.checksum || *image_.checksum == found.checksum) &&
            (!image_.os_hash_value || *image_.os_hash_value == found.os_hash_value);
        if (!is_same)
            return Error(Errc::corrupt, "The data at the location are not the image's any more.");
        return check_content(image_, inspection_->finish(), {false, true});
    }

private:
    ForeignCheck(const Image& image, HashTap hash) : image_(image), hash_(std::move(hash)) {}

    const Image& image_;
    HashTap hash_;
    std::unique_ptr<UploadInspection> inspection_ = std::make_unique<UploadInspection>();
};

}  // namespace

bool is_same_part(const Location& left, const Location& right) {
    if (left.form != right.form) return false;
    if (left.is_foreign() || right.is_foreign()) return left.is_managed() == right.is_managed();
    return left.data_file == right.data_file && left.descriptor == right.descriptor;
}

std::string CopyService::input_json(const Input& input) {
    json::Writer writer;
    writer.begin_object().member("store", input.store.str()).member("avoid", input.avoid);
    writer.end_object();
    return writer.text();
}

Result<CopyService::Input> CopyService::read_input(const std::string& text) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(text));
    Input input;
    SLIPWAY_TRY(const std::string store, document.root().required_string("store"));
    input.store = BackendId(store);
    SLIPWAY_TRY(const auto avoid, document.root().optional_string("avoid"));
    input.avoid = avoid.value_or("");
    return input;
}

namespace {

// A copy of a file that slipway did not write is an object as any other.
void become_ours(Location& copy, const Image& image, const BackendInfo& store) {
    const auto kind = is_hosted_sparse(image) ? ContentKind::vmdk_sparse : ContentKind::other;
    copy.data_file = plan_layout(image, kind, copy.stored_bytes, store).data_file;
    copy.url.clear();
    copy.is_owned = false;
    copy.metadata = "{}";
}

}  // namespace

awaitable<Result<TaskRecord>> CopyService::create_task(
    TaskKind kind, const Location& source, const Input& input, const Call& call
) {
    SLIPWAY_CO_TRY(const Image image, co_await with_.catalog.find_any_image(source.image_id));
    TaskRecord task;
    task.id = TaskId(new_uuid());
    task.kind = kind;
    task.image_id = source.image_id;
    task.owner = image.owner;
    task.location_id = source.id;
    task.input = input_json(input);
    task.request_id = call.request_id;
    auto created = co_await with_.catalog.create_task(std::move(task));
    with_.runner.notify();
    co_return created;
}

awaitable<Result<std::vector<TaskRecord>>> CopyService::evacuate(
    const Caller& caller, const BackendId& store, const std::string& datastore
) {
    SLIPWAY_CO_CHECK(with_.policy.authorize(Action::slipway_evacuate, caller.identity, {}));
    SLIPWAY_CO_CHECK(with_.backends.find(store));
    SLIPWAY_CO_TRY(const auto locations, co_await with_.catalog.locations_of(store));
    std::vector<TaskRecord> tasks;
    for (const Location& location : locations) {
        if (location.state != LocationState::live || location.datastore != datastore) continue;
        auto task =
            co_await create_task(TaskKind::evacuate, location, {store, datastore}, caller.call);
        if (task)
            tasks.push_back(std::move(*task));
        else if (task.error().code != Errc::not_found && task.error().code != Errc::conflict)
            co_return task.error();  // an image that was deleted meanwhile is no trouble
    }
    co_return tasks;
}

awaitable<Result<CopyService::Copies>> CopyService::list(const Caller& caller, const ImageId& id) {
    SLIPWAY_CO_TRY(
        auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::slipway_copies)
    );
    Copies copies;
    copies.image = std::move(found.image);
    SLIPWAY_CO_TRY(auto locations, co_await with_.catalog.live_locations(id));
    with_.backends.sort_by_weight(locations);
    for (Location& location : locations)
        copies.copies.push_back(co_await look_at(std::move(location), caller.call));
    co_return copies;
}

awaitable<CopyService::Copy> CopyService::look_at(Location location, const Call& call) {
    Copy copy;
    copy.state = "unknown";
    const auto backend = with_.backends.find(location.backend);
    if (backend) {
        const auto bytes = co_await (*backend)->stat(location, call.within(kLookLimit));
        const bool known = bytes || bytes.error().code == Errc::not_found;
        if (known) copy.seen = SystemClock().now();
        if (bytes) copy.state = *bytes == location.stored_bytes ? "live" : "damaged";
        if (!bytes && known) copy.state = "missing";
    }
    copy.location = std::move(location);
    co_return copy;
}

awaitable<Result<void>> CopyService::remove_from_store(
    const Caller& caller, const ImageId& id, const BackendId& store
) {
    if (!with_.backends.find(store))
        co_return Error(Errc::conflict, "There is no store " + store.str() + ".");
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(
            with_.catalog, with_.policy, caller, id, Action::get_image_location
        )
    );
    const Target target{&found.image, found.shared_with_caller, {}, {}};
    SLIPWAY_CO_CHECK(with_.policy.authorize(Action::delete_image_location, caller.identity, target)
    );
    if (found.image.status != ImageStatus::active)
        co_return Error(Errc::conflict, "Only an active image can lose a copy.");
    SLIPWAY_CO_TRY(const auto locations, co_await with_.catalog.live_locations(id));
    const auto is_here = [&](const Location& location) { return location.backend == store; };
    std::set<BackendId> holders;
    for (const Location& location : locations)
        if (location.holds_upload()) holders.insert(location.backend);
    if (holders.size() < 2)
        co_return Error(
            Errc::forbidden, "It is the last copy of the image; delete the image instead."
        );
    if (std::ranges::none_of(locations, is_here))
        co_return Error(
            Errc::not_found, "Image " + id.str() + " is not stored in store " + store.str() + "."
        );
    for (const Location& location : locations) {
        if (!is_here(location)) continue;
        const auto dropped = co_await with_.catalog.drop_location(location.id, kSourceGrace);
        if (!dropped && dropped.error().code == Errc::conflict)
            co_return Error(Errc::forbidden, dropped.error().message);
        SLIPWAY_CO_CHECK(dropped);
    }
    with_.on_garbage();
    co_return Result<void>();
}

awaitable<void> CopyService::copy_by_policy(const ImageId& id, const Call& call) {
    const auto locations = co_await with_.catalog.live_locations(id);
    if (!locations) co_return;
    for (const Location& location : *locations) {
        const auto backend = with_.backends.find(location.backend);
        if (!backend || location.is_managed()) continue;
        const auto there =
            static_cast<std::size_t>(std::ranges::count_if(*locations, [&](const Location& other) {
                return other.backend == location.backend && is_same_part(other, location);
            }));
        for (std::size_t made = there; made < (*backend)->info().copies; ++made) {
            const auto task =
                co_await create_task(TaskKind::copy, location, {location.backend, {}}, call);
            if (!task)
                log::warning(
                    call,
                    "copy.policy.failed",
                    {{"image", id.str()}, {"error", task.error().message}}
                );
        }
    }
}

Result<bool> CopyService::is_by_storage(const Location& source, const BackendId& store) const {
    SLIPWAY_TRY(store::Backend* const from, with_.backends.find(source.backend));
    SLIPWAY_TRY(store::Backend* const to, with_.backends.find(store));
    const std::string domain = to->copy_domain();
    return !domain.empty() && domain == from->copy_domain();
}

// Another object for the same part, on a datastore that does not hold it yet. What the storage
// makes has the id of its task, and so it is found again after a restart; what passes through us
// begins anew under another.
awaitable<Result<Location>> CopyService::begin(
    const Image& image,
    const Location& source,
    const Input& input,
    const Errand& errand,
    const Call& call
) {
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(input.store));
    SLIPWAY_CO_TRY(const bool by_storage, is_by_storage(source, input.store));
    const bool outlives_us = by_storage && errand.only_this;
    const LocationId id(outlives_us ? errand.task.str() : new_uuid());
    if (outlives_us) {
        const auto begun = co_await with_.catalog.find_location(id);
        if (begun && begun->state == LocationState::live) co_return *begun;
        if (begun) co_return co_await with_.catalog.take_over_location(id);
        if (begun.error().code != Errc::not_found) co_return begun.error();
    }
    SLIPWAY_CO_TRY(const auto all, co_await with_.catalog.locations_of(input.store));
    store::PlaceRequest wish{image.id, source.stored_bytes, {}, {}};
    if (!input.avoid.empty()) wish.avoid.push_back(input.avoid);
    for (const Location& other : all)
        if (other.image_id == image.id && other.state != LocationState::garbage &&
            is_same_part(other, source))
            wish.avoid.push_back(other.datastore);
    Location target = source;
    target.id = id;
    target.state = LocationState::adding;
    target.backend = input.store;
    target.server = with_.server;
    if (source.is_foreign()) become_ours(target, image, backend->info());
    const bool evacuates = !input.avoid.empty();
    while (true) {
        SLIPWAY_CO_TRY(const auto place, co_await backend->place(wish, call));
        target.datastore = place.datastore;
        target.datastore_ref = place.datastore_ref;
        target.directory = place.directory;
        const auto added = co_await with_.catalog.add_location(target, evacuates);
        if (added) co_return target;
        // Another copy of the image was placed there meanwhile.
        const auto& avoided = wish.avoid;
        const bool is_new = std::ranges::find(avoided, place.datastore) == avoided.end();
        if (added.error().reason != store::kSamePlace || !is_new) co_return added.error();
        wish.avoid.push_back(place.datastore);
    }
}

awaitable<Result<Account>> CopyService::transfer(
    const Image& image,
    const Location& source,
    const Location& target,
    const Errand& errand,
    store::CloneProgress& progress,
    const Call& call
) {
    // An earlier server has finished it, but for the task.
    if (target.state == LocationState::live)
        co_return Account{0, target.stored_bytes, 0, "copy_file"};
    SLIPWAY_CO_TRY(const bool by_storage, is_by_storage(source, target.backend));
    if (!by_storage) co_return co_await stream(image, source, target, progress, call);
    SLIPWAY_CO_TRY(store::Backend* const to, with_.backends.find(target.backend));
    const store::CopyRequest request{source, target, errand.task};
    co_return co_await to->copy(
        request, manifest_of(image, target), errand.checkpoint, progress, call
    );
}

awaitable<Result<Account>> CopyService::stream(
    const Image& image,
    const Location& source,
    const Location& target,
    store::CloneProgress& progress,
    const Call& call
) {
    const auto started = std::chrono::steady_clock::now();
    SLIPWAY_CO_TRY(store::Backend* const from, with_.backends.find(source.backend));
    SLIPWAY_CO_TRY(store::Backend* const to, with_.backends.find(target.backend));
    SLIPWAY_CO_TRY(auto reader, co_await from->open_reader(source, {0, source.stored_bytes}, call));
    SLIPWAY_CO_TRY(auto writer, co_await to->open_writer(target, source.stored_bytes, call));
    ProgressTap watch(progress, source.stored_bytes);
    std::vector<Tap*> taps{&watch};
    SLIPWAY_CO_TRY(ForeignCheck check, ForeignCheck::create(image));
    if (source.is_foreign()) check.add_to(taps);
    SLIPWAY_CO_TRY(
        const std::uint64_t bytes, co_await pump(*reader, *writer, std::move(taps), with_.pool)
    );
    if (source.is_foreign()) SLIPWAY_CO_CHECK(check.finish());
    std::vector<store::SideFile> side_files;
    if (!target.descriptor.empty()) {
        SLIPWAY_CO_TRY(
            std::string text,
            format::flat_descriptor(
                bytes, target.data_file, adapter_of(image), format::DiskIdentity::random()
            )
        );
        side_files.push_back({target.descriptor, std::move(text)});
    }
    side_files.push_back(manifest_of(image, target));
    SLIPWAY_CO_CHECK(co_await writer->commit(bytes, std::move(side_files)));
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    co_return Account{bytes, 0, taken.count(), "stream"};
}

awaitable<Result<CopyService::Made>> CopyService::make(
    const Image& image,
    const Location& source,
    const BackendId& store,
    const TaskId& task,
    store::CloneProgress& progress,
    const Call& call
) {
    const Input input{store, {}};
    const Errand errand{task, false, {}};
    co_return co_await make(image, source, input, errand, progress, call);
}

awaitable<Result<CopyService::Made>> CopyService::make(
    const Image& image,
    const Location& source,
    const Input& input,
    const Errand& errand,
    store::CloneProgress& progress,
    const Call& call
) {
    SLIPWAY_CO_TRY(Location target, co_await begin(image, source, input, errand, call));
    auto copied = co_await transfer(image, source, target, errand, progress, call);
    if (copied) {
        target.stored_bytes = source.stored_bytes;
        co_return Made{std::move(target), std::move(*copied)};
    }
    if (!progress.is_lost()) co_await drop(target.id, call);
    co_return copied.error();
}

awaitable<void> CopyService::drop(const LocationId& id, const Call& call) {
    co_await drop_surely(with_.catalog, id, call);
    with_.on_garbage();
}

awaitable<void> CopyService::settled(const Image& image, const Location& copy, const Call& call) {
    with_.on_garbage();
    co_await with_.on_copied(image, copy, call);
}

awaitable<Result<Account>> CopyService::run_task(
    const TaskRecord& task, store::CloneProgress& progress, const Call& call
) {
    SLIPWAY_CO_TRY(const Input input, read_input(task.input));
    SLIPWAY_CO_TRY(const Image image, co_await with_.catalog.find_any_image(task.image_id));
    SLIPWAY_CO_TRY(const Location source, co_await with_.catalog.find_location(task.location_id));
    const auto begun = co_await with_.catalog.find_location(LocationId(task.id.str()));
    const bool is_made = begun && begun->state == LocationState::live;  // by an earlier server
    if (source.state == LocationState::garbage && !is_made)
        co_return Error(Errc::gone, "What was to be copied is kept no longer; ask for a new copy.");
    const Errand errand{task.id, true, task.checkpoint};
    const auto made = co_await make(image, source, input, errand, progress, call);
    // An imported disk may have nowhere to go, and can be made anew; its image does without it.
    if (!made && made.error().code == Errc::unsupported && source.is_managed() &&
        task.kind == TaskKind::evacuate) {
        SLIPWAY_CO_CHECK(co_await with_.catalog.drop_location(source.id, kSourceGrace));
        with_.on_garbage();
        co_return Account{0, 0, 0, "none"};
    }
    if (!made) co_return made.error();
    store::AddedLocation added;
    added.stored_bytes = made->location.stored_bytes;
    added.checksum = image.checksum;
    if (task.kind == TaskKind::evacuate) {
        added.replaced = source.id;
        added.grace = kSourceGrace;
    }
    const auto finished =
        co_await with_.catalog.finish_location(made->location.id, std::move(added));
    if (!finished) {
        co_await drop(made->location.id, call);
        co_return finished.error();
    }
    co_await settled(image, made->location, call);
    co_return made->account;
}

}  // namespace slipway::service
