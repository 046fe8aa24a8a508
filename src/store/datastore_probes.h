#pragma once

#include "store/datastore_places.h"
#include "store/trial_ground.h"
#include "vsphere/client.h"
#include "vsphere/datastore_files.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::store {

// Asks a vCenter or ESXi host, by doing it in `folder` of `place`, what no reference settles.
// `client` and `files` must outlive it.
struct DatastoreProbe {
    vsphere::VimClient& client;
    vsphere::DatastoreFiles& files;
    Place place;
    std::string folder;
    bool is_direct = true;  // hosts are asked before vCenter

    awaitable<void> run(
        const TrialDisk& disk,
        std::function<void(Observation)> tell,
        std::function<bool()> stopped,
        const Call& call
    );

    // Whether an extent in the folder begins with the disk's data. Errors: corrupt when not.
    awaitable<Result<void>> check_extent(
        const std::string& name, const TrialDisk& disk, const Call& call
    ) const;

private:
    // An observation, or why it could not be made.
    using Answer = awaitable<Result<Observation>>;

    Answer direct_transfer(const TrialDisk& disk, const Call& call);
    Answer put_again(const TrialDisk& disk, const Call& call);
    Answer put_makes_folders(const TrialDisk& disk, const Call& call);
    Answer aborted_put(const TrialDisk& disk, const Call& call);
    Answer put_of_unknown_length(const TrialDisk& disk, const Call& call);
    Answer head_size(const TrialDisk& disk, const Call& call);
    Answer thin_size(const TrialDisk& disk, const Call& call);
    Answer existing_target(const TrialDisk& disk, const Call& call);
    Answer fractional_capacity(const TrialDisk& disk, const Call& call);
    Answer extend_to_same_size(const TrialDisk& disk, const Call& call);
    Answer dest_spec(const TrialDisk& disk, const Call& call);
    Answer flat_with_descriptor(const TrialDisk& disk, const Call& call);
    Answer stream_optimized_source(const TrialDisk& disk, const Call& call);
    Answer delete_while_copied(const TrialDisk& disk, const Call& call);

    [[nodiscard]] Result<vsphere::FileTarget> target(const std::string& name) const;
    [[nodiscard]] Result<vsphere::FileRef> ref(const std::string& name) const;
    awaitable<Result<void>> make_thin_disk(const std::string& name, const Call& call);
    awaitable<Result<std::optional<std::uint64_t>>> browsed_size(
        std::string in_folder, const std::string& name, const Call& call
    );
};

}  // namespace slipway::store
