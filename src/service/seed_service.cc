#include "service/seed_service.h"

#include "base/log.h"
#include "service/image_service.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace slipway::service {

namespace {

constexpr std::chrono::minutes kLookEvery{10};  // Nova's pass comes every 40 minutes by default
constexpr std::chrono::seconds kPause{30};
constexpr std::chrono::milliseconds kLookAgain{200};
constexpr std::chrono::minutes kKeepLimit{10};  // for one place, so that others are looked at
constexpr std::chrono::hours kAfterFailure{1};
constexpr std::size_t kBatch = 100;
constexpr std::size_t kMostTasks = 100;
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
constexpr std::uint64_t kLargestGib = 62U << 10U;  // what ESXi can attach
constexpr std::string_view kSubdirectory = "_base";

// Of the disk that is seeded; 0 for an iso.
std::uint64_t capacity_bytes(const Image& image) {
    if (image.boot_form) return image.boot_form->capacity_bytes;
    return image.disk_format == "iso" ? 0 : image.virtual_size_bytes.value_or(0);
}

std::uint64_t capacity_gib(const Image& image) {
    return (capacity_bytes(image) + kGiB - 1) / kGiB;
}

void make_a_set(std::vector<std::uint64_t>& sizes) {
    std::ranges::sort(sizes);
    const auto repeated = std::ranges::unique(sizes);
    sizes.erase(repeated.begin(), repeated.end());
}

std::string input_json(const SeedInput& input) {
    json::Writer writer;
    writer.begin_object().member("datacenter", input.place.datacenter);
    writer.member("datastore", input.place.datastore);
    writer.member("base_folder", input.place.base_folder).key("sizes_gb").begin_array();
    for (const std::uint64_t size : input.sizes_gib)
        writer.integer(static_cast<std::int64_t>(size));
    writer.end_array();
    if (input.capacity_bytes)
        writer.member("capacity_bytes", static_cast<std::int64_t>(*input.capacity_bytes));
    writer.end_object();
    return writer.text();
}

Result<std::vector<std::uint64_t>> read_sizes(const json::Value& root) {
    std::vector<std::uint64_t> sizes;
    const auto found = root.find("sizes_gb");
    if (!found) return sizes;
    const Error wrong(
        Errc::invalid_argument, "sizes_gb must be an array of whole numbers from 1 to 63488."
    );
    if (!found->is_array()) return wrong;
    for (const json::Value& value : found->elements()) {
        if (!value.is_integer() || value.integer() < 1) return wrong;
        const auto size = static_cast<std::uint64_t>(value.integer());
        if (size > kLargestGib) return wrong;
        sizes.push_back(size);
    }
    make_a_set(sizes);
    return sizes;
}

Result<SeedInput> read_input(const std::string& text) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(text));
    const json::Value root = document.root();
    SeedInput input;
    SLIPWAY_TRY(input.place.datacenter, root.required_string("datacenter"));
    SLIPWAY_TRY(input.place.datastore, root.required_string("datastore"));
    SLIPWAY_TRY(input.place.base_folder, root.required_string("base_folder"));
    SLIPWAY_TRY(input.sizes_gib, read_sizes(root));
    const auto capacity = root.find("capacity_bytes");
    if (capacity && capacity->is_integer())
        input.capacity_bytes = static_cast<std::uint64_t>(capacity->integer());
    return input;
}

TaskRecord task_of(
    const Image& image, const Location& disk, const SeedInput& input, const Call& call
) {
    TaskRecord task;
    task.id = TaskId(new_uuid());
    task.kind = TaskKind::seed;
    task.image_id = image.id;
    task.owner = image.owner;
    task.location_id = disk.id;
    task.input = input_json(input);
    task.request_id = call.request_id;
    return task;
}

}  // namespace

Result<SeedInput> read_seed_request(std::string_view body, const json::Limits& limits) {
    SLIPWAY_TRY(const json::Document document, json::Document::parse(body, limits));
    const json::Value root = document.root();
    if (!root.is_object())
        return Error(
            Errc::invalid_argument,
            "The body must be a JSON object with datacenter, datastore and cache_prefix."
        );
    for (const auto& [name, value] : root.members())
        if (name != "datacenter" && name != "datastore" && name != "cache_prefix" &&
            name != "sizes_gb")
            return Error(
                Errc::invalid_argument,
                "Unknown member \"" + std::string(name.substr(0, 64)) +
                    "\"; a seed takes datacenter, datastore, cache_prefix and sizes_gb."
            );
    SeedInput input;
    SLIPWAY_TRY(input.place.datacenter, root.required_string("datacenter"));
    SLIPWAY_TRY(input.place.datastore, root.required_string("datastore"));
    SLIPWAY_TRY(const auto prefix, root.optional_string("cache_prefix"));
    input.place.base_folder = prefix.value_or("") + std::string(kSubdirectory);
    SLIPWAY_TRY(input.sizes_gib, read_sizes(root));
    return input;
}

// The heaviest location that holds a disk, or the iso. A disk that was imported comes first: it can
// be copied to datastores of every kind.
awaitable<Result<Location>> SeedService::disk_of(const Image& image) {
    SLIPWAY_CO_TRY(auto locations, co_await with_.catalog.live_locations(image.id));
    with_.backends.sort_by_weight(locations);
    std::ranges::stable_partition(locations, &Location::is_managed);
    for (const Location& location : locations)
        if (!location.clone_source().empty() || location.data_file.ends_with(".iso"))
            co_return location;
    co_return Error(
        Errc::conflict,
        "Image " + image.id.str() + " has no disk that could be seeded" +
            (image.boot_reason ? ": " + *image.boot_reason : ".")
    );
}

awaitable<Result<store::SeedRequest>> SeedService::request_for(
    const Image& image, const Location& disk, const SeedInput& input
) {
    store::SeedRequest request;
    request.source = disk;
    request.datacenter = input.place.datacenter;
    request.datastore = input.place.datastore;
    request.base_folder = input.place.base_folder;
    SLIPWAY_CO_TRY(request.name, co_await with_.catalog.consumer_id(image.id));
    request.capacity_bytes = input.capacity_bytes.value_or(capacity_bytes(image));
    request.sizes_gib = input.sizes_gib;
    co_return request;
}

awaitable<Result<TaskRecord>> SeedService::create_task(
    const Image& image, const Location& disk, const SeedInput& input, const Call& call
) {
    auto created = co_await with_.catalog.create_task(task_of(image, disk, input, call));
    with_.runner.notify();
    co_return created;
}

awaitable<Result<TaskRecord>> SeedService::start(
    const Caller& caller, const ImageId& id, SeedInput input
) {
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::slipway_seed)
    );
    const Image& image = found.image;
    if (image.status != ImageStatus::active)
        co_return Error(
            Errc::conflict,
            "Only active images can be seeded; image " + id.str() + " is " +
                std::string(to_string(image.status)) + "."
        );
    SLIPWAY_CO_TRY(const Location disk, co_await disk_of(image));
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(disk.backend));
    if (!input.sizes_gib.empty() && capacity_bytes(image) == 0)
        co_return Error(Errc::invalid_argument, "An iso has no sized disks; leave sizes_gb out.");
    if (!input.sizes_gib.empty() && input.sizes_gib.front() < capacity_gib(image))
        co_return Error(
            Errc::invalid_argument,
            "The disk of the image has " + std::to_string(capacity_gib(image)) +
                " GiB; a sized disk can not be smaller."
        );
    const std::string regex = ".*";
    SLIPWAY_CO_TRY(
        const auto datastores,
        co_await backend->seed_datastores(input.place.datacenter, regex, caller.call)
    );
    if (std::ranges::find(datastores, input.place.datastore) == datastores.end())
        co_return Error(
            Errc::invalid_argument,
            "Datacenter " + input.place.datacenter + " has no datastore " + input.place.datastore +
                " that Nova would use."
        );
    SeedRecord seed;
    seed.image_id = id;
    seed.place = input.place;
    seed.backend = disk.backend;
    seed.sizes_gib = input.sizes_gib;
    SLIPWAY_CO_CHECK(co_await with_.catalog.keep_seed(std::move(seed)));
    co_return co_await create_task(image, disk, input, caller.call);
}

awaitable<Result<std::vector<SeedRecord>>> SeedService::list(
    const Caller& caller, const ImageId& id
) {
    SLIPWAY_CO_CHECK(
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::slipway_seed)
    );
    co_return co_await with_.catalog.list_seeds(id);
}

awaitable<Result<void>> SeedService::stop(const Caller& caller, const ImageId& id, bool remove) {
    SLIPWAY_CO_TRY(
        const auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::slipway_seed)
    );
    if (!remove) co_return co_await with_.catalog.forget_seeds(id, std::nullopt);
    SLIPWAY_CO_TRY(const auto seeds, co_await with_.catalog.list_seeds(id));
    for (const SeedRecord& seed : seeds) {
        SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(seed.backend));
        SLIPWAY_CO_TRY(
            const auto request, co_await request_for(found.image, Location(), {seed.place, {}})
        );
        SLIPWAY_CO_CHECK(co_await backend->remove_seed(request, caller.call));
        SLIPWAY_CO_CHECK(co_await with_.catalog.forget_seeds(id, seed.place));
    }
    co_return Result<void>();
}

awaitable<Result<Account>> SeedService::run_task(
    const TaskRecord& task, store::CloneProgress& progress, const Call& call
) {
    SLIPWAY_CO_TRY(const SeedInput input, read_input(task.input));
    SLIPWAY_CO_TRY(const Location disk, co_await with_.catalog.find_location(task.location_id));
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(disk.backend));
    auto found = co_await with_.catalog.find_any_image(task.image_id);
    if (!found && found.error().code != Errc::not_found) co_return found.error();
    Image image;
    image.id = task.image_id;
    // Bytes that were given up are nobody's: what was begun is cleaned up, and nothing more.
    const bool is_over = !found || disk.state == LocationState::garbage;
    if (found) image = std::move(*found);
    SLIPWAY_CO_TRY(auto request, co_await request_for(image, disk, input));
    request.task = task.id;
    store::CloneProgress hooks = progress;
    if (is_over) {
        hooks.cancelled = [] { return true; };
    } else {
        SLIPWAY_CO_TRY(const auto seeds, co_await with_.catalog.list_seeds(image.id));
        const auto seed = std::ranges::find(seeds, input.place, &SeedRecord::place);
        if (seed != seeds.end() && seed->doubtful)
            SLIPWAY_CO_CHECK(co_await backend->remove_seed(request, call));
    }
    SLIPWAY_CO_TRY(
        const Account account, co_await backend->seed(request, task.checkpoint, hooks, call)
    );
    SLIPWAY_CO_CHECK(co_await with_.catalog.note_seeded(image.id, input.place, disk.id));
    co_return account;
}

// -------------------------------------------------------------------------------- by policy

awaitable<std::vector<std::uint64_t>> SeedService::sizes_of(
    const SeedPolicy& policy, const Image& image, const Call& call
) {
    if (capacity_bytes(image) == 0) co_return std::vector<std::uint64_t>();
    std::vector<std::uint64_t> sizes = policy.sizes_gib;
    if (policy.sizes_from_nova && with_.flavor_sizes) {
        const auto flavors = co_await with_.flavor_sizes(call);
        if (flavors)
            sizes.insert(sizes.end(), flavors->begin(), flavors->end());
        else
            log::warning(call, "seed.flavors.failed", {{"error", flavors.error().message}});
    }
    make_a_set(sizes);
    // Flavors that are too small for the image are refused by Nova; there is nothing to seed.
    std::erase_if(sizes, [&](std::uint64_t size) { return size < capacity_gib(image); });
    co_return sizes;
}

awaitable<std::vector<SeedRecord>> SeedService::wanted_by(
    const SeedPolicy& policy, const Image& image, store::Backend& backend, const Call& call
) {
    std::vector<SeedRecord> wanted;
    const auto datastores =
        co_await backend.seed_datastores(policy.datacenter, policy.datastore_regex, call);
    if (!datastores) {
        log::warning(
            call,
            "seed.policy.failed",
            {{"policy", policy.name}, {"error", datastores.error().message}}
        );
        co_return wanted;
    }
    SeedRecord seed;
    seed.image_id = image.id;
    seed.backend = backend.info().id;
    seed.policy = policy.name;
    seed.sizes_gib = co_await sizes_of(policy, image, call);
    for (const std::string& datastore : *datastores)
        for (const std::string& folder : policy.base_folders) {
            seed.place = {policy.datacenter, datastore, folder};
            wanted.push_back(seed);
        }
    co_return wanted;
}

awaitable<std::vector<SeedRecord>> SeedService::wanted_eagerly(
    const Image& image, const Location& disk, const Call& call
) {
    std::vector<SeedRecord> all;
    if (disk.clone_source().empty() && !disk.data_file.ends_with(".iso")) co_return all;
    const auto backend = with_.backends.find(disk.backend);
    if (!backend) co_return all;
    for (const SeedPolicy& policy : with_.policies) {
        if (!policy.eager) continue;
        const auto wanted = co_await wanted_by(policy, image, **backend, call);
        all.insert(all.end(), wanted.begin(), wanted.end());
    }
    co_return all;
}

// What fails is wanted all the same, and tried again by keep_warm_once().
awaitable<void> SeedService::seed_before_active(
    const Image& image, const Location& disk, const std::function<bool()>& stopped, const Call& call
) {
    const Call bounded = call.within(kEagerLimit);
    std::vector<std::pair<TaskId, std::shared_ptr<const std::atomic<bool>>>> running;
    auto wanted = co_await wanted_eagerly(image, disk, bounded);
    for (SeedRecord& seed : wanted) {
        // An attempt before this one may have put other bytes there.
        seed.doubtful = true;
        const SeedInput input{seed.place, seed.sizes_gib, capacity_bytes(image)};
        const TaskRecord task = task_of(image, disk, input, call);
        const auto kept = co_await with_.catalog.keep_seed(seed);
        if (!kept) continue;
        auto over = co_await with_.runner.start_now(task);
        if (over)
            running.emplace_back(task.id, std::move(*over));
        else
            log::warning(call, "seed.task.failed", {{"error", over.error().message}});
    }
    while (std::ranges::any_of(running, [](const auto& one) { return !*one.second; })) {
        if (stopped()) {
            for (const auto& [id, over] : running)
                static_cast<void>(co_await with_.catalog.cancel_task(id));
            co_return;
        }
        if (std::chrono::steady_clock::now() >= bounded.deadline) {
            log::warning(call, "seed.before_active.late", {{"image", image.id.str()}});
            co_return;
        }
        co_await sleep_for(kLookAgain);
    }
}

awaitable<void> SeedService::seed_imported(
    const Image& image, const Location& disk, const Call& call
) {
    const auto wanted = co_await wanted_eagerly(image, disk, call);
    for (const SeedRecord& seed : wanted) {
        Result<void> made = co_await with_.catalog.keep_seed(seed);
        if (made) {
            const auto task = co_await create_task(image, disk, {seed.place, seed.sizes_gib}, call);
            if (!task) made = task.error();
        }
        if (!made) log::warning(call, "seed.task.failed", {{"error", made.error().message}});
    }
}

awaitable<Result<void>> SeedService::clear(
    const Image& image, const SeedRecord& seed, const Call& call
) {
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(seed.backend));
    SLIPWAY_CO_TRY(const auto request, co_await request_for(image, Location(), {seed.place, {}}));
    co_return co_await backend->remove_seed(request, call);
}

awaitable<Result<std::optional<TaskRecord>>> SeedService::last_task(const SeedRecord& seed) {
    SLIPWAY_CO_TRY(
        auto tasks,
        co_await with_.catalog.list_tasks(std::nullopt, seed.image_id, std::nullopt, kMostTasks)
    );
    for (TaskRecord& task : tasks) {
        if (task.kind != TaskKind::seed) continue;
        const auto input = read_input(task.input);
        if (input && input->place == seed.place) co_return std::optional(std::move(task));
    }
    co_return std::optional<TaskRecord>();
}

awaitable<Result<void>> SeedService::keep_warm(const SeedRecord& seed) {
    const Call call = Call().within(kKeepLimit);
    const ImageId& id = seed.image_id;
    SLIPWAY_CO_TRY(const auto last, co_await last_task(seed));
    const bool in_work = last && !is_over(last->status);
    auto image = co_await with_.catalog.find_any_image(id);
    if (!image && image.error().code != Errc::not_found) co_return image.error();
    if (in_work) co_return co_await with_.catalog.note_seed(id, seed.place, seed.state);
    if (!image) {
        Image gone;
        gone.id = id;
        if (seed.doubtful) SLIPWAY_CO_CHECK(co_await clear(gone, seed, call));
        co_return co_await with_.catalog.forget_seeds(id, seed.place);
    }
    if (image->status != ImageStatus::active) {
        // An attempt that runs looks after its seeds itself.
        if (seed.doubtful && image->status == ImageStatus::queued)
            SLIPWAY_CO_CHECK(co_await clear(*image, seed, call));
        co_return co_await with_.catalog.note_seed(id, seed.place, seed.state);
    }
    SLIPWAY_CO_TRY(const Location disk, co_await disk_of(*image));
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(seed.backend));
    const SeedInput input{seed.place, seed.sizes_gib};
    bool whole = false;
    if (!seed.doubtful) {
        SLIPWAY_CO_TRY(const auto request, co_await request_for(*image, disk, input));
        SLIPWAY_CO_TRY(const auto there, co_await backend->keep_seed(request, call));
        whole = there.base && std::ranges::includes(there.sizes_gib, seed.sizes_gib);
    }
    SLIPWAY_CO_CHECK(co_await with_.catalog.note_seed(
        id, seed.place, whole ? SeedStatus::warm : SeedStatus::wanted
    ));
    const bool failed_of_late = last && last->status == TaskStatus::failure &&
                                last->updated_at > SystemClock().now() - kAfterFailure;
    if (whole || failed_of_late) co_return Result<void>();
    SLIPWAY_CO_CHECK(co_await create_task(*image, disk, input, Call()));
    co_return Result<void>();
}

awaitable<Result<std::size_t>> SeedService::keep_warm_once() {
    SLIPWAY_CO_TRY(const auto due, co_await with_.catalog.due_seeds(kLookEvery, kBatch));
    for (const SeedRecord& seed : due) {
        const auto kept = co_await keep_warm(seed);
        if (kept) continue;
        log::warning(
            {},
            "seed.keep.failed",
            {{"image", seed.image_id.str()},
             {"datastore", seed.place.datastore},
             {"error", kept.error().message}}
        );
        // Others come first next time.
        SLIPWAY_CO_CHECK(
            co_await with_.catalog.note_seed(seed.image_id, seed.place, SeedStatus::wanted)
        );
    }
    co_return due.size();
}

awaitable<void> SeedService::run() {
    while (true) {
        const auto looked_at = co_await keep_warm_once();
        if (!looked_at)
            log::warning({}, "seed.keep.failed", {{"error", looked_at.error().message}});
        if (!looked_at || *looked_at < kBatch) co_await sleep_for(kPause);
    }
}

}  // namespace slipway::service
