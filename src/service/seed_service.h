#pragma once

#include "base/async.h"
#include "base/json.h"
#include "model/caller.h"
#include "model/seed.h"
#include "service/policy.h"
#include "service/task_runner.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::service {

// Where images are kept in caches without being asked for: [seed:NAME].
struct SeedPolicy {
    std::string name;
    std::string datacenter;                 // inventory path
    std::string datastore_regex;            // of whole names
    std::vector<std::string> base_folders;  // of the caches, one for each group of compute services
    std::vector<std::uint64_t> sizes_gib;   // of sized disks
    bool sizes_from_nova = false;           // those of Nova's flavors as well
    bool eager = false;                     // before an image is active; else on request only
};

// What a seed is asked for with: a cache, and the sized disks in it.
struct SeedInput {
    SeedPlace place;
    std::vector<std::uint64_t> sizes_gib;  // ascending
    // Of the disk, for a task of an image whose record does not say it yet.
    std::optional<std::uint64_t> capacity_bytes = {};
};
// {"datacenter", "datastore", "cache_prefix", "sizes_gb": []}: the cache is <cache_prefix>_base.
// Errors: invalid_argument.
Result<SeedInput> read_seed_request(std::string_view body, const json::Limits& limits);

// Keeps images where Nova's image cache looks for them, so that a first boot copies nothing.
//
// A disk that a linked clone could stand on is never deleted by the loop: when an image is not kept
// any more, we only stop removing Nova's ageing marks, and Nova's own ageing collects it.
class SeedService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        const Policy& policy;
        TaskRunner& runner;
        std::vector<SeedPolicy> policies;
        // Root disks of Nova's flavors, in GiB; empty when there is no Nova to ask.
        std::function<awaitable<Result<std::vector<std::uint64_t>>>(const Call&)> flavor_sizes;
    };

    explicit SeedService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Keeps the image in a cache from now on; the task puts it there. Errors: forbidden, not_found,
    // conflict (not active, or no disk to seed), invalid_argument (a size below the disk's).
    awaitable<Result<TaskRecord>> start(const Caller& caller, const ImageId& id, SeedInput input);
    // What is kept warm, and where.
    awaitable<Result<std::vector<SeedRecord>>> list(const Caller& caller, const ImageId& id);
    // Stops keeping it. Removes nothing, unless `remove`: then the disks go, where no VM needs one.
    // Errors: conflict while a VM does.
    awaitable<Result<void>> stop(const Caller& caller, const ImageId& id, bool remove);

    // Runs a task of kind seed.
    awaitable<Result<Account>> run_task(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    );
    // Puts the disk of an image that is about to be active where eager policies want it: by tasks,
    // so that the next process knows of what this one has begun. Waits for them no longer than for
    // kEagerLimit; then they go on by themselves. Cancels them when `stopped`.
    awaitable<void> seed_before_active(
        const Image& image,
        const Location& disk,
        const std::function<bool()>& stopped,
        const Call& call
    );
    static constexpr std::chrono::minutes kEagerLimit{15};
    // The same of an image that is active, and whose disk had to be imported first.
    awaitable<void> seed_imported(const Image& image, const Location& disk, const Call& call);

    // Looks after what is kept, until cancelled.
    awaitable<void> run();
    // One pass; returns how many places were looked at. For run(), and for tests.
    awaitable<Result<std::size_t>> keep_warm_once();

private:
    awaitable<Result<store::SeedRequest>> request_for(
        const Image& image, const Location& disk, const SeedInput& input
    );
    awaitable<Result<Location>> disk_of(const Image& image);
    awaitable<Result<TaskRecord>> create_task(
        const Image& image, const Location& disk, const SeedInput& input, const Call& call
    );
    // Takes away what is doubtful in one place of the cache.
    awaitable<Result<void>> clear(const Image& image, const SeedRecord& seed, const Call& call);
    // The newest one for that place.
    awaitable<Result<std::optional<TaskRecord>>> last_task(const SeedRecord& seed);
    awaitable<Result<void>> keep_warm(const SeedRecord& seed);
    awaitable<std::vector<std::uint64_t>> sizes_of(
        const SeedPolicy& policy, const Image& image, const Call& call
    );
    awaitable<std::vector<SeedRecord>> wanted_by(
        const SeedPolicy& policy, const Image& image, store::Backend& backend, const Call& call
    );
    // What all eager policies want of a disk; none when it can not be seeded.
    awaitable<std::vector<SeedRecord>> wanted_eagerly(
        const Image& image, const Location& disk, const Call& call
    );

    Dependencies with_;
};

}  // namespace slipway::service
