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
#include <vector>

namespace slipway::store {

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
};

struct CloneRequest {
    Location source;
    CloneTarget target;
    TaskId task;  // names what is written before it is moved into place
};

// Told on the way. `save` must be durable before it returns: what it is given comes back as
// `checkpoint` after a restart.
struct CloneProgress {
    std::function<void(int percent)> report;
    std::function<awaitable<Result<void>>(std::string checkpoint)> save;
    std::function<bool()> cancelled;
};

// A configured place for bytes: a local folder, or the datastores of a vCenter.
// Every operation names its object by a Location; only `directory`, `datastore`, `data_file`
// matter.
class Backend {
public:
    virtual ~Backend() = default;

    [[nodiscard]] virtual const BackendInfo& info() const = 0;

    // Chooses a datastore by weight, then free space, with room for `expected_bytes` (0: unknown).
    // Errors: no_space, unavailable.
    virtual awaitable<Result<Placement>> place(
        const ImageId& image, std::uint64_t expected_bytes, const Call& call
    ) = 0;

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
    // path that is not <store dir>/<image id>.<attempt>.
    virtual awaitable<Result<void>> remove(const Location& location, const Call& call) = 0;

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
};

}  // namespace slipway::store
