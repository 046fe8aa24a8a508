#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/result.h"
#include "model/cached_image.h"
#include "model/image.h"
#include "model/image_query.h"
#include "model/location.h"
#include "model/member.h"
#include "model/project_limits.h"
#include "model/seed.h"
#include "model/task_record.h"
#include "model/transfer_record.h"
#include "store/metadef_catalog.h"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace slipway::store {

// Limits that a transaction checks; a negative one is no limit. Exceeding one is too_large.
struct CatalogLimits {
    int properties = 128;
    int tags = 128;
    int members = 128;
    ProjectLimits project;  // of each project that limit_project() was not told of
};

struct CatalogOptions {
    // sqlite:///relative, sqlite:////absolute/path, postgresql://user:password@host:port/name
    // (also with a driver: postgresql+psycopg2://).
    std::string connection;
    std::string password;  // when it is kept out of the connection
    CatalogLimits limits;
    std::chrono::seconds server_lease{30};
    std::chrono::seconds task_time_to_live{48 * 3600};  // of a task of the Image API that is over
};

// What an upload has established, all of it, in one transaction.
struct UploadOutcome {
    std::uint64_t size_bytes = 0;
    std::optional<std::uint64_t> virtual_size_bytes;
    std::string checksum;
    std::string os_hash_algo;
    std::string os_hash_value;
    std::uint64_t stored_bytes = 0;
    std::optional<BootForm> boot_form;
    std::optional<std::string> boot_reason;   // why there is none
    std::optional<LocationId> boot_location;  // an `adding` one that holds it, where it has its own
    std::uint64_t boot_stored_bytes = 0;
    bool drops_upload = false;     // the upload's own location is garbage: that one does for both
    bool replaces_record = false;  // the image's record is to be that of the boot form
    Account account;               // kept as a transfer of kind upload
    std::string request_id;
};

// What a copy, or a boot form of an image that has its data, has established.
struct AddedLocation {
    std::uint64_t stored_bytes = 0;
    std::optional<BootForm> boot_form;   // which it holds
    std::optional<LocationId> replaced;  // becomes garbage after `grace`
    // The image's record is to be that of the boot form; every other location is replaced.
    bool replaces_record = false;
    // Of the image whose bytes were copied: gone when its record is of other bytes by now.
    std::optional<std::string> checksum;
    std::chrono::seconds grace{0};
};

// Data put by for an import.
struct StagedData {
    Location location;
    std::uint64_t size_bytes = 0;
    std::string facts;  // what the bytes have shown, as JSON; opaque to the catalogue
};

// The image property that holds the id of the task which imports it: a lock.
inline constexpr const char* kImportTask = "os_glance_import_task";
// The stores that an import has still to fill, and those it could not fill, with commas between.
inline constexpr const char* kImportingToStores = "os_glance_importing_to_stores";
inline constexpr const char* kFailedImport = "os_glance_failed_import";

struct ImportStart {
    TaskRecord task;
    // The status in which the image must be: uploading (its data are staged), queued (they will be
    // fetched), or active (they will be copied).
    ImageStatus from = ImageStatus::queued;
    std::vector<BackendId> stores;  // for the lists; empty: the operator named none
    // Properties that the image gets at once.
    std::map<std::string, std::string> properties = {};
    // A lock that old, by the last sign of life of its task, is broken.
    std::chrono::seconds pending_limit{120 * 60};
    std::chrono::seconds running_limit{60 * 60};
};

// A step of an import, all of it in one transaction.
struct ImportStep {
    TaskRecord task;
    struct Settled {
        LocationId location;
        std::uint64_t stored_bytes = 0;
    };
    std::vector<Settled> live;  // staged or adding, now live; listed in this order from now on
    std::vector<LocationId> garbage;       // whatever they were
    std::optional<UploadOutcome> outcome;  // the image has its data now: importing -> active
    std::function<void(Image&)> change;  // of the record, where plug-ins or other regions change it
    std::optional<ImageEvent> gives_up;  // import_failed or import_put_back, of an importing image
    std::vector<BackendId> done;         // leave the list of stores to be filled
    std::vector<BackendId> failed;       // go to the other list
    // The end: the lock goes, and the checkpoint of the task becomes this.
    std::optional<std::string> last_words;
};

// The reason in the error of add_location() for a datastore that has the same already.
inline constexpr const char* kSamePlace = "SamePlace";

struct ImageDigests {
    std::optional<std::string> checksum;
    std::optional<std::string> os_hash_algo;
    std::optional<std::string> os_hash_value;
};

// A location that a client names, whose size is known.
struct NewForeignLocation {
    Location location;
    // What becomes of a queued image; absent: the image is active already.
    std::optional<ImageEvent> event;
    std::optional<ImageDigests> digests;  // in place of those that the image has
    std::optional<TaskRecord> task;       // which looks at the bytes
    int most_locations = -1;              // of the image, with this one; negative: no limit
};

// Other metadata for a live location.
struct LocationMetadata {
    LocationId location;
    std::string metadata;
};
// A location that becomes garbage after `grace`.
struct DroppedLocation {
    LocationId location;
    std::chrono::seconds grace{0};
};
using LocationEdit = std::variant<NewForeignLocation, LocationMetadata, DroppedLocation>;

// What looking at the bytes of such a location has shown.
struct ForeignOutcome {
    std::optional<ImageEvent> event;  // of an image that is importing
    ImageDigests digests;
    std::optional<std::uint64_t> virtual_size_bytes;
    std::optional<BootForm> boot_form;  // which the location holds
};

// What slipway remembers. Every query of ours is a method here, and every method is one transaction
// on the catalogue's own thread. Statuses change by compare-and-set only.
//
// Errors of all: unavailable (the database can not be reached, is locked for too long, or has no
// disk left), corrupt; besides those that are named.
class Catalog {
public:
    // Opens the database and applies the migrations of schema/catalog that it lacks. SQLite: takes
    // the exclusive lock of one server, `<file>.lock`. `clock` must outlive the catalogue. Errors:
    // conflict when another process holds it, unsupported for a schema newer than ours,
    // invalid_argument for a connection that is none.
    static Result<std::unique_ptr<Catalog>> open(const CatalogOptions& options, const Clock& clock);
    // Version of the schema that the database has now; 0 for an empty one, or none. Changes
    // nothing, also beside a server.
    static Result<std::int64_t> schema_version(const CatalogOptions& options);
    virtual ~Catalog() = default;

    // Servers.
    // Announces this process as `server` with a lease; what servers without a lease left behind
    // becomes garbage (their `writing` locations; the images go back to queued) and their tasks can
    // be claimed again. So does what an earlier process of the same name left, alive or not; on
    // SQLite every other server is dead. Images that are importing though no task of them is left
    // go back to queued. From then on uploads and claims need the lease.
    virtual awaitable<Result<void>> begin_server(const std::string& server) = 0;
    // Extends the lease, and recovers what servers that died meanwhile left behind.
    // Errors: conflict when our own lease was lost: stop writing.
    virtual awaitable<Result<void>> renew_server(const std::string& server) = 0;
    // Gives the lease back; what is unfinished is left behind at once.
    virtual awaitable<Result<void>> end_server(const std::string& server) = 0;
    // A random id of this catalogue, made once.
    virtual awaitable<Result<std::string>> catalog_id() = 0;

    // Images.
    // A queued image, stamped with the clock's time.
    // Errors: conflict when the id is or was in use, too_large beyond the limits, invalid_argument.
    virtual awaitable<Result<Image>> create_image(Image image) = 0;
    // Deleted images are not_found, and objects are.
    virtual awaitable<Result<Image>> find_image(const ImageId& id) = 0;
    virtual awaitable<Result<std::vector<Image>>> list_images(ImageQuery query) = 0;
    // Reads the image, lets `change` edit what a client may edit (name, visibility, owner, formats,
    // min_disk, min_ram, protected, hidden, tags, properties), writes only what it changed, moves
    // updated_at. `change` runs inside the transaction, on the catalogue's thread; its error rolls
    // back. It runs again, on the image read anew, when another server was in the way. Then come
    // the edits of its locations, in order, in the same transaction. Errors: not_found, too_large
    // when it adds beyond the limits, invalid_argument; of locations, those of
    // add_foreign_location() and drop_location(), and conflict for one that is not live any more.
    virtual awaitable<Result<Image>> update_image(
        const ImageId& id,
        std::function<Result<void>(Image&)> change,
        std::vector<LocationEdit> locations = {}
    ) = 0;
    // Moves the status by next_status(); conflict when the table does not allow it. Only for
    // deactivate and reactivate: the other events have more to do, and methods of their own.
    virtual awaitable<Result<Image>> advance(const ImageId& id, ImageEvent event) = 0;
    // status -> deleted (the row stays, so that the id is never used again); members, tags and
    // properties go; locations become garbage, left alone until now + grace.
    // Errors: not_found, forbidden when protected.
    virtual awaitable<Result<void>> delete_image(const ImageId& id, std::chrono::seconds grace) = 0;
    // Of a project: locations of every state count, also garbage that is not yet removed.
    virtual awaitable<Result<ProjectUsage>> usage_of(const std::string& project) = 0;
    // From now on the transactions of this server that give the project another image, upload or
    // byte keep to `limits`, and are too_large beyond them. Not written down.
    virtual awaitable<Result<void>> limit_project(std::string project, ProjectLimits limits) = 0;

    // Members.
    // Errors: conflict when it is one already, too_large.
    virtual awaitable<Result<Member>> add_member(const ImageId& id, const std::string& project) = 0;
    virtual awaitable<Result<std::vector<Member>>> list_members(const ImageId& id) = 0;
    virtual awaitable<Result<Member>> find_member(
        const ImageId& id, const std::string& project
    ) = 0;
    virtual awaitable<Result<Member>> set_member_status(
        const ImageId& id, const std::string& project, const std::string& status
    ) = 0;
    virtual awaitable<Result<void>> remove_member(
        const ImageId& id, const std::string& project
    ) = 0;

    // Uploads.
    // queued -> saving, and a `writing` location, in one transaction, before the first byte.
    // Errors: conflict when the image is not queued, or the directory is in use; not_found;
    // unavailable when our lease was lost.
    virtual awaitable<Result<void>> begin_upload(Location location) = 0;
    // saving -> active, writing -> live, in one transaction, if this attempt is still the image's.
    // Errors: gone when the image was deleted meanwhile or the attempt was given up for us.
    virtual awaitable<Result<void>> finish_upload(
        const LocationId& location, UploadOutcome outcome
    ) = 0;
    // writing -> garbage, saving -> queued, size cleared; what this server has begun to add to the
    // image becomes garbage too. Fine when it was done already.
    // Errors: conflict when the upload was finished.
    virtual awaitable<Result<void>> fail_upload(const LocationId& location) = 0;

    // Imports.
    // queued -> uploading, and a `writing` location, as begin_upload().
    virtual awaitable<Result<void>> begin_stage(Location location) = 0;
    // A `writing` location of an image that is being imported; its status stays, also when the
    // attempt is given up. Errors: conflict when the image is not importing; as begin_upload().
    virtual awaitable<Result<void>> begin_fetch(Location location) = 0;
    // writing -> staged, with the size of an image that is `uploading`; what was staged before,
    // from which a plug-in has made this, becomes garbage. Errors: gone.
    virtual awaitable<Result<void>> finish_stage(StagedData staged) = 0;
    // Absent: none.
    virtual awaitable<Result<std::optional<StagedData>>> find_staged(const ImageId& id) = 0;
    // A pending task, the lock, the lists of stores and the status `importing`, in one transaction.
    // A task with a server is for that one while it lives. Errors: not_found; conflict when the
    // image is not as it must be, or another import holds the lock.
    virtual awaitable<Result<TaskRecord>> begin_import(ImportStart start) = 0;
    // Errors: gone when the image was deleted, the import does not hold the lock any more, or
    // another server goes on with it.
    virtual awaitable<Result<void>> step_import(ImportStep step) = 0;
    // Tasks of the Image API that are not expired, newest first.
    struct ApiTaskQuery {
        std::optional<std::string> owner;  // absent: everybody's
        std::optional<ImageId> image;
        std::optional<std::string> api_type;
        std::vector<TaskStatus> statuses;  // empty: any
        // Columns that have these values. A time is written as the Image API shows it.
        std::vector<std::pair<std::string, std::string>> equal;
        std::optional<TaskId> marker;
        std::string sort_key = "created_at";  // a column of the table
        bool ascending = false;
        std::size_t limit = 1000;
    };
    virtual awaitable<Result<std::vector<TaskRecord>>> list_api_tasks(ApiTaskQuery query) = 0;
    // A task of the Image API that failed before it had anything to do. Errors: conflict when the
    // id is in use.
    virtual awaitable<Result<void>> record_failed_task(TaskRecord task, Error error) = 0;

    // Locations.
    virtual awaitable<Result<std::vector<Location>>> live_locations(const ImageId& id) = 0;
    // Those of all these images, in one query; at most a page of a list.
    virtual awaitable<Result<std::vector<Location>>> live_locations(std::vector<ImageId> ids) = 0;
    virtual awaitable<Result<Location>> find_location(const LocationId& id) = 0;
    // The backends that have garbage whose time has come, configured or not.
    virtual awaitable<Result<std::vector<BackendId>>> backends_with_garbage() = 0;
    // Garbage of a backend whose time has come and that no unfinished task reads; at most `limit`.
    virtual awaitable<Result<std::vector<Location>>> collectable_garbage(
        const BackendId& backend, std::size_t limit
    ) = 0;
    virtual awaitable<Result<void>> postpone_garbage(
        const LocationId& id, std::chrono::seconds by
    ) = 0;
    virtual awaitable<Result<void>> forget_location(const LocationId& id) = 0;  // of garbage only
    // Every location of a backend, in every state: what the datastore may hold.
    virtual awaitable<Result<std::vector<Location>>> locations_of(const BackendId& backend) = 0;

    // Locations that clients name, of bytes that slipway did not write.
    // A live location, the status, the digests and the task, in one transaction. An image that was
    // queued has no other location afterwards. Errors: conflict (a status in which that can not
    // be), invalid_argument (another size than the image has; the same location again), too_large.
    virtual awaitable<Result<void>> add_foreign_location(NewForeignLocation added) = 0;
    // Fine when it was done already. Errors: gone when the image or the location was deleted.
    virtual awaitable<Result<void>> settle_foreign_location(
        const LocationId& id, ForeignOutcome outcome
    ) = 0;

    // The register of the image cache: by node, since each has one.
    virtual awaitable<Result<std::vector<CachedImage>>> cached_images(std::string node) = 0;
    // Fine when it is cached already.
    virtual awaitable<Result<void>> cache_image(std::string node, ImageId id) = 0;
    // A download, which caches the image where it was not.
    virtual awaitable<Result<void>> count_cache_hit(std::string node, ImageId id) = 0;
    // One image, or all. Fine when it is not cached.
    virtual awaitable<Result<void>> uncache_images(std::string node, std::optional<ImageId> id) = 0;
    // Lets go of what was not asked for the longest, until the rest has at most `bytes`.
    struct Pruned {
        std::uint64_t images = 0;
        std::uint64_t bytes = 0;
    };
    virtual awaitable<Result<Pruned>> prune_cache(std::string node, std::uint64_t bytes) = 0;
    // Nodes that have it.
    virtual awaitable<Result<std::vector<std::string>>> nodes_with_cached(ImageId id) = 0;

    // Boot forms and copies.
    // An `adding` location of an image that is being uploaded or has its data, before the first
    // byte. With `instead` of another that goes, it counts for nothing. Errors: conflict when the
    // directory is in use, or (kSamePlace) when its datastore has this part of the image already;
    // not_found, too_large, unavailable without a lease.
    virtual awaitable<Result<void>> add_location(Location location, bool instead = false) = 0;
    // adding -> live, in one transaction with all the rest. Errors: gone when the image was deleted
    // meanwhile, has no data any more, or the attempt was given up for us.
    virtual awaitable<Result<void>> finish_location(const LocationId& id, AddedLocation added) = 0;
    // Of a location with the id of a task that is not over: what an earlier server has begun to add
    // for it, now ours. Only such a location outlives its server. Errors: gone.
    virtual awaitable<Result<Location>> take_over_location(const LocationId& id) = 0;
    // adding or live -> garbage, left alone until now + grace; fine when it was done already, or
    // when another server has taken over what we were adding. With the last location that holds the
    // boot form the form goes. Errors: conflict for the last live location that holds the upload.
    virtual awaitable<Result<void>> drop_location(
        const LocationId& id, std::chrono::seconds grace
    ) = 0;
    // Of an image without a boot form: why it has none.
    virtual awaitable<Result<void>> note_boot_reason(const ImageId& id, std::string reason) = 0;
    // Why its disk could not be imported; absent: it was.
    virtual awaitable<Result<void>> note_import(
        const ImageId& id, std::optional<std::string> reason
    ) = 0;

    // Seeds.
    // Wants the image in a cache; sizes are added to those that are wanted there already. A seed
    // that is doubtful stays so. The end of an attempt to fill an image that comes to nothing makes
    // all of its seeds doubtful and due, also those of a deleted image, and cancels their tasks.
    virtual awaitable<Result<void>> keep_seed(SeedRecord seed) = 0;
    virtual awaitable<Result<std::vector<SeedRecord>>> list_seeds(const ImageId& image) = 0;
    // Those that nobody has looked at for so long, the longest first.
    virtual awaitable<Result<std::vector<SeedRecord>>> due_seeds(
        std::chrono::seconds age, std::size_t limit
    ) = 0;
    // Looked at now. Fine when it is kept no more.
    virtual awaitable<Result<void>> note_seed(
        const ImageId& image, const SeedPlace& place, SeedStatus state
    ) = 0;
    // Warm, and beyond doubt: made of the bytes at `source`. Nothing when those were given up.
    virtual awaitable<Result<void>> note_seeded(
        const ImageId& image, const SeedPlace& place, const LocationId& source
    ) = 0;
    // Stops keeping it there, or everywhere.
    virtual awaitable<Result<void>> forget_seeds(
        const ImageId& image, std::optional<SeedPlace> place
    ) = 0;

    // Objects of another image service.
    // In place of one of that name that has no bytes and gets none.
    // Errors: conflict when the store has an object of that name.
    virtual awaitable<Result<Image>> create_object(
        const BackendId& backend, const std::string& object, Image image
    ) = 0;
    virtual awaitable<Result<Image>> find_object(
        const BackendId& backend, const std::string& object
    ) = 0;
    // As find_image(), and objects too.
    virtual awaitable<Result<Image>> find_any_image(const ImageId& id) = 0;
    // The id by which consumers know the image: that of the object, else its own.
    virtual awaitable<Result<std::string>> consumer_id(const ImageId& id) = 0;

    // Tasks.
    // A pending task, stamped with the clock's time; with a server, a running one of that server,
    // which may also read data that are not live yet.
    // Errors: conflict when the location is not live any more, or the id is in use.
    virtual awaitable<Result<TaskRecord>> create_task(TaskRecord task) = 0;
    virtual awaitable<Result<TaskRecord>> find_task(const TaskId& id) = 0;
    // Newest first, after `marker`; `owner` absent: everybody's.
    virtual awaitable<Result<std::vector<TaskRecord>>> list_tasks(
        std::optional<std::string> owner,
        std::optional<ImageId> image,
        std::optional<TaskId> marker,
        std::size_t limit
    ) = 0;
    // The oldest task, of other kinds than those, that waits and is not postponed, or whose server
    // is gone; now running and ours. Absent: none.
    virtual awaitable<Result<std::optional<TaskRecord>>> claim_task(
        const std::string& server, std::vector<TaskKind> except
    ) = 0;
    // Errors: conflict when the claim was lost; cancelled, after saving, when cancellation was
    // asked for.
    virtual awaitable<Result<void>> save_task_progress(
        const TaskId& id, const std::string& server, int progress
    ) = 0;
    virtual awaitable<Result<void>> save_task_checkpoint(
        const TaskId& id, const std::string& server, const std::string& checkpoint
    ) = 0;
    // running -> pending, or cancelled where that was asked for. It waits as long as it is old, at
    // least 30 seconds and at most an hour, and tells `why`. Errors: conflict when the claim was
    // lost.
    virtual awaitable<Result<void>> postpone_task(
        const TaskId& id, const std::string& server, Error why
    ) = 0;
    // An account is kept as a transfer, too. Errors: conflict when the claim was lost.
    virtual awaitable<Result<void>> finish_task(
        const TaskId& id,
        const std::string& server,
        TaskStatus status,
        std::optional<Error> error,
        std::optional<Account> account
    ) = 0;
    // A pending task is cancelled at once, but for those that have to let go of their image: an
    // import, and one that looks at a location. A running one is asked to stop. Errors: conflict
    // when over.
    virtual awaitable<Result<TaskRecord>> cancel_task(const TaskId& id) = 0;

    // Account.
    virtual awaitable<Result<void>> record_transfer(TransferRecord record) = 0;
    virtual awaitable<Result<std::vector<TransferRecord>>> list_transfers(
        const ImageId& image, std::size_t limit
    ) = 0;
    // Drops the transfers, and the tasks that are over, of longer ago than that.
    virtual awaitable<Result<void>> forget_history(std::chrono::seconds age) = 0;

    // Metadata definitions; as long-lived as the catalogue.
    virtual MetadefCatalog& metadefs() = 0;
};

}  // namespace slipway::store
