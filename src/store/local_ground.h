#pragma once

#include "base/async.h"
#include "store/local_folder.h"
#include "store/trial_ground.h"

#include <filesystem>
#include <string>
#include <vector>

namespace slipway::store {

struct LocalGroundOptions {
    BackendId store;
    std::vector<std::filesystem::path> folders;  // of the store
    std::filesystem::path clone_root;            // empty: no clones
    std::string name;  // of the trial's directory in each of them, from new_trial_name()
};

// Trials in the folders of a local store:
//
//   <folder>/<name>/…        objects of the trial's backend, and files of observe()
//   <clone root>/<name>/…    its clones
//
// All file work runs on the pool, which must outlive it.
class LocalGround final : public TrialGround {
public:
    LocalGround(BlockingPool& pool, LocalGroundOptions options);

    awaitable<Result<void>> prepare(const Call& call) override;
    awaitable<Result<void>> clear(const Call& call) override;
    awaitable<Result<std::vector<std::string>>> remains(const Call& call) override;
    awaitable<Result<void>> clear_remains(const Call& call) override;
    [[nodiscard]] const std::vector<TrialTarget>& targets() const override { return targets_; }
    [[nodiscard]] CloneTarget clone_target(const TrialTarget& target, const std::string& name)
        const override;
    [[nodiscard]] std::string cache_folder() const override { return {}; }
    // Clones are files as the objects are: the whole file is compared.
    awaitable<Result<void>> check_clone(
        const CloneTarget& target, const TrialDisk& disk, const Call& call
    ) override;
    awaitable<void> observe(
        const TrialDisk& disk,
        std::function<void(Observation)> tell,
        std::function<bool()> stopped,
        const Call& call
    ) override;

private:
    [[nodiscard]] std::vector<std::filesystem::path> roots() const;
    [[nodiscard]] Result<std::vector<std::filesystem::path>> find_remains() const;
    [[nodiscard]] Result<void> remove(const std::filesystem::path& directory) const;
    [[nodiscard]] Result<Observation> fsync_of(const std::filesystem::path& folder) const;
    [[nodiscard]] Result<Observation> rename_onto(const std::filesystem::path& folder) const;

    BlockingPool& pool_;
    LocalGroundOptions options_;
    std::vector<TrialTarget> targets_;
};

}  // namespace slipway::store
