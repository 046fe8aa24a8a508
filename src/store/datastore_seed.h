#pragma once

#include "store/backend.h"
#include "store/datastore_cache.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::store {

// Adds what is missing. Every disk is a DatastoreClone into
//
//   <store dir>_seeding/<task>/<name>/<file>
//
// and is extended there. That folder is then moved as a whole; or, where the image's folder is
// there already, its disks one by one. When somebody else was faster, theirs stays. After a restart
// the copy that runs is waited for; disks that are ready are used.
class DatastoreSeed {
public:
    struct Plan {
        Place source;
        std::string source_path;  // of the disk's descriptor, or of the iso
        std::uint64_t source_bytes = 0;
        SeedPlace seed;
        std::uint64_t capacity_bytes = 0;
        std::vector<std::uint64_t> sizes_gib;
        std::string building_folder;  // <store dir>_seeding
        TaskId task;
    };

    // All must outlive run().
    DatastoreSeed(vsphere::VimClient& client, Plan plan, CloneProgress& progress, const Call& call);

    // Errors: cancelled, not_found for a missing source, or what vCenter says. What was built is
    // removed, but for what reached the cache. bytes_copied counts the source once for every disk
    // that was built.
    awaitable<Result<Account>> run(const std::string& checkpoint);

private:
    // {"ready": ["a.vmdk"], "copied": 1, "making": "a.40.vmdk", "extending": false, "clone": "{…}"}
    struct Checkpoint {
        std::vector<std::string> ready;  // built, and not yet known to be in place
        std::int64_t copied = 0;         // how many were built in all
        std::string making;              // the file under construction; empty between two
        bool extending = false;          // it is copied, and is being made larger
        std::string clone;               // how far its copy is

        [[nodiscard]] std::string text() const;
        static Result<Checkpoint> parse(const std::string& text);
    };
    // What of the wanted files is in the cache.
    struct Present {
        bool folder = false;
        std::vector<std::string> files;
    };

    awaitable<Result<void>> make();
    awaitable<Result<bool>> make_once();
    awaitable<Result<void>> stop_unless_done(Error why);
    awaitable<Result<Present>> look();
    awaitable<Result<void>> forget_what_is_gone();
    awaitable<Result<void>> build(std::string file, bool base_is_cached);
    awaitable<Result<void>> copy(std::string file, bool base_is_cached);
    awaitable<Result<void>> extend(std::string file);
    awaitable<Result<void>> move_as_folder();
    awaitable<Result<void>> remove_strays();
    awaitable<Result<void>> move_one_by_one();
    awaitable<Result<void>> save();
    awaitable<void> clean_up();

    [[nodiscard]] std::optional<Error> stopped() const;
    [[nodiscard]] std::vector<std::string> wanted() const;
    [[nodiscard]] bool is_ready(std::string_view file) const;
    // The folder that becomes the image's, and a file of it.
    [[nodiscard]] std::string built() const;
    [[nodiscard]] std::string built(const std::string& file) const { return built() + '/' + file; }

    vsphere::VimClient& client_;
    Plan plan_;
    CloneProgress& progress_;
    const Call& call_;
    Checkpoint state_;
    int steps_ = 1;       // copies to be made in this round
    int steps_done_ = 0;  // for the progress
    bool has_built_ = false;
    bool save_failed_ = false;  // so that the seed may be another server's by now
};

}  // namespace slipway::store
