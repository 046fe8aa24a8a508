#include "store/local_ground.h"

#include "base/digest.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace slipway::store {

namespace {

constexpr std::string_view kPrefix = "store-test.";

Result<std::string> sha256_of_file(const Folder& folder, const std::string& name) {
    SLIPWAY_TRY(const FileHandle file, folder.open_file(name));
    SLIPWAY_TRY(Digest digest, Digest::create("sha256"));
    std::vector<std::byte> buffer(1U << 20U);
    for (std::uint64_t offset = 0;;) {
        SLIPWAY_TRY(const std::size_t got, file.read_at(offset, buffer));
        digest.update(std::span(buffer).first(got));
        offset += got;
        if (got < buffer.size()) return digest.finish_hex();
    }
}

std::string milliseconds_since(std::chrono::steady_clock::time_point start) {
    const std::chrono::duration<double, std::milli> taken =
        std::chrono::steady_clock::now() - start;
    const auto tenths = static_cast<long>(taken.count() * 10);
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " ms";
}

}  // namespace

LocalGround::LocalGround(BlockingPool& pool, LocalGroundOptions options)
    : pool_(pool), options_(std::move(options)) {
    if (!options_.clone_root.empty()) targets_.push_back({"", options_.store.str(), true});
}

std::vector<std::filesystem::path> LocalGround::roots() const {
    std::vector<std::filesystem::path> all = options_.folders;
    if (!options_.clone_root.empty() && std::ranges::find(all, options_.clone_root) == all.end())
        all.push_back(options_.clone_root);
    return all;
}

awaitable<Result<void>> LocalGround::prepare(const Call&) {
    auto work = [&]() -> Result<void> {
        for (const auto& root : roots()) {
            SLIPWAY_TRY(Folder folder, Folder::open(root));
            SLIPWAY_CHECK(folder.make(options_.name));
        }
        return {};
    };
    co_return co_await offload(pool_, work);
}

Result<void> LocalGround::remove(const std::filesystem::path& directory) const {
    SLIPWAY_TRY(Folder parent, Folder::open(directory.parent_path()));
    SLIPWAY_CHECK(parent.remove_tree(directory.filename().string()));
    return parent.sync();
}

awaitable<Result<void>> LocalGround::clear(const Call&) {
    auto work = [&]() -> Result<void> {
        Result<void> outcome;
        for (const auto& root : roots()) {
            std::error_code ignored;
            if (!std::filesystem::exists(root, ignored)) continue;
            auto removed = remove(root / options_.name);
            if (!removed && outcome) outcome = std::move(removed);
        }
        return outcome;
    };
    co_return co_await offload(pool_, work);
}

Result<std::vector<std::filesystem::path>> LocalGround::find_remains() const {
    std::vector<std::filesystem::path> found;
    for (const auto& root : roots()) {
        SLIPWAY_TRY(const Folder folder, Folder::open(root));
        SLIPWAY_TRY(const auto names, folder.names());
        for (const std::string& name : names)
            if (name.starts_with(kPrefix) && name != options_.name) found.push_back(root / name);
    }
    return found;
}

awaitable<Result<std::vector<std::string>>> LocalGround::remains(const Call&) {
    auto work = [&] { return find_remains(); };
    SLIPWAY_CO_TRY(const auto found, co_await offload(pool_, work));
    std::vector<std::string> names;
    for (const auto& path : found) names.push_back(path.string());
    co_return names;
}

awaitable<Result<void>> LocalGround::clear_remains(const Call&) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, find_remains());
        for (const auto& path : found) SLIPWAY_CHECK(remove(path));
        return {};
    };
    co_return co_await offload(pool_, work);
}

CloneTarget LocalGround::clone_target(const TrialTarget& target, const std::string& name) const {
    CloneTarget clone;
    clone.datastore = target.datastore;
    clone.path = options_.name + '/' + name + ".vmdk";
    return clone;
}

awaitable<Result<void>>
LocalGround::check_clone(const CloneTarget& target, const TrialDisk& disk, const Call&) {
    const std::filesystem::path file = options_.clone_root / target.path;
    auto work = [&]() -> Result<std::string> {
        SLIPWAY_TRY(const Folder folder, Folder::open(file.parent_path()));
        return sha256_of_file(folder, file.filename().string());
    };
    SLIPWAY_CO_TRY(const std::string digest, co_await offload(pool_, work));
    if (digest == disk.file_sha256) co_return Result<void>();
    co_return Error(Errc::corrupt, "the copy holds other data than what was copied");
}

Result<Observation> LocalGround::fsync_of(const std::filesystem::path& folder) const {
    SLIPWAY_TRY(Folder here, Folder::open(folder / options_.name));
    const auto start = std::chrono::steady_clock::now();
    SLIPWAY_CHECK(here.put_file("fsync", "durable"));
    SLIPWAY_CHECK(here.sync());
    return Observation{
        "fsync",
        Verdict::ok,
        folder.string() + ": a small file is durable in " + milliseconds_since(start)};
}

Result<Observation> LocalGround::rename_onto(const std::filesystem::path& folder) const {
    SLIPWAY_TRY(Folder here, Folder::open(folder / options_.name));
    SLIPWAY_CHECK(here.put_file("from", "new"));
    SLIPWAY_CHECK(here.put_file("to", "old"));
    const auto renamed = here.rename_to_new("from", "to");
    if (renamed)
        return Observation{
            "rename", Verdict::differs, folder.string() + ": a rename replaces an existing file"};
    if (renamed.error().code != Errc::conflict) return renamed.error();
    return Observation{
        "rename", Verdict::ok, folder.string() + ": a rename onto an existing file is refused"};
}

awaitable<void> LocalGround::
    observe(const TrialDisk&, std::function<void(Observation)> tell, std::function<bool()> stopped, const Call&) {
    for (const auto& folder : options_.folders) {
        for (const auto& [name, question] :
             {std::pair{"fsync", &LocalGround::fsync_of},
              std::pair{"rename", &LocalGround::rename_onto}}) {
            if (stopped()) co_return;
            auto work = [&, question = question] { return (this->*question)(folder); };
            auto answer = co_await offload(pool_, work);
            if (!answer)
                answer = Observation{
                    name, Verdict::differs, folder.string() + ": " + answer.error().message};
            tell(std::move(*answer));
        }
    }
}

}  // namespace slipway::store
