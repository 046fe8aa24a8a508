#pragma once

#include "store/datastore_backend.h"
#include "store/trial_ground.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace slipway::store {

struct DatastoreGroundOptions {
    std::vector<DatastoreChoice> datastores;  // of the store
    std::vector<TrialTarget> more;            // where clones and seeds are tried besides
    // Folder of the trial on every datastore: "openstack_glance_store-test.…". Its backend has
    // objects_of() it as its store directory.
    std::string directory;
    // What the names of all trials of the store begin with: "openstack_glance_store-test."
    std::string prefix;
    vsphere::DatastoreFilesOptions files;
};

// Trials on the datastores of a vCenter:
//
//   [datastore] <directory>/objects/…      objects of the trial's backend
//                           clones/…       its clones
//                           cache_base/…   its seeds
//                           probes/…       files of observe()
//
// Lifetime: `client` must outlive it.
class DatastoreGround final : public TrialGround {
public:
    DatastoreGround(vsphere::VimClient& client, DatastoreGroundOptions options);

    static std::string objects_of(const std::string& directory) { return directory + "/objects"; }

    awaitable<Result<void>> prepare(const Call& call) override;
    awaitable<Result<void>> clear(const Call& call) override;
    awaitable<Result<std::vector<std::string>>> remains(const Call& call) override;
    awaitable<Result<void>> clear_remains(const Call& call) override;
    [[nodiscard]] const std::vector<TrialTarget>& targets() const override { return targets_; }
    [[nodiscard]] CloneTarget clone_target(const TrialTarget& target, const std::string& name)
        const override;
    [[nodiscard]] std::string cache_folder() const override;
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
    class Probes;

    struct Remains {
        Place place;
        std::vector<std::string> directories;
    };
    awaitable<Result<std::vector<Remains>>> find_remains(const Call& call);
    awaitable<Result<void>> remove(Place place, std::string directory, const Call& call);

    vsphere::VimClient& client_;
    DatastoreGroundOptions options_;
    vsphere::DatastoreFiles files_;
    DatastorePlaces places_;
    std::vector<TrialTarget> targets_;
};

}  // namespace slipway::store
