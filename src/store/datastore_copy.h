#pragma once

#include "store/backend.h"
#include "store/datastore_places.h"
#include "vsphere/datastore_files.h"

#include <string>
#include <vector>

namespace slipway::store {

// Another object with the same files, made by the datastores of one vCenter alone: each file is a
// DatastoreClone of its own, which goes on after a restart where it was; then the size is looked at
// on the target, and the manifest is written.
class DatastoreCopy {
public:
    struct Plan {
        Place source;
        std::string source_directory;
        Place target;
        std::string target_directory;
        struct File {
            std::string name;  // of the source
            std::string copy;
        };
        std::vector<File> files;  // the data file first
        // The data file is a disk that is no file (vSAN, vVol): copied as a disk, without a length.
        bool is_object = false;
        std::uint64_t stored_bytes = 0;
        TaskId task;
    };

    // All must outlive run().
    DatastoreCopy(
        vsphere::VimClient& client,
        vsphere::DatastoreFiles& files,
        Plan plan,
        CloneProgress& progress,
        const Call& call
    );

    // Errors: conflict when the target holds such files already, cancelled, not_found for a missing
    // source, corrupt for a copy of another size, or what vCenter says. The target's directory is
    // removed after any but the first.
    awaitable<Result<Account>> run(SideFile manifest, const std::string& checkpoint);

private:
    // {"file": 0, "clone": "{…}"}: the file that is being copied, and how far that is
    struct Checkpoint {
        std::size_t file = 0;
        std::string clone;

        [[nodiscard]] std::string text() const;
        static Result<Checkpoint> parse(const std::string& text);
    };

    awaitable<Result<void>> make(SideFile manifest);
    awaitable<Result<void>> copy_file(std::size_t index);
    awaitable<Result<void>> check_size();
    awaitable<Result<void>> write_manifest(SideFile manifest);
    awaitable<Result<void>> save();
    [[nodiscard]] Result<vsphere::FileTarget> target_file(std::string_view name) const;

    vsphere::VimClient& client_;
    vsphere::DatastoreFiles& files_;
    Plan plan_;
    CloneProgress& progress_;
    const Call& call_;
    Checkpoint state_;
    bool save_failed_ = false;  // so that the copy may be another server's by now
};

}  // namespace slipway::store
