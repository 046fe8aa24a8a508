#pragma once

#include "base/async.h"
#include "store/backend.h"
#include "store/local_folder.h"
#include "store/speed_meter.h"

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace slipway::store {

// One folder for objects. It must exist: a missing mount is an error, not a reason to fill the root
// file system.
struct LocalDirectory {
    std::filesystem::path path;  // absolute
    int weight = 0;              // higher ones are filled first
    // Where ESXi hosts see the folder, if they mount its export:
    // vsphere://SERVER/folder/DIR?dcPath=DC&dsName=DS. Empty: nowhere.
    std::string published_as;
};

struct LocalBackendOptions {
    BackendId id;
    std::string description;
    int weight = 0;
    bool is_default = false;
    BootFormMode boot_form = BootFormMode::sparse;  // where the folders are published
    std::size_t copies = 1;                         // folders of the store that hold every image
    std::vector<LocalDirectory> directories;        // at least one; all are published, or none
    // Where clones may go; empty: nowhere. On the file system of the objects they can share blocks.
    std::filesystem::path clone_root;
};

// Objects in local folders, each in a directory <image id>.<attempt> of its own:
//
//   <folder>/<image id>.<attempt>/<data file>     written in place, durable before commit returns
//                                 <side files>    in their order, each durable before the next
//
// Location::datastore is the folder's path as configured; empty means the first one. No name in a
// Location can lead out of the folder, and no symbolic link in it is followed. All file work runs
// on the pool.
class LocalBackend : public Backend {
public:
    // Errors: invalid_argument for options that do not fit together. Folders are not touched.
    // Lifetime: `pool` must outlive the backend, its writers and its readers.
    static Result<std::unique_ptr<LocalBackend>> create(
        LocalBackendOptions options, BlockingPool& pool
    );

    [[nodiscard]] const BackendInfo& info() const override { return info_; }
    // Marks the folders (folder_mark.h). From then on each is used only while it bears the mark,
    // but for those that are full or read-only, and so can not be marked.
    awaitable<Result<void>> claim(
        const std::string& catalog_id, const HeldLocations& held, const Call& call
    ) override;
    awaitable<Result<Placement>> place(const PlaceRequest& request, const Call& call) override;
    awaitable<Result<std::unique_ptr<ObjectWriter>>> open_writer(
        const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& call
    ) override;
    awaitable<Result<std::unique_ptr<ByteSource>>> open_reader(
        const Location& location, ByteRange range, const Call& call
    ) override;
    awaitable<Result<std::uint64_t>> stat(const Location& location, const Call& call) override;
    awaitable<Result<void>> remove(const Location& location, const Call& call) override;
    awaitable<Result<std::vector<Placement>>> list(const Call& call) override;
    // The published URL, or file:///<folder>/<directory>/<data file>.
    [[nodiscard]] std::string location_url(const Location& location) const override;
    // The target's datastore is this backend's id, and its path lies below clone_root. The suffix
    // is that of the data file, or .vmdk where the data file is no .iso. A disk type is refused.
    // The clone of a flat disk is two files, as the disk is: x-flat.vmdk and its descriptor x.vmdk.
    awaitable<Result<void>> check_clone(const CloneRequest& request, const Call& call) override;
    awaitable<Result<Account>> clone(
        const CloneRequest& request,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    ) override;
    awaitable<Result<std::vector<DatastoreStatus>>> datastores(const Call& call) override;

    // One for all folders that this machine sees.
    [[nodiscard]] std::string copy_domain() const override { return "file:localhost"; }
    // By reflink, else copy_file_range, else through this process.
    awaitable<Result<Account>> copy(
        const CopyRequest& request,
        SideFile manifest,
        const std::string& checkpoint,
        CloneProgress& progress,
        const Call& call
    ) override;

private:
    LocalBackend(LocalBackendOptions options, BlockingPool& pool);

    [[nodiscard]] const LocalDirectory* find_directory(const std::string& datastore) const;
    [[nodiscard]] std::string folder_key(const Location& location
    ) const;  // as datastores() names it
    [[nodiscard]] Result<Folder> open_directory(const LocalDirectory& directory) const;
    [[nodiscard]] Result<Folder> open_root(const Location& location) const;
    [[nodiscard]] Result<FileHandle> open_object_file(
        const Location& location, const std::string& name
    ) const;
    [[nodiscard]] Result<Folder> open_source(const Location& source) const;
    [[nodiscard]] Result<void> finish_copy(
        const CopyRequest& request, const SideFile& manifest, const Folder& source
    ) const;
    [[nodiscard]] Result<std::string> clone_descriptor(
        const Location& location, const std::string& extent
    ) const;
    [[nodiscard]] Result<std::vector<std::string>> target_parts(const CloneRequest& request) const;
    [[nodiscard]] Result<void> check_target(
        const Location& source, const std::vector<std::string>& parts
    ) const;

    LocalBackendOptions options_;
    BlockingPool& pool_;
    BackendInfo info_;
    std::string catalog_id_;                    // empty: nobody has claimed the folders
    std::set<std::filesystem::path> unmarked_;  // used all the same: the mark can not be written
    std::shared_ptr<SpeedMeter> speeds_ = std::make_shared<SpeedMeter>();  // and what was opened
};

}  // namespace slipway::store
