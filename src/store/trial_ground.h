#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/result.h"
#include "model/clone_target.h"
#include "model/location.h"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::store {

// Whether the storage does what slipway relies on. docs/untried.md lists them by name.
enum class Verdict {
    ok,
    differs,  // what slipway does then stands there, too
    untried,  // not asked here: `seen` says why
};

std::string_view to_string(Verdict verdict);

struct Observation {
    std::string name;  // "aborted_put"
    Verdict verdict = Verdict::ok;
    std::string seen;
};

// What a trial has written: an object whose disk holds `size_bytes` of data.
struct TrialDisk {
    Location location;
    std::uint64_t size_bytes = 0;
    std::uint64_t capacity_bytes = 0;  // of the disk; 0 where the file is no disk
    std::string data_sha256;
    std::string file_sha256;  // of the data file
};

// A place in which clones and seeds can be tried.
struct TrialTarget {
    std::string datacenter;
    std::string datastore;
    bool of_store = true;  // one of the store's own
};

// "store-test.20261130T201500Z.1a2b3c4d": tells people what it is and since when.
std::string new_trial_name();

// Where a store is tried: a directory of its own on every datastore, which holds all that the trial
// makes, and goes with it. No catalogue knows of it; a server on the same store does not look
// there.
class TrialGround {
public:
    virtual ~TrialGround() = default;

    // Makes the directory wherever the trial may write. Errors: what the storage says.
    virtual awaitable<Result<void>> prepare(const Call& call) = 0;
    // Removes it, trying again for a while where a file is in use. An absent one is fine.
    virtual awaitable<Result<void>> clear(const Call& call) = 0;
    // Directories of earlier trials that were not removed: "[images] openstack_glance_test.…".
    virtual awaitable<Result<std::vector<std::string>>> remains(const Call& call) = 0;
    // Removes those.
    virtual awaitable<Result<void>> clear_remains(const Call& call) = 0;

    // Where clones and seeds may be tried; empty: nowhere.
    [[nodiscard]] virtual const std::vector<TrialTarget>& targets() const = 0;
    // The path of a clone named so, in the trial's directory of a target.
    [[nodiscard]] virtual CloneTarget clone_target(
        const TrialTarget& target, const std::string& name
    ) const = 0;
    // The folder for a trial of the cache there.
    [[nodiscard]] virtual std::string cache_folder() const = 0;
    // Reads a clone of the disk back. Errors: corrupt when it holds other data; unsupported where
    // the storage does not show them.
    virtual awaitable<Result<void>> check_clone(
        const CloneTarget& target, const TrialDisk& disk, const Call& call
    ) = 0;

    // Finds out what slipway relies on, with files of its own beside the disk. `stopped` is asked
    // between two questions.
    virtual awaitable<void> observe(
        const TrialDisk& disk,
        std::function<void(Observation)> tell,
        std::function<bool()> stopped,
        const Call& call
    ) = 0;
};

}  // namespace slipway::store
