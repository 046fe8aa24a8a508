#pragma once

#include "base/result.h"
#include "model/location.h"
#include "store/backend.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Names on a datastore, and what is kept of a clone under way. Pure: no I/O.
namespace slipway::store {

// <store dir>/<image id>.<16 random hexadecimal digits>
std::string new_object_directory(std::string_view store_dir, const ImageId& image);

// "<uuid>.<16 hex>", the name of an object's directory.
bool is_object_name(std::string_view name);

// The guard of everything that writes or deletes: the directory is exactly the store directory's
// child for this image, and the data file a plain name in it.
// Errors: invalid_argument.
Result<void> check_location(std::string_view store_dir, const Location& location);

// The file of a location that a client named: a plain path at or below the store directory, and in
// no directory of an object of ours. Errors: invalid_argument.
Result<void> check_foreign_location(std::string_view store_dir, const Location& location);

// Whether the file bears the image's id and no suffix, as Glance's VMware driver names its files.
bool is_named_after_image(const Location& location);

// A name of [A-Za-z0-9._-] that is not hidden and not longer than 100 characters: what hosts and
// URLs take without encoding.
bool is_portable_name(std::string_view name);
// The same, segment by segment.
bool is_portable_path(std::string_view path);

// Location::datastore, "<datacenter path>/<datastore>", and its parts.
struct DatastoreKey {
    std::string datacenter;
    std::string datastore;

    [[nodiscard]] std::string str() const { return datacenter + '/' + datastore; }
};
// Errors: corrupt.
Result<DatastoreKey> parse_datastore_key(std::string_view text);

// vsphere://<server>/folder/<directory>/<file>?dcPath=<dc>&dsName=<ds>; empty when it would be
// longer than the 255 characters that consumers take.
std::string folder_location_url(
    std::string_view server,
    const DatastoreKey& key,
    std::string_view directory,
    std::string_view file
);

// What such a URL names. Only the plain forms: that which we write ourselves, and that of Glance's
// VMware driver, which has the parameters in the other order and writes a blank as '+'. No user,
// port, fragment or percent code in the path, each parameter once. Errors: invalid_argument.
struct FolderUrl {
    std::string server;
    DatastoreKey datastore;
    std::string directory;
    std::string file;
};
Result<FolderUrl> parse_folder_url(std::string_view url);

// '*' stands for any text, '?' for one character.
bool matches_pattern(std::string_view pattern, std::string_view text);

// The form of a clone's target: a path that ends in .vmdk (or in .iso, for the copy of an iso),
// lies outside the store directory, and can be written as "[datastore] path".
// Errors: invalid_argument.
Result<void> check_clone_path(std::string_view store_dir, std::string_view path, bool is_iso);

// Whether a target matches one of `patterns`, which are for "<datacenter>/<datastore>/<path>"; a
// leading slash means nothing, in the patterns as in the target's datacenter. No pattern allows
// everything. Errors: forbidden.
Result<void> check_clone_allowed(
    const std::vector<std::string>& patterns, const CloneTarget& target
);

// Where a copy is written before it is moved to `path`: in the same folder, under a name of its
// own.
//   vm/disk.vmdk, task 1a2b3c4d-…, attempt 2  →  vm/disk-slipway-1a2b3c4d-2.vmdk
std::string clone_attempt_path(std::string_view path, const TaskId& task, int attempt);

// How far a clone has come; saved before and after every step that vCenter does for us.
struct CloneCheckpoint {
    enum class Phase {
        naming,     // the source is copied under the name of a disk, by `task` if that is known
        copying,    // the attempt is being written, by `task` if that is known
        inflating,  // the attempt is complete and is being made thick
        moving,     // the attempt is complete; it is, or will be, moved to the target
    };

    Phase phase = Phase::copying;
    int attempt = 0;
    // The vSphere task that copies or makes thick; empty while it is not known, and when it is
    // over.
    std::string task;
    // Earlier attempts whose files may still be there.
    std::vector<int> abandoned;

    // {"phase": "copying", "attempt": 1, "task": "task-42", "abandoned": []}
    [[nodiscard]] std::string text() const;
    // Errors: corrupt.
    static Result<CloneCheckpoint> parse(const std::string& text);
};

}  // namespace slipway::store
