#pragma once

#include "base/call.h"
#include "base/stream.h"
#include "model/clone_target.h"
#include "model/location.h"
#include "model/store_info.h"
#include "model/task_record.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::store {

// What a new object needs.
struct PlaceRequest {
    ImageId image;
    std::uint64_t expected_bytes = 0;  // 0: unknown
    // Datastores as in Location::datastore.
    std::vector<std::string> only;  // empty: any
    std::vector<std::string> avoid;

    [[nodiscard]] bool admits(std::string_view datastore) const;
};

// Where a new object goes, chosen before its first byte.
struct Placement {
    std::string datastore;
    std::string datastore_ref;
    std::string directory;
};

// A file in an object's directory besides the data file.
struct SideFile {
    std::string name;
    std::string text;
};

// Writes the data file of one object. Destroyed uncommitted, it leaves what is explained by the
// catalogue's row and removed by the garbage collector.
class ObjectWriter : public ByteSink {
public:
    // Ends the data file; checks on the datastore that it has `stored_bytes`; then writes
    // `side_files` in their order (descriptor, then manifest: the commit marker). Errors: corrupt
    // when the datastore reports another size.
    virtual awaitable<Result<void>> commit(
        std::uint64_t stored_bytes, std::vector<SideFile> side_files
    ) = 0;
    // After commit(), which way the bytes went where there are several: "host" or "vcenter".
    [[nodiscard]] virtual std::string_view route() const { return {}; }
};

struct CloneRequest {
    // An unnamed file is taken for an iso or for a disk as the target's name says.
    Location source;
    CloneTarget target;
    TaskId task;  // names what is written before it is moved into place
};

// A disk, or an iso, where Nova's image cache looks for it:
//
//   [datastore] <base folder>/<name>/<name>.vmdk        the disk; or <name>.iso
//                                    <name>.<gib>.vmdk  a copy of it for flavors with that root
//                                    disk
struct SeedRequest {
    Location source;
    std::string datacenter;                // inventory path
    std::string datastore;                 // name in it
    std::string base_folder;               // relative to the datastore's root: "prod_base"
    std::string name;                      // the image's id, as Nova knows it
    std::uint64_t capacity_bytes = 0;      // of the source's disk; 0 for an iso
    std::vector<std::uint64_t> sizes_gib;  // ascending; each at least the capacity
    TaskId task;                           // names what is written before it is moved into place
};

// What the cache holds for one image.
struct SeedState {
    bool base = false;
    std::vector<std::uint64_t> sizes_gib;  // ascending

    friend bool operator==(const SeedState&, const SeedState&) = default;
};

// Another object with the same files, under the names that `target` has for them.
struct CopyRequest {
    Location source;  // of this backend, or of one with the same copy_domain()
    Location target;
    TaskId task;
};

// Told on the way. `save` must be durable before it returns: what it is given comes back as
// `checkpoint` after a restart. Its error `cancelled` means: saved, and now stop and clean up.
// After any other error of it, or once `lost` says that the work is another server's now,
// everything is left as it is, for that server to go on from. Ask `cancelled` first, then `lost`:
// what is lost may count as cancelled, for those who only have to stop.
struct CloneProgress {
    std::function<void(int percent)> report;
    std::function<awaitable<Result<void>>(std::string checkpoint)> save;
    std::function<bool()> cancelled;
    std::function<bool()> lost = {};  // absent: never
    // Told before and after a wait for other work of the same store, so that whoever runs the work
    // can run other work meanwhile. Absent: nobody minds.
    std::function<void()> stand_aside = {};
    std::function<awaitable<void>()> go_on = {};

    [[nodiscard]] bool is_lost() const { return lost && lost(); }
};

// A configured place for bytes: a local folder, or the datastores of a vCenter.
// Every operation names its object by a Location; only `directory`, `datastore`, `data_file`
// matter.
class Backend {
public:
    virtual ~Backend() = default;

    [[nodiscard]] virtual const BackendInfo& info() const = 0;

    // Before anything else: makes sure that the store is of this catalogue where that can be told
    // apart from an empty place; `held` tells what the catalogue has there. Errors: conflict when
    // it is of another catalogue.
    using HeldLocations = std::function<awaitable<Result<std::vector<Location>>>()>;
    virtual awaitable<Result<void>> claim(
        const std::string& catalog_id, const HeldLocations& held, const Call& call
    );

    // Chooses a datastore by weight, then free space, with room for the expected bytes.
    // Errors: no_space, unavailable; not_found when nothing of `only` is a datastore of this store.
    virtual awaitable<Result<Placement>> place(const PlaceRequest& request, const Call& call) = 0;

    // Makes the object's directory and opens its data file, of `stored_bytes` if known.
    virtual awaitable<Result<std::unique_ptr<ObjectWriter>>> open_writer(
        const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& call
    ) = 0;

    // Errors: not_found, corrupt when the file is not `location.stored_bytes` long.
    virtual awaitable<Result<std::unique_ptr<ByteSource>>> open_reader(
        const Location& location, ByteRange range, const Call& call
    ) = 0;

    // Length of the data file. Errors: not_found.
    virtual awaitable<Result<std::uint64_t>> stat(const Location& location, const Call& call) = 0;

    // Removes the object's directory with all that is in it. An absent one is fine. Refuses any
    // path that is not <store dir>/<image id>.<attempt>. Of a location that is owned, the file
    // alone, which must bear the image's name.
    virtual awaitable<Result<void>> remove(const Location& location, const Call& call) = 0;

    // The location that `url` names, when it is one that clients may name and that lies in this
    // store: bytes that slipway did not write. Absent for the URLs of other stores.
    // Errors: invalid_argument for one that would lie here but is not acceptable.
    [[nodiscard]] virtual Result<std::optional<Location>> foreign_location(const std::string& url
    ) const;

    // The same for a URL in the record that another image service keeps of `image`. `is_owned` is
    // set where the file bears the image's name, as that service writes it; there is no URL where
    // it is an object as this server writes them.
    [[nodiscard]] virtual Result<std::optional<Location>> adopted_location(
        const ImageId& image, const std::string& url
    ) const;

    // Names of the objects' directories below the store directory of every datastore.
    virtual awaitable<Result<std::vector<Placement>>> list(const Call& call) = 0;

    // The URL under which hosts and consumers know the data file; empty when it is not published.
    [[nodiscard]] virtual std::string location_url(const Location& location) const = 0;

    // Checks a target before a task is made. Errors: invalid_argument, forbidden, not_found,
    // conflict when the target exists.
    virtual awaitable<Result<void>> check_clone(const CloneRequest& request, const Call& call) = 0;

    // Makes the copy, or goes on where `checkpoint` (empty at first) says. No byte passes through
    // us but on a local backend without reflink or copy_file_range.
    virtual awaitable<Result<Account>> clone(
        const CloneRequest& request,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    ) = 0;

    virtual awaitable<Result<std::vector<DatastoreStatus>>> datastores(const Call& call) = 0;

    // Objects are copied by the storage between backends of one domain: those of one vCenter.
    // Empty: never.
    [[nodiscard]] virtual std::string copy_domain() const { return {}; }
    // Copies the data file and the descriptor, if there is one, then writes `manifest`: the commit
    // marker. Goes on where `checkpoint` (empty at first) says. Errors: corrupt when the copy has
    // another size than the source; cancelled; what the datastore says.
    virtual awaitable<Result<Account>> copy(
        const CopyRequest& request,
        SideFile manifest,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    );

    // Names of the datastores in a datacenter that Nova would use and whose whole name matches the
    // regular expression. Errors: unsupported by a store without a vCenter; invalid_argument.
    virtual awaitable<Result<std::vector<std::string>>> seed_datastores(
        const std::string& datacenter, const std::string& name_regex, const Call& call
    );
    // Puts what is missing into the cache: whole or not at all, and what is there already stays as
    // it is. Builds beside the cache on the same datastore, then moves into place.
    virtual awaitable<Result<Account>> seed(
        const SeedRequest& request,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    );
    // Removes the ageing marks of the compute services, and tells what is there. Never removes a
    // disk.
    virtual awaitable<Result<SeedState>> keep_seed(const SeedRequest& request, const Call& call);
    // Removes the image's folder from the cache, for sites whose compute services never do. Walks
    // the disks of every VM first. Errors: conflict, with their names, while VMs need a disk of it.
    virtual awaitable<Result<void>> remove_seed(const SeedRequest& request, const Call& call);

    // Whether the datastore of `location` keeps disks as objects (vSAN, vVol), so that a file
    // written by us is none: import_disk() makes them there.
    virtual awaitable<Result<bool>> keeps_disks_as_objects(
        const Location& location, const Call& call
    );
    // Makes the disk `location.data_file` in the object's directory, which is made where it is
    // missing, from a stream-optimised VMDK of `capacity_bytes`; then writes `side_files`.
    virtual awaitable<Result<Account>> import_disk(
        const Location& location,
        ByteSource& stream_optimized,
        std::uint64_t capacity_bytes,
        std::vector<SideFile> side_files,
        const Call& call
    );
};

}  // namespace slipway::store
