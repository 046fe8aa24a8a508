#include "store/local_backend.h"

#include "base/log.h"
#include "format/descriptor.h"
#include "store/datastore_layout.h"
#include "store/folder_mark.h"
#include "store/local_clone.h"
#include "store/room.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <utility>

#include <fcntl.h>

namespace slipway::store {

namespace {

constexpr std::string_view kScheme = "vsphere://";
// Longer than any descriptor of ours.
constexpr std::size_t kMaxDescriptorBytes = 16U << 10U;

Result<void> check_directory(const Location& location) {
    if (is_object_name(location.directory) &&
        location.directory.starts_with(location.image_id.str() + "."))
        return {};
    return Error(Errc::invalid_argument, "the location names no object's directory");
}

// The names of a clone in its folder. A flat disk is an extent, and the descriptor that names it.
struct CloneNames {
    std::string data;
    std::string descriptor;  // empty without one
};

CloneNames clone_names(const Location& source, const std::string& name) {
    constexpr std::string_view kSuffix = ".vmdk";
    if (source.form != StoredForm::flat) return {name, ""};
    return {name.substr(0, name.size() - kSuffix.size()) + "-flat.vmdk", name};
}

std::vector<std::string> split_path(const std::string& path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        parts.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

// Writes the data file, then the side files, on the pool.
class LocalWriter : public ObjectWriter {
public:
    LocalWriter(BlockingPool& pool, Folder directory, FileHandle file)
        : pool_(pool), directory_(std::move(directory)), file_(std::move(file)) {}

    awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
        auto work = [&] { return file_.write_at(written_, bytes); };
        SLIPWAY_CO_CHECK(co_await offload(pool_, work));
        written_ += bytes.size();
        co_return Result<void>();
    }

    awaitable<Result<void>> commit(std::uint64_t stored_bytes, std::vector<SideFile> side_files)
        override {
        auto work = [&]() -> Result<void> {
            SLIPWAY_CHECK(file_.sync());
            SLIPWAY_CHECK(directory_.sync());
            SLIPWAY_TRY(const std::uint64_t size, file_.size_bytes());
            if (size != stored_bytes)
                return Error(Errc::corrupt, "the stored file has another size than was sent");
            for (const SideFile& side : side_files)
                SLIPWAY_CHECK(directory_.put_file(side.name, side.text));
            return {};
        };
        co_return co_await offload(pool_, work);
    }

private:
    BlockingPool& pool_;
    Folder directory_;
    FileHandle file_;
    std::uint64_t written_ = 0;
};

class LocalReader : public ByteSource {
public:
    LocalReader(BlockingPool& pool, FileHandle file, ByteRange range)
        : pool_(pool), file_(std::move(file)), range_(range) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        into = into.first(
            static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), range_.length - done_))
        );
        if (into.empty()) co_return std::size_t{0};
        auto work = [&] { return file_.read_at(range_.first + done_, into); };
        SLIPWAY_CO_TRY(const std::size_t got, co_await offload(pool_, work));
        if (got < into.size()) co_return Error(Errc::corrupt, "the stored file became shorter");
        done_ += got;
        co_return got;
    }

    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return range_.length; }

private:
    BlockingPool& pool_;
    FileHandle file_;
    ByteRange range_;
    std::uint64_t done_ = 0;
};

// Takes the blocks at once, so that a full disk is known before the first byte. The file systems
// that can not do so find out later.
Result<void> reserve(FileHandle& file, std::uint64_t bytes) {
    if (bytes == 0 || fallocate(file.fd(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes)) == 0)
        return {};
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return error_from_errno(errno, "reserving room for the image");
    return {};
}

}  // namespace

Result<std::unique_ptr<LocalBackend>> LocalBackend::create(
    LocalBackendOptions options, BlockingPool& pool
) {
    if (options.directories.empty())
        return Error(
            Errc::invalid_argument, "store " + options.id.str() + " has no filesystem_store_datadir"
        );
    const bool published = !options.directories.front().published_as.empty();
    for (const LocalDirectory& directory : options.directories) {
        if (!directory.path.is_absolute())
            return Error(
                Errc::invalid_argument,
                "filesystem_store_datadir must be absolute: " + directory.path.string()
            );
        const std::string& url = directory.published_as;
        if (url.empty() == published)
            return Error(
                Errc::invalid_argument,
                "publish all directories of store " + options.id.str() + ", or none"
            );
        if (published &&
            (!url.starts_with(kScheme) || url.find("/folder/") == std::string::npos ||
             url.find("dcPath=") == std::string::npos || url.find("dsName=") == std::string::npos))
            return Error(
                Errc::invalid_argument,
                "publish_as must look like vsphere://SERVER/folder/DIR?dcPath=DC&dsName=DS"
            );
    }
    if (!options.clone_root.empty() && !options.clone_root.is_absolute())
        return Error(Errc::invalid_argument, "clone_root must be an absolute path");
    return std::unique_ptr<LocalBackend>(new LocalBackend(std::move(options), pool));
}

LocalBackend::LocalBackend(LocalBackendOptions options, BlockingPool& pool)
    : options_(std::move(options)), pool_(pool) {
    info_.id = options_.id;
    info_.type = "file";
    info_.description = options_.description;
    info_.weight = options_.weight;
    info_.is_default = options_.is_default;
    info_.boot_form = options_.boot_form;
    info_.copies = options_.copies;
    info_.properties["data_dir"] = options_.directories.front().path;
    info_.publishes_locations = !options_.directories.front().published_as.empty();
}

const LocalDirectory* LocalBackend::find_directory(const std::string& datastore) const {
    if (datastore.empty()) return &options_.directories.front();
    for (const LocalDirectory& directory : options_.directories)
        if (directory.path == datastore) return &directory;
    return nullptr;
}

std::string LocalBackend::folder_key(const Location& location) const {
    const LocalDirectory* directory = find_directory(location.datastore);
    return directory == nullptr ? location.datastore : directory->path.string();
}

awaitable<Result<void>> LocalBackend::claim(
    const std::string& catalog_id, const HeldLocations& held, const Call& call
) {
    SLIPWAY_CO_TRY(const auto locations, co_await held());
    auto work = [&]() -> Result<void> {
        for (const LocalDirectory& directory : options_.directories) {
            std::vector<std::string> names;
            for (const Location& location : locations)
                if (location.state == LocationState::live && !location.is_foreign() &&
                    find_directory(location.datastore) == &directory)
                    names.push_back(location.directory);
            auto root = Folder::open(directory.path);
            const auto claimed =
                root ? claim_folder(*root, catalog_id, names) : Result<ClaimedFolder>(root.error());
            if (!claimed && claimed.error().code == Errc::conflict)
                return claimed.error().while_doing(directory.path.string());
            const auto tell = [&](std::string_view event, const std::string& error) {
                log::warning(
                    call,
                    event,
                    {{"store", info_.id.str()},
                     {"folder", directory.path.string()},
                     {"objects", names.size()},
                     {"catalog", catalog_id},
                     {"error", error}}
                );
            };
            if (!claimed) tell("store.folder.unusable", claimed.error().message);
            if (claimed && claimed->is_empty)
                tell("store.folder.empty", "It holds none of its objects; is it mounted?");
            if (claimed && !claimed->unmarked.empty()) {
                tell("store.folder.unmarked", claimed->unmarked);
                unmarked_.insert(directory.path);
            }
        }
        return {};
    };
    SLIPWAY_CO_CHECK(co_await offload(pool_, work));
    catalog_id_ = catalog_id;
    co_return Result<void>();
}

Result<Folder> LocalBackend::open_directory(const LocalDirectory& directory) const {
    SLIPWAY_TRY(Folder root, Folder::open(directory.path));
    if (!catalog_id_.empty() && !unmarked_.contains(directory.path))
        SLIPWAY_CHECK(check_mark(root, catalog_id_));
    return root;
}

Result<Folder> LocalBackend::open_root(const Location& location) const {
    const LocalDirectory* directory = find_directory(location.datastore);
    if (directory == nullptr)
        return Error(
            Errc::unavailable, "the image lies in a folder that is not configured any more"
        );
    return open_directory(*directory);
}

Result<FileHandle> LocalBackend::open_object_file(const Location& location, const std::string& name)
    const {
    SLIPWAY_CHECK(check_directory(location));
    SLIPWAY_TRY(const Folder root, open_root(location));
    SLIPWAY_TRY(const Folder directory, root.descend(location.directory));
    return directory.open_file(name);
}

awaitable<Result<Placement>> LocalBackend::place(const PlaceRequest& request, const Call& call) {
    SLIPWAY_CO_TRY(const auto all, co_await datastores(call));
    std::vector<const LocalDirectory*> directories;
    std::vector<Room> rooms;
    bool any_wanted = false;
    bool any_accessible = false;
    for (std::size_t i = 0; i < all.size(); ++i) {
        const LocalDirectory& directory = options_.directories[i];
        if (!request.admits(directory.path.string())) continue;
        any_wanted = true;
        any_accessible |= all[i].accessible;
        const std::uint64_t free = all[i].free_bytes;
        if (!all[i].accessible || free == 0 || free < request.expected_bytes) continue;
        directories.push_back(&directory);
        rooms.push_back({directory.weight, free});
    }
    if (!any_wanted) co_return Error(Errc::not_found, "the store has no other folder of that name");
    if (!any_accessible)
        co_return Error(Errc::unavailable, "no folder of the store can be opened; is it mounted?");
    const auto best = best_room(rooms);
    if (!best) co_return Error(Errc::no_space, "no folder of the store has room for the image");
    Placement placement;
    placement.datastore = directories[*best]->path;
    placement.directory = request.image.str() + "." + random_hex(16);
    co_return placement;
}

awaitable<Result<std::unique_ptr<ObjectWriter>>> LocalBackend::open_writer(
    const Location& location, std::optional<std::uint64_t> stored_bytes, const Call& /*call*/
) {
    auto work = [&]() -> Result<std::unique_ptr<ObjectWriter>> {
        SLIPWAY_CHECK(check_directory(location));
        SLIPWAY_TRY(Folder root, open_root(location));
        SLIPWAY_TRY(Folder directory, root.make(location.directory));
        SLIPWAY_TRY(FileHandle file, directory.create_file(location.data_file));
        SLIPWAY_CHECK(reserve(file, stored_bytes.value_or(0)));
        std::unique_ptr<ObjectWriter> writer =
            std::make_unique<LocalWriter>(pool_, std::move(directory), std::move(file));
        return measured(speeds_, folder_key(location), std::move(writer));
    };
    co_return co_await offload(pool_, work);
}

awaitable<Result<std::unique_ptr<ByteSource>>> LocalBackend::open_reader(
    const Location& location, ByteRange range, const Call& /*call*/
) {
    auto work = [&]() -> Result<std::unique_ptr<ByteSource>> {
        SLIPWAY_TRY(FileHandle file, open_object_file(location, location.data_file));
        SLIPWAY_TRY(const std::uint64_t size, file.size_bytes());
        if (size != location.stored_bytes)
            return Error(Errc::corrupt, "the stored file has another size than the catalogue says");
        if (range.first > size || range.length > size - range.first)
            return Error(Errc::invalid_argument, "the range lies outside the file");
        std::unique_ptr<ByteSource> reader =
            std::make_unique<LocalReader>(pool_, std::move(file), range);
        return measured(speeds_, folder_key(location), std::move(reader));
    };
    co_return co_await offload(pool_, work);
}

awaitable<Result<std::uint64_t>> LocalBackend::stat(
    const Location& location, const Call& /*call*/
) {
    auto work = [&]() -> Result<std::uint64_t> {
        SLIPWAY_TRY(const FileHandle file, open_object_file(location, location.data_file));
        return file.size_bytes();
    };
    co_return co_await offload(pool_, work);
}

awaitable<Result<void>> LocalBackend::remove(const Location& location, const Call& /*call*/) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_CHECK(check_directory(location));
        SLIPWAY_TRY(Folder root, open_root(location));
        return root.remove_tree(location.directory);
    };
    co_return co_await offload(pool_, work);
}

awaitable<Result<std::vector<Placement>>> LocalBackend::list(const Call& /*call*/) {
    auto work = [&]() -> Result<std::vector<Placement>> {
        std::vector<Placement> placements;
        for (const LocalDirectory& directory : options_.directories) {
            SLIPWAY_TRY(const Folder root, open_directory(directory));
            SLIPWAY_TRY(const auto names, root.names());
            for (const std::string& name : names)
                if (is_object_name(name)) placements.push_back({directory.path, "", name});
        }
        return placements;
    };
    co_return co_await offload(pool_, work);
}

std::string LocalBackend::location_url(const Location& location) const {
    const LocalDirectory* directory = find_directory(location.datastore);
    if (directory == nullptr) return {};
    const std::string file = "/" + location.directory + "/" + location.data_file;
    std::string url = directory->published_as;
    if (url.empty()) return "file://" + directory->path.string() + file;
    auto query = url.find('?');
    if (query > 0 && url[query - 1] == '/') url.erase(--query, 1);
    return url.insert(query, file);
}

awaitable<Result<std::vector<DatastoreStatus>>> LocalBackend::datastores(const Call& /*call*/) {
    auto work = [&] {
        std::vector<DatastoreStatus> all;
        for (const LocalDirectory& directory : options_.directories) {
            DatastoreStatus status;
            status.name = directory.path;
            status.type = info_.publishes_locations ? "NFS" : "local";
            status.speeds = speeds_->of(status.name);
            if (const auto root = open_directory(directory)) {
                if (const auto space = root.value().space()) {
                    status.capacity_bytes = space.value().capacity_bytes;
                    status.free_bytes = space.value().free_bytes;
                    status.accessible = true;
                }
            }
            all.push_back(std::move(status));
        }
        return all;
    };
    co_return co_await offload(pool_, work);
}

Result<std::vector<std::string>> LocalBackend::target_parts(const CloneRequest& request) const {
    const CloneTarget& target = request.target;
    if (options_.clone_root.empty())
        return Error(Errc::forbidden, "this store makes no clones: clone_root is not set");
    if (target.datastore != info_.id.str())
        return Error(Errc::not_found, "the datastore of a clone must be the store's own id");
    if (!target.disk_type.empty())
        return Error(Errc::invalid_argument, "a file store can not change the disk type");
    std::vector<std::string> parts = split_path(target.path);
    if (!std::all_of(parts.begin(), parts.end(), is_plain_name))
        return Error(
            Errc::invalid_argument, "the path of a clone must be relative and free of . and .."
        );
    const std::string suffix = std::filesystem::path(parts.back()).extension();
    const std::string own = std::filesystem::path(request.source.data_file).extension();
    if (suffix != own && (suffix != ".vmdk" || own == ".iso"))
        return Error(Errc::invalid_argument, "the path of this image's clone must end in " + own);
    if (request.source.form != StoredForm::flat) return parts;
    if (parts.back().ends_with("-flat.vmdk") ||
        !is_plain_name(clone_names(request.source, parts.back()).data))
        return Error(
            Errc::invalid_argument,
            "the name of this image's clone is that of a descriptor: NAME.vmdk, not "
            "NAME-flat.vmdk, "
            "and not too long"
        );
    return parts;
}

// A descriptor like the stored one, for the extent under its new name.
Result<std::string> LocalBackend::clone_descriptor(
    const Location& location, const std::string& extent
) const {
    constexpr std::string_view kAdapter = "ddb.adapterType = \"";
    SLIPWAY_TRY(const FileHandle file, open_object_file(location, location.descriptor));
    std::string text(kMaxDescriptorBytes, '\0');
    SLIPWAY_TRY(const std::size_t got, file.read_at(0, std::as_writable_bytes(std::span(text))));
    text.resize(got);
    const auto key = text.find(kAdapter);
    std::string adapter;
    if (key != std::string::npos) {
        const auto at = key + kAdapter.size();
        adapter = text.substr(at, text.find('"', at) - at);
    }
    return format::flat_descriptor(
        location.stored_bytes,
        extent,
        format::adapter_type_for(adapter),
        format::DiskIdentity::random()
    );
}

Result<void> LocalBackend::check_target(
    const Location& source, const std::vector<std::string>& parts
) const {
    SLIPWAY_TRY(Folder folder, Folder::open(options_.clone_root));
    for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        auto next = folder.descend(parts[i]);
        if (!next && next.error().code == Errc::not_found) return {};
        if (!next) return std::move(next).error();
        folder = std::move(next).value();
    }
    const CloneNames names = clone_names(source, parts.back());
    for (const std::string& name : {names.data, names.descriptor}) {
        if (name.empty()) continue;
        SLIPWAY_TRY(const bool taken, folder.has(name));
        if (taken) return Error(Errc::conflict, "there is a file at the target already");
    }
    return {};
}

awaitable<Result<void>> LocalBackend::check_clone(
    const CloneRequest& request, const Call& /*call*/
) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto parts, target_parts(request));
        SLIPWAY_CHECK(open_object_file(request.source, request.source.data_file));
        return check_target(request.source, parts);
    };
    co_return co_await offload(pool_, work);
}

awaitable<Result<Account>> LocalBackend::clone(
    const CloneRequest& request,
    const std::string& checkpoint,
    CloneProgress& progress,
    const Call& /*call*/
) {
    auto prepare = [&]() -> Result<LocalClone> {
        SLIPWAY_TRY(const auto parts, target_parts(request));
        if (!is_uuid(request.task.str()))
            return Error(Errc::invalid_argument, "a clone belongs to a task");
        SLIPWAY_TRY(FileHandle source, open_object_file(request.source, request.source.data_file));
        SLIPWAY_TRY(const std::uint64_t size, source.size_bytes());
        if (size != request.source.stored_bytes)
            return Error(Errc::corrupt, "the stored file has another size than the catalogue says");
        SLIPWAY_TRY(Folder folder, Folder::open(options_.clone_root));
        for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
            SLIPWAY_TRY(folder, folder.descend_or_make(parts[i]));
        }
        const CloneNames names = clone_names(request.source, parts.back());
        LocalClone clone{std::move(source), size, std::move(folder), names.data, request.task};
        if (!names.descriptor.empty()) {
            clone.descriptor_name = names.descriptor;
            SLIPWAY_TRY(clone.descriptor_text, clone_descriptor(request.source, names.data));
        }
        return clone;
    };
    SLIPWAY_CO_TRY(LocalClone clone, co_await offload(pool_, prepare));
    co_return co_await clone.run(pool_, checkpoint, progress);
}

// The directory of an object of this store, or of another one in a folder of this machine.
Result<Folder> LocalBackend::open_source(const Location& source) const {
    SLIPWAY_CHECK(check_directory(source));
    if (source.backend == info_.id || source.datastore.empty()) {
        SLIPWAY_TRY(const Folder root, open_root(source));
        return root.descend(source.directory);
    }
    SLIPWAY_TRY(const Folder root, Folder::open(source.datastore));
    return root.descend(source.directory);
}

awaitable<Result<Account>> LocalBackend::copy(
    const CopyRequest& request,
    SideFile manifest,
    const std::string& checkpoint,
    CloneProgress& progress,
    const Call& /*call*/
) {
    std::optional<Folder> source;
    auto prepare = [&]() -> Result<LocalClone> {
        SLIPWAY_CHECK(check_directory(request.target));
        if (!is_uuid(request.task.str()))
            return Error(Errc::invalid_argument, "a copy belongs to a task");
        SLIPWAY_TRY(source, open_source(request.source));
        SLIPWAY_TRY(FileHandle file, source->open_file(request.source.data_file));
        SLIPWAY_TRY(const std::uint64_t size, file.size_bytes());
        if (size != request.source.stored_bytes)
            return Error(Errc::corrupt, "the stored file has another size than the catalogue says");
        SLIPWAY_TRY(Folder root, open_root(request.target));
        SLIPWAY_TRY(Folder folder, root.descend_or_make(request.target.directory));
        return LocalClone{
            std::move(file), size, std::move(folder), request.target.data_file, request.task};
    };
    SLIPWAY_CO_TRY(LocalClone clone, co_await offload(pool_, prepare));

    bool save_failed = false;
    CloneProgress part = progress;
    part.save = [&](std::string text) -> awaitable<Result<void>> {
        auto saved = co_await progress.save(std::move(text));
        save_failed = !saved && saved.error().code != Errc::cancelled;
        co_return saved;
    };
    auto copied = co_await clone.run(pool_, checkpoint, part);
    auto finish = [&]() -> Result<void> {
        Result<void> done =
            copied ? finish_copy(request, manifest, *source) : Result<void>(copied.error());
        // A file that is there already is not ours to remove; and without its checkpoint a copy is
        // another process's business, or will be.
        if (done || save_failed || progress.is_lost() || done.error().code == Errc::conflict)
            return done;
        SLIPWAY_TRY(Folder root, open_root(request.target));
        SLIPWAY_CHECK(root.remove_tree(request.target.directory));
        return done;
    };
    SLIPWAY_CO_CHECK(co_await offload(pool_, finish));
    speeds_->note_copy(folder_key(request.target), copied);
    co_return copied;
}

// What comes after the data file; the manifest last.
Result<void> LocalBackend::finish_copy(
    const CopyRequest& request, const SideFile& manifest, const Folder& source
) const {
    SLIPWAY_TRY(const Folder root, open_root(request.target));
    SLIPWAY_TRY(Folder folder, root.descend(request.target.directory));
    SLIPWAY_TRY(const FileHandle copy, folder.open_file(request.target.data_file));
    SLIPWAY_TRY(const std::uint64_t arrived, copy.size_bytes());
    if (arrived != request.source.stored_bytes)
        return Error(Errc::corrupt, "the copy has another size than the image's file");
    if (!request.source.descriptor.empty()) {
        SLIPWAY_TRY(const FileHandle file, source.open_file(request.source.descriptor));
        SLIPWAY_TRY(const std::uint64_t size, file.size_bytes());
        if (size > kMaxDescriptorBytes)
            return Error(Errc::corrupt, "the image's descriptor is too long to be one");
        std::string text(static_cast<std::size_t>(size), '\0');
        SLIPWAY_CHECK(file.read_at(0, std::as_writable_bytes(std::span(text))));
        SLIPWAY_CHECK(folder.put_file(request.source.descriptor, text));
    }
    return folder.put_file(manifest.name, manifest.text);
}

}  // namespace slipway::store
