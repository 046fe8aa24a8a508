#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "base/result.h"
#include "model/image.h"
#include "model/image_query.h"
#include "model/location.h"
#include "model/member.h"
#include "model/task_record.h"
#include "model/transfer_record.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace slipway::store {

// Limits that a transaction checks; a negative one is no limit. Exceeding one is too_large.
struct CatalogLimits {
    int properties = 128;
    int tags = 128;
    int members = 128;
};

struct CatalogOptions {
    // sqlite:///relative, sqlite:////absolute/path, postgresql://user:password@host:port/name
    // (also with a driver: postgresql+psycopg2://).
    std::string connection;
    std::string password;  // when it is kept out of the connection
    CatalogLimits limits;
    std::chrono::seconds server_lease{30};
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
    Account account;  // kept as a transfer of kind upload
    std::string request_id;
};

// What slipway remembers. Every query of ours is a method here, and every method is one transaction
// on the catalogue's own thread. Statuses change by compare-and-set only.
//
// Errors of all: unavailable (the database can not be reached or is locked for too long), no_space,
// corrupt; besides those that are named.
class Catalog {
public:
    // Opens the database and applies the migrations of schema/catalog that it lacks. SQLite: takes
    // the exclusive lock of one server, `<file>.lock`. `clock` must outlive the catalogue. Errors:
    // conflict when another process holds it, unsupported for a schema newer than ours,
    // invalid_argument for a connection that is none.
    static Result<std::unique_ptr<Catalog>> open(const CatalogOptions& options, const Clock& clock);
    // Version of the schema that the database has now; 0 for an empty one. Changes nothing.
    static Result<std::int64_t> schema_version(const CatalogOptions& options);
    virtual ~Catalog() = default;

    // --- servers -------------------------------------------------------------------------------
    // Announces this process as `server` with a lease; what servers without a lease left behind
    // becomes garbage (their `writing` locations; the images go back to queued) and their tasks can
    // be claimed again. So does what an earlier process of the same name left, alive or not; on
    // SQLite every other server is dead. From then on uploads and claims need the lease.
    virtual awaitable<Result<void>> begin_server(const std::string& server) = 0;
    // Extends the lease, and recovers what servers that died meanwhile left behind.
    // Errors: conflict when our own lease was lost: stop writing.
    virtual awaitable<Result<void>> renew_server(const std::string& server) = 0;
    // Gives the lease back; what is unfinished is left behind at once.
    virtual awaitable<Result<void>> end_server(const std::string& server) = 0;
    // A random id of this catalogue, made once.
    virtual awaitable<Result<std::string>> catalog_id() = 0;

    // --- images --------------------------------------------------------------------------------
    // A queued image, stamped with the clock's time.
    // Errors: conflict when the id is or was in use, too_large beyond the limits, invalid_argument.
    virtual awaitable<Result<Image>> create_image(Image image) = 0;
    // Deleted images are not_found.
    virtual awaitable<Result<Image>> find_image(const ImageId& id) = 0;
    virtual awaitable<Result<std::vector<Image>>> list_images(ImageQuery query) = 0;
    // Reads the image, lets `change` edit what a client may edit (name, visibility, owner, formats,
    // min_disk, min_ram, protected, hidden, tags, properties), writes only what it changed, moves
    // updated_at. `change` runs inside the transaction, on the catalogue's thread; its error rolls
    // back. It runs again, on the image read anew, when another server was in the way. Errors:
    // not_found, too_large when it adds beyond the limits, invalid_argument.
    virtual awaitable<Result<Image>> update_image(
        const ImageId& id, std::function<Result<void>(Image&)> change
    ) = 0;
    // Moves the status by next_status(); conflict when the table does not allow it. Only for
    // deactivate and reactivate: the other events have more to do, and methods of their own.
    virtual awaitable<Result<Image>> advance(const ImageId& id, ImageEvent event) = 0;
    // status -> deleted (the row stays, so that the id is never used again); members, tags and
    // properties go; locations become garbage, left alone until now + grace.
    // Errors: not_found, forbidden when protected.
    virtual awaitable<Result<void>> delete_image(const ImageId& id, std::chrono::seconds grace) = 0;
    // Bytes of the images of a project: writing, live and garbage locations.
    virtual awaitable<Result<std::uint64_t>> bytes_in_use(const std::string& project) = 0;

    // --- members -------------------------------------------------------------------------------
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

    // --- uploads -------------------------------------------------------------------------------
    // queued -> saving, and a `writing` location, in one transaction, before the first byte.
    // Errors: conflict when the image is not queued, or the directory is in use; not_found;
    // unavailable when our lease was lost.
    virtual awaitable<Result<void>> begin_upload(Location location) = 0;
    // saving -> active, writing -> live, in one transaction, if this attempt is still the image's.
    // Errors: gone when the image was deleted meanwhile or the attempt was given up for us.
    virtual awaitable<Result<void>> finish_upload(
        const LocationId& location, UploadOutcome outcome
    ) = 0;
    // writing -> garbage, saving -> queued, size cleared. Fine when it was done already.
    // Errors: conflict when the upload was finished.
    virtual awaitable<Result<void>> fail_upload(const LocationId& location) = 0;

    // --- locations -----------------------------------------------------------------------------
    virtual awaitable<Result<std::vector<Location>>> live_locations(const ImageId& id) = 0;
    // Those of all these images, in one query; at most a page of a list.
    virtual awaitable<Result<std::vector<Location>>> live_locations(std::vector<ImageId> ids) = 0;
    virtual awaitable<Result<Location>> find_location(const LocationId& id) = 0;
    // Garbage whose time has come and that no unfinished task reads; at most `limit`.
    virtual awaitable<Result<std::vector<Location>>> collectable_garbage(std::size_t limit) = 0;
    virtual awaitable<Result<void>> postpone_garbage(
        const LocationId& id, std::chrono::seconds by
    ) = 0;
    virtual awaitable<Result<void>> forget_location(const LocationId& id) = 0;  // of garbage only
    // Every location of a backend, in every state: what the datastore may hold.
    virtual awaitable<Result<std::vector<Location>>> locations_of(const BackendId& backend) = 0;

    // --- tasks ---------------------------------------------------------------------------------
    // A pending task, stamped with the clock's time.
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
    // The oldest task that waits, or whose server is gone; now running and ours. Absent: none.
    virtual awaitable<Result<std::optional<TaskRecord>>> claim_task(const std::string& server) = 0;
    // Errors: conflict when the claim was lost; cancelled, after saving, when cancellation was
    // asked for.
    virtual awaitable<Result<void>> save_task_progress(
        const TaskId& id, const std::string& server, int progress
    ) = 0;
    virtual awaitable<Result<void>> save_task_checkpoint(
        const TaskId& id, const std::string& server, const std::string& checkpoint
    ) = 0;
    // An account is kept as a transfer, too. Errors: conflict when the claim was lost.
    virtual awaitable<Result<void>> finish_task(
        const TaskId& id,
        const std::string& server,
        TaskStatus status,
        std::optional<Error> error,
        std::optional<Account> account
    ) = 0;
    // A pending task is cancelled at once, a running one is asked to stop. Errors: conflict when
    // over.
    virtual awaitable<Result<TaskRecord>> cancel_task(const TaskId& id) = 0;

    // --- account -------------------------------------------------------------------------------
    virtual awaitable<Result<void>> record_transfer(TransferRecord record) = 0;
    virtual awaitable<Result<std::vector<TransferRecord>>> list_transfers(
        const ImageId& image, std::size_t limit
    ) = 0;
};

}  // namespace slipway::store
