#include "store/datastore_cache.h"

#include "base/log.h"
#include "store/datastore_steps.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/virtual_machine.h"

#include <algorithm>
#include <charconv>

namespace slipway::store {
namespace {

constexpr std::uint64_t kBytesPerGib = 1ULL << 30U;
constexpr std::uint64_t kMostGib = std::uint64_t{62} * 1024;  // the largest disk that there is
constexpr std::size_t kNamesTold = 5;
constexpr std::chrono::seconds kRemovalLimit{30};

Error bad_request(std::string_view why) {
    return Error(Errc::invalid_argument, "the seed's " + std::string(why));
}

bool meets(std::string_view folder, std::string_view other) {
    const auto inside = [](std::string_view a, std::string_view b) {
        return a.size() > b.size() && a.starts_with(b) && a[b.size()] == '/';
    };
    return folder == other || inside(folder, other) || inside(other, folder);
}

// Whether `file` lies in the image's folder.
bool is_cached_file(const SeedPlace& seed, const vsphere::NeededFile& file) {
    const auto& datastore = seed.place.datastore;
    if (!file.datastore.empty() && file.datastore != datastore.ref) return false;
    const auto path = vsphere::DatastorePath::parse(file.name);
    // On vSAN a file is known by its namespace's UUID, not by its name; and a name of another form
    // may be that of any file. The image's id in the path is then enough.
    if (!path || datastore.has_namespaces())
        return file.name.find('/' + seed.name + '/') != std::string::npos;
    if (path->datastore() != datastore.name) return false;
    return path->path().starts_with(seed.folder() + '/');
}

Error needed_by(std::string_view why, const std::vector<std::string>& names) {
    std::string list;
    for (std::size_t i = 0; i < std::min(names.size(), kNamesTold); ++i)
        list += (list.empty() ? "" : ", ") + names[i];
    if (names.size() > kNamesTold)
        list += " and " + std::to_string(names.size() - kNamesTold) + " more";
    return Error(Errc::conflict, std::string(why) + ": " + list);
}

awaitable<Result<void>> check_unused(
    vsphere::VimClient& client, const SeedPlace& seed, const Call& call
) {
    SLIPWAY_CO_TRY(auto users, co_await vsphere::machine_files(client, call));
    SLIPWAY_CO_TRY(
        auto disks, co_await vsphere::registered_disks(client, seed.place.datastore.ref, call)
    );
    std::ranges::move(disks, std::back_inserter(users));
    std::vector<std::string> needing;
    std::vector<std::string> unknown;
    for (const auto& user : users) {
        const bool needs = std::ranges::any_of(user.files, [&](const auto& file) {
            return is_cached_file(seed, file);
        });
        if (needs) needing.push_back(user.name);
        if (user.is_unknown && !needs) unknown.push_back(user.name);
    }
    if (!needing.empty())
        co_return needed_by("the image's disks in the cache are needed by", needing);
    if (!unknown.empty())
        co_return needed_by("vSphere does not tell which disks these machines need", unknown);
    co_return Result<void>();
}

awaitable<Result<bool>> is_present(
    vsphere::VimClient& client, const SeedPlace& seed, const Call& call
) {
    SLIPWAY_CO_TRY(const auto folder, seed.place.file(seed.folder()));
    const std::vector<std::string> anything = {"*"};
    const auto found = co_await vsphere::search_folder(
        client, seed.place.datastore.browser, folder.path, anything, call
    );
    if (!found && found.error().code == Errc::not_found) co_return false;
    if (!found) co_return as_seen_by_callers(found.error());
    co_return true;
}

awaitable<Result<void>> move_folder(
    vsphere::VimClient& client,
    const Place& place,
    const std::string& from,
    const std::string& to,
    const Call& call
) {
    SLIPWAY_CO_TRY(auto source, place.file(from));
    SLIPWAY_CO_TRY(auto target, place.file(to));
    auto moved =
        co_await vsphere::move_file(client, std::move(source), std::move(target), false, call);
    if (!moved) co_return as_seen_by_callers(moved.error());
    co_return moved;
}

// A machine needs it.
awaitable<void> put_back(
    vsphere::VimClient& client, const SeedPlace& seed, const std::string& aside, Call call
) {
    auto moved = co_await move_folder(client, seed.place, aside, seed.folder(), call);
    if (moved) moved = co_await remove_folder(client, seed.place, folder_of(aside), call);
    if (!moved)
        log::error(
            call,
            "seed.not_put_back",
            {{"datastore", seed.place.datastore.name},
             {"from", aside},
             {"to", seed.folder()},
             {"error", moved.error().message}}
        );
}

}  // namespace

std::string SeedPlace::sized_file(std::uint64_t gib) const {
    return name + '.' + std::to_string(gib) + ".vmdk";
}

std::optional<std::uint64_t> SeedPlace::size_of(std::string_view file) const {
    constexpr std::string_view kSuffix = ".vmdk";
    if (is_iso || !file.starts_with(name + '.') || !file.ends_with(kSuffix) ||
        file.size() <= name.size() + 1 + kSuffix.size())
        return std::nullopt;
    const auto digits =
        file.substr(name.size() + 1, file.size() - name.size() - 1 - kSuffix.size());
    std::uint64_t gib = 0;
    const auto* end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, gib);
    if (error != std::errc() || at != end || digits.front() == '0') return std::nullopt;
    return gib;
}

bool is_ageing_mark(std::string_view name) {
    constexpr std::string_view kForm = "ts-0000-00-00-00-00-00";
    if (name.size() != kForm.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool is_digit = name[i] >= '0' && name[i] <= '9';
        if (kForm[i] == '0' ? !is_digit : name[i] != kForm[i]) return false;
    }
    return true;
}

std::string building_folder(std::string_view store_dir) {
    return std::string(store_dir) + "_seeding";
}

Result<void> check_seed_place(
    std::string_view store_dir, std::string_view base_folder, std::string_view name
) {
    if (!is_portable_path(base_folder))
        return bad_request("base folder may hold letters, digits and . _ - / only");
    if (meets(base_folder, store_dir) || meets(base_folder, building_folder(store_dir)))
        return bad_request(
            "base folder must not be, hold or lie in the image store's own folders: the compute "
            "services remove what they do not know there"
        );
    if (!is_uuid(name)) return bad_request("name must be the image's id");
    return {};
}

Result<void> check_seed_sizes(const SeedRequest& request) {
    std::uint64_t last = 0;
    for (const auto gib : request.sizes_gib) {
        if (gib <= last || gib > kMostGib)
            return bad_request("sizes must be ascending, from 1 to 63488 GiB");
        if (gib * kBytesPerGib < request.capacity_bytes)
            return bad_request("size of " + std::to_string(gib) + " GiB is less than the disk's");
        last = gib;
    }
    return {};
}

awaitable<Result<SeedState>> keep_cached(
    vsphere::VimClient& client, SeedPlace seed, const Call& call
) {
    SeedState state;
    SLIPWAY_CO_TRY(const auto folder, seed.place.file(seed.folder()));
    const std::vector<std::string> patterns = {seed.base_file(), seed.name + ".*.vmdk", "ts-*"};
    const auto found = co_await vsphere::search_folder(
        client, seed.place.datastore.browser, folder.path, patterns, call
    );
    if (!found && found.error().code == Errc::not_found) co_return state;
    if (!found) co_return found.error();
    for (const auto& file : found->files) {
        state.base = state.base || file.path == seed.base_file();
        if (const auto gib = seed.size_of(file.path)) state.sizes_gib.push_back(*gib);
        if (!is_ageing_mark(file.path)) continue;
        SLIPWAY_CO_TRY(auto mark, seed.place.file(seed.folder() + '/' + file.path));
        const auto removed = co_await vsphere::delete_file(client, std::move(mark), call);
        // The compute service may have removed it just now.
        if (!removed && removed.error().code != Errc::not_found) co_return removed.error();
    }
    std::ranges::sort(state.sizes_gib);
    co_return state;
}

awaitable<Result<void>> remove_cached(
    vsphere::VimClient& client, SeedPlace seed, std::string aside, const Call& call
) {
    SLIPWAY_CO_TRY(const bool present, co_await is_present(client, seed, call));
    if (!present) co_return Result<void>();
    SLIPWAY_CO_CHECK(co_await check_unused(client, seed, call));
    // A folder does not move from one namespace of vSAN to another.
    std::string folder = seed.folder();
    if (!seed.place.datastore.has_namespaces()) {
        SLIPWAY_CO_CHECK(co_await make_folders(client, seed.place, folder_of(aside), call));
        SLIPWAY_CO_CHECK(co_await move_folder(client, seed.place, folder, aside, call));
        // The walk takes its time, and a machine may have been made during it. From now on compute
        // services find nothing here, and make a disk of their own.
        const auto unused = co_await check_unused(client, seed, call);
        if (!unused) {
            co_await put_back(client, seed, aside, for_cleaning_up(call));
            co_return unused;
        }
        folder = folder_of(aside);
    }
    const Call bounded = call.within(kRemovalLimit);
    auto removed = co_await remove_folder(client, seed.place, folder, bounded);
    if (!removed) co_return as_seen_by_callers(removed.error());
    co_return removed;
}

}  // namespace slipway::store
