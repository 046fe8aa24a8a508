#pragma once

#include "store/backend.h"
#include "store/datastore_places.h"

#include <chrono>
#include <optional>
#include <string>

namespace slipway::store {

// One clone on the datastores of one vCenter: copies the source to a name of its own beside the
// target, then renames it into place. So a target is either absent, somebody else's, or whole; and
// neither a lost answer nor a restart can take somebody else's file for our copy.
//
// Every step is saved before it begins. After a restart the copy's vSphere task is waited for; a
// copy whose end nobody saw is never trusted, but made anew under another name. While vCenter can
// not be asked about a task that it has begun, or about the end of the move, the clone waits on.
class DatastoreClone {
public:
    struct Plan {
        Place source;
        std::string source_path;  // of the disk's descriptor, or of the iso
        Place target;
        std::string target_path;
        TaskId task;
        bool is_iso = false;
        // The source is a disk whose name does not say so: it is copied as a file under a name that
        // does, from which the disk is then copied.
        bool needs_a_name = false;
        std::string disk_type;  // of the request; empty: as the source
        bool is_virtual_center = true;
        std::uint64_t bytes = 0;  // for the account
    };

    // `client` and `progress` must outlive run().
    DatastoreClone(
        vsphere::VimClient& client, Plan plan, CloneProgress& progress, const Call& call
    );

    // Errors: conflict when the target exists, or the clone is another server's now; cancelled,
    // not_found for a missing source, or what vCenter says. What was written beside the target is
    // removed as far as that is possible, unless another server needs it.
    awaitable<Result<Account>> run(const std::string& checkpoint);

private:
    awaitable<Result<void>> make(bool resumes);
    awaitable<Result<bool>> resume();
    awaitable<Result<void>> copy_until_whole();
    awaitable<Result<void>> copy_once();
    awaitable<Result<void>> give_a_name();
    awaitable<Result<vsphere::ManagedObjectReference>> start_copy();
    awaitable<Result<void>> inflate();
    awaitable<Result<void>> inflate_once();
    awaitable<Result<void>> wait_for_step();
    awaitable<Result<void>> move_into_place();
    awaitable<Result<void>> move_once();
    awaitable<Result<bool>> is_moved();

    awaitable<Result<void>> save();
    [[nodiscard]] std::optional<Error> stopped() const;
    awaitable<Result<void>> pause(std::chrono::milliseconds duration);
    awaitable<Result<bool>> is_there(const std::string& path);
    awaitable<Result<bool>> is_there_for_sure(const std::string& path);
    awaitable<Error> explain_missing(const Error& error);
    awaitable<void> clean_up(bool failed);
    awaitable<void> end_task();
    awaitable<void> remove_attempt(int attempt);
    awaitable<void> remove_named(int attempt);

    [[nodiscard]] std::string attempt_path(int attempt) const;
    [[nodiscard]] std::string named_path(int attempt) const;
    [[nodiscard]] bool is_thick_later() const;
    [[nodiscard]] vsphere::TaskCallbacks callbacks() const;

    vsphere::VimClient& client_;
    Plan plan_;
    CloneProgress& progress_;
    Call call_;
    CloneCheckpoint state_;
    bool save_failed_ = false;  // so that the clone may be another server's by now
};

}  // namespace slipway::store
