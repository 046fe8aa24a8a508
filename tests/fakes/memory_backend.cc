#include "tests/fakes/memory_backend.h"

#include <algorithm>
#include <span>
#include <utility>

namespace slipway::test {

namespace {

using Bytes = std::vector<std::byte>;

constexpr const char* kDatastore = "memory";
constexpr const char* kStoreDirectory = "images/";

Bytes bytes_of(const std::string& text) {
    const auto bytes = as_bytes_of(text);
    return {bytes.begin(), bytes.end()};
}

bool names_an_object(const Location& location) {
    const std::string expected = kStoreDirectory + location.image_id.str() + ".";
    if (location.directory.size() != expected.size() + 16 ||
        !location.directory.starts_with(expected) || !is_uuid(location.image_id.str()))
        return false;
    return std::all_of(location.directory.end() - 16, location.directory.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
}

bool is_plain_path(const std::string& path) {
    if (path.empty() || path.back() == '/') return false;
    if (std::any_of(path.begin(), path.end(), [](char c) { return c >= 0 && c < 0x20; }))
        return false;
    for (std::size_t at = 0; at <= path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const std::string part = path.substr(at, end - at);
        if (part.empty() || part == "." || part == "..") return false;
        at = end + 1;
    }
    return true;
}

}  // namespace

struct MemoryBackend::State {
    mutable std::mutex mutex;
    std::map<std::string, std::map<std::string, Bytes>> directories;
    std::map<std::string, Bytes> clones;
    std::map<std::string, std::string> clone_tasks;  // path -> task that made it
    std::map<std::string, LocationId> seed_sources;  // likewise
    std::map<std::string, store::SeedState> seeds;   // by <base folder>/<name>
};

// The file grows in place, so that an abandoned writer leaves what a real one leaves.
class MemoryBackend::Writer : public store::ObjectWriter {
public:
    Writer(std::shared_ptr<State> state, std::string directory, std::string name)
        : state_(std::move(state)), directory_(std::move(directory)), name_(std::move(name)) {}

    awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
        const std::lock_guard lock(state_->mutex);
        const auto found = state_->directories.find(directory_);
        if (found == state_->directories.end())
            co_return Error(Errc::not_found, "the object's directory is gone");
        Bytes& file = found->second[name_];
        file.insert(file.end(), bytes.begin(), bytes.end());
        co_return Result<void>();
    }

    awaitable<Result<void>> commit(
        std::uint64_t stored_bytes, std::vector<store::SideFile> side_files
    ) override {
        const std::lock_guard lock(state_->mutex);
        const auto found = state_->directories.find(directory_);
        if (found == state_->directories.end())
            co_return Error(Errc::not_found, "the object's directory is gone");
        if (found->second[name_].size() != stored_bytes)
            co_return Error(Errc::corrupt, "the stored file has another size than was sent");
        for (const store::SideFile& side : side_files)
            found->second[side.name] = bytes_of(side.text);
        co_return Result<void>();
    }

private:
    std::shared_ptr<State> state_;
    std::string directory_;
    std::string name_;
};

class MemoryBackend::Reader : public ByteSource {
public:
    explicit Reader(Bytes bytes) : bytes_(std::move(bytes)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const std::size_t count = std::min(into.size(), bytes_.size() - done_);
        std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(done_), count, into.begin());
        done_ += count;
        co_return count;
    }

    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return bytes_.size(); }

private:
    Bytes bytes_;
    std::size_t done_ = 0;
};

MemoryBackend::MemoryBackend(MemoryBackendOptions options)
    : capacity_bytes_(options.capacity_bytes),
      keeps_disks_as_objects_(options.keeps_disks_as_objects),
      state_(std::make_shared<State>()) {
    info_.id = options.id;
    info_.type = "memory";
    info_.is_default = options.is_default;
    info_.weight = options.weight;
    info_.publishes_locations = options.publishes_locations;
    info_.boot_form = options.boot_form;
}

MemoryBackend::~MemoryBackend() = default;

awaitable<Result<store::Placement>> MemoryBackend::place(
    const store::PlaceRequest& request, const Call& call
) {
    if (!request.admits(kDatastore))
        co_return Error(Errc::not_found, "the store has no other datastore");
    SLIPWAY_CO_TRY(const auto status, co_await datastores(call));
    if (request.expected_bytes > status.front().free_bytes)
        co_return Error(Errc::no_space, "no datastore has room for the image");
    store::Placement placement;
    placement.datastore = kDatastore;
    placement.directory = kStoreDirectory + request.image.str() + "." + random_hex(16);
    co_return placement;
}

awaitable<Result<std::unique_ptr<store::ObjectWriter>>> MemoryBackend::open_writer(
    const Location& location, std::optional<std::uint64_t> /*stored_bytes*/, const Call& /*call*/
) {
    if (!names_an_object(location))
        co_return Error(Errc::invalid_argument, "the location names no object's directory");
    const std::lock_guard lock(state_->mutex);
    const auto [directory, is_new] = state_->directories.try_emplace(location.directory);
    if (!is_new) co_return Error(Errc::conflict, "the object's directory exists already");
    directory->second[location.data_file];
    co_return std::unique_ptr<store::ObjectWriter>(
        std::make_unique<Writer>(state_, location.directory, location.data_file)
    );
}

awaitable<Result<std::unique_ptr<ByteSource>>> MemoryBackend::open_reader(
    const Location& location, ByteRange range, const Call& call
) {
    SLIPWAY_CO_TRY(const std::uint64_t size, co_await stat(location, call));
    if (size != location.stored_bytes)
        co_return Error(Errc::corrupt, "the stored file has another size than the catalogue says");
    if (range.first > size || range.length > size - range.first)
        co_return Error(Errc::invalid_argument, "the range lies outside the file");
    const std::lock_guard lock(state_->mutex);
    const Bytes& file = state_->directories[location.directory][location.data_file];
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(range.first);
    Bytes bytes(begin, begin + static_cast<std::ptrdiff_t>(range.length));
    co_return std::unique_ptr<ByteSource>(std::make_unique<Reader>(std::move(bytes)));
}

awaitable<Result<std::uint64_t>> MemoryBackend::stat(const Location& location, const Call&) {
    const std::lock_guard lock(state_->mutex);
    const auto directory = state_->directories.find(location.directory);
    if (directory == state_->directories.end())
        co_return Error(Errc::not_found, "the object is not on its datastore");
    const auto file = directory->second.find(location.data_file);
    if (file == directory->second.end())
        co_return Error(Errc::not_found, "the object is not on its datastore");
    co_return file->second.size();
}

awaitable<Result<void>> MemoryBackend::remove(const Location& location, const Call&) {
    if (!names_an_object(location))
        co_return Error(Errc::invalid_argument, "the location names no object's directory");
    const std::lock_guard lock(state_->mutex);
    state_->directories.erase(location.directory);
    co_return Result<void>();
}

awaitable<Result<std::vector<store::Placement>>> MemoryBackend::list(const Call&) {
    std::vector<store::Placement> placements;
    for (const std::string& directory : directories())
        placements.push_back({kDatastore, "", directory});
    co_return placements;
}

std::string MemoryBackend::location_url(const Location& location) const {
    if (!info_.publishes_locations) return {};
    return "vsphere://memory/folder/" + location.directory + "/" + location.data_file +
           "?dcPath=DC0&dsName=memory";
}

Result<void> MemoryBackend::check_target(const store::CloneRequest& request) const {
    if (request.target.datastore != kDatastore) return Error(Errc::not_found, "no such datastore");
    const std::string& path = request.target.path;
    if (!is_plain_path(path) || !(path.ends_with(".vmdk") || path.ends_with(".iso")))
        return Error(Errc::invalid_argument, "the path must be relative and end in .vmdk or .iso");
    const std::lock_guard lock(state_->mutex);
    if (state_->clones.contains(path))
        return Error(Errc::conflict, "there is a file at the target already");
    return {};
}

awaitable<Result<void>> MemoryBackend::check_clone(
    const store::CloneRequest& request, const Call& call
) {
    SLIPWAY_CO_CHECK(co_await stat(request.source, call));
    co_return check_target(request);
}

awaitable<Result<Account>> MemoryBackend::clone(
    const store::CloneRequest& request,
    const std::string& checkpoint,
    store::CloneProgress& progress,
    const Call& call
) {
    SLIPWAY_CO_TRY(const std::uint64_t size, co_await stat(request.source, call));
    Account account;
    account.bytes_copied = size;
    account.path = "copy_disk";
    {
        const std::lock_guard lock(state_->mutex);
        const auto made = state_->clone_tasks.find(request.target.path);
        if (!checkpoint.empty() && made != state_->clone_tasks.end() &&
            made->second == request.task.str())
            co_return account;
    }
    SLIPWAY_CO_CHECK(check_target(request));
    progress.report(0);
    if (progress.cancelled()) co_return Error(Errc::cancelled, "the clone was cancelled");
    SLIPWAY_CO_CHECK(co_await progress.save(R"({"step":"copying"})"));
    const std::lock_guard lock(state_->mutex);
    state_->clones[request.target.path] =
        state_->directories[request.source.directory][request.source.data_file];
    state_->clone_tasks[request.target.path] = request.task.str();
    progress.report(100);
    co_return account;
}

awaitable<Result<std::vector<DatastoreStatus>>> MemoryBackend::datastores(const Call&) {
    const std::lock_guard lock(state_->mutex);
    std::uint64_t used = 0;
    for (const auto& [directory, files] : state_->directories)
        for (const auto& [name, bytes] : files) used += bytes.size();
    DatastoreStatus status;
    status.name = kDatastore;
    status.type = "memory";
    status.capacity_bytes = capacity_bytes_;
    status.free_bytes = capacity_bytes_ - std::min(capacity_bytes_, used);
    status.accessible = true;
    co_return std::vector<DatastoreStatus>{status};
}

awaitable<Result<std::vector<std::string>>>
MemoryBackend::seed_datastores(const std::string& datacenter, const std::string&, const Call&) {
    if (datacenter != "DC0") co_return Error(Errc::not_found, "no such datacenter");
    co_return std::vector<std::string>{kDatastore};
}

awaitable<Result<Account>> MemoryBackend::seed(
    const store::SeedRequest& request,
    const std::string&,
    store::CloneProgress& progress,
    const Call& call
) {
    SLIPWAY_CO_TRY(const std::uint64_t size, co_await stat(request.source, call));
    if (progress.cancelled()) co_return Error(Errc::cancelled, "the seed was cancelled");
    const std::lock_guard lock(state_->mutex);
    const std::string folder = request.base_folder + '/' + request.name;
    state_->seeds[folder] = {true, request.sizes_gib};
    state_->seed_sources.emplace(folder, request.source.id);  // what is there stays
    progress.report(100);
    co_return Account{0, size, 0, "copy_disk"};
}

awaitable<Result<store::SeedState>>
MemoryBackend::keep_seed(const store::SeedRequest& request, const Call&) {
    const std::lock_guard lock(state_->mutex);
    co_return state_->seeds[request.base_folder + '/' + request.name];
}

awaitable<Result<void>> MemoryBackend::remove_seed(const store::SeedRequest& request, const Call&) {
    forget_seed(request.base_folder, request.name);
    co_return Result<void>();
}

awaitable<Result<bool>> MemoryBackend::keeps_disks_as_objects(const Location&, const Call&) {
    co_return keeps_disks_as_objects_;
}

awaitable<Result<Account>> MemoryBackend::import_disk(
    const Location& location,
    ByteSource& stream_optimized,
    std::uint64_t,
    std::vector<store::SideFile> side_files,
    const Call& call
) {
    SLIPWAY_CO_TRY(auto writer, co_await open_writer(location, std::nullopt, call));
    std::vector<std::byte> piece(64U << 10U);
    std::uint64_t sent = 0;
    for (;;) {
        SLIPWAY_CO_TRY(const std::size_t count, co_await stream_optimized.read_some(piece));
        if (count == 0) break;
        SLIPWAY_CO_CHECK(co_await writer->write(std::span(piece).first(count)));
        sent += count;
    }
    SLIPWAY_CO_CHECK(co_await writer->commit(sent, std::move(side_files)));
    co_return Account{sent, 0, 0, "nfc"};
}

void MemoryBackend::forget_seed(const std::string& base_folder, const std::string& name) {
    const std::lock_guard lock(state_->mutex);
    state_->seeds.erase(base_folder + '/' + name);
    state_->seed_sources.erase(base_folder + '/' + name);
}

LocationId MemoryBackend::seed_source(const std::string& base_folder, const std::string& name)
    const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->seed_sources.find(base_folder + '/' + name);
    return found == state_->seed_sources.end() ? LocationId() : found->second;
}

std::optional<store::SeedState> MemoryBackend::seed_at(
    const std::string& base_folder, const std::string& name
) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->seeds.find(base_folder + '/' + name);
    if (found == state_->seeds.end()) return std::nullopt;
    return found->second;
}

std::vector<std::string> MemoryBackend::directories() const {
    const std::lock_guard lock(state_->mutex);
    std::vector<std::string> names;
    for (const auto& [directory, files] : state_->directories) names.push_back(directory);
    return names;
}

std::optional<std::string> MemoryBackend::file(
    const std::string& directory, const std::string& name
) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->directories.find(directory);
    if (found == state_->directories.end()) return std::nullopt;
    const auto file = found->second.find(name);
    if (file == found->second.end()) return std::nullopt;
    std::string text;
    for (const std::byte b : file->second) text += std::to_integer<char>(b);
    return text;
}

std::optional<std::vector<std::byte>> MemoryBackend::clone_at(const std::string& path) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->clones.find(path);
    if (found == state_->clones.end()) return std::nullopt;
    return found->second;
}

void MemoryBackend::overwrite(
    const std::string& directory, const std::string& name, const std::string& text
) {
    const std::lock_guard lock(state_->mutex);
    state_->directories[directory][name] = bytes_of(text);
}

}  // namespace slipway::test
