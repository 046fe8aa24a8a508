#pragma once

#include "base/async.h"
#include "model/task_record.h"
#include "store/backend.h"
#include "store/trial_ground.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

// One thing that was done with the store.
struct TrialStep {
    std::string name;   // write, read, …
    std::string where;  // "DC0/images", "DC0/images to DC0/work"
    Account account;
    std::string skipped;  // why it was not done; empty: it was
    std::optional<Error> error;
};

// Tries a store: writes a disk, reads it back, has it copied, cloned and seeded, compares, and
// removes all of it. Nothing of it is in a catalogue.
class StoreTrial {
public:
    struct Dependencies {
        store::Backend& backend;  // made for the trial: its folders are those of `ground`
        store::TrialGround& ground;
        BlockingPool& pool;
        std::uint64_t size_bytes = 0;  // of the disk
        std::function<void(const TrialStep&)> on_step;
        std::function<void(const store::Observation&)> on_observation;
        std::function<bool()> stopped;  // asked often; then what runs is ended
    };

    explicit StoreTrial(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // All steps; one that fails leaves out what needs it. Whatever happens, the last one removes
    // everything.
    awaitable<void> run(const Call& call);

    // Of the first step that failed.
    [[nodiscard]] const std::optional<Error>& failure() const { return failure_; }

private:
    using Work = std::function<awaitable<Result<Account>>()>;

    // Whether it was done; left out is not.
    awaitable<bool> step(std::string name, std::string where, Work work);
    void skip(std::string name, std::string where, std::string why);
    void observe(std::string name, std::optional<bool> is_so, std::string seen);

    awaitable<void> try_all(const Call& call);
    awaitable<void> try_datastore(const std::string& datastore, const Call& call);
    awaitable<void> try_copies(const store::TrialDisk& disk, const Call& call);
    awaitable<void> try_clones(const store::TrialDisk& disk, const Call& call);
    awaitable<void> try_seeds(const store::TrialDisk& disk, const Call& call);

    awaitable<Result<Account>> write(
        const std::string& datastore, store::TrialDisk& disk, const Call& call
    );
    awaitable<Result<Account>> read(const store::TrialDisk& disk, const Call& call);
    awaitable<Result<Account>> read_part(const store::TrialDisk& disk, const Call& call);
    store::CloneProgress progress() const;

    Dependencies with_;
    std::optional<Error> failure_;
    std::vector<store::TrialDisk> disks_;  // one on each datastore
    std::vector<Location> copies_;
    bool left_out_ = false;  // the last step was
};

}  // namespace slipway::service
