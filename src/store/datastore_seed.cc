#include "store/datastore_seed.h"

#include "base/json.h"
#include "base/log.h"
#include "store/datastore_clone.h"
#include "store/datastore_steps.h"
#include "vsphere/datastore_browser.h"
#include "vsphere/retries.h"
#include "vsphere/virtual_disk.h"

#include <algorithm>

namespace slipway::store {
namespace {

constexpr std::uint64_t kKibPerGib = 1ULL << 20U;
// Two are usual: one that builds and moves, one that finds everything there.
constexpr int kMostRounds = 6;

Error bad_checkpoint() {
    return Error(Errc::corrupt, "the checkpoint of the seed is damaged; start the seed again");
}

}  // namespace

DatastoreSeed::DatastoreSeed(
    vsphere::VimClient& client, Plan plan, CloneProgress& progress, const Call& call
)
    : client_(client), plan_(std::move(plan)), progress_(progress), call_(call) {}

awaitable<Result<Account>> DatastoreSeed::run(const std::string& checkpoint) {
    const auto started = std::chrono::steady_clock::now();
    if (!checkpoint.empty()) {
        SLIPWAY_CO_TRY(state_, Checkpoint::parse(checkpoint));
        has_built_ = true;
    }
    const auto made = co_await make();
    if (has_built_ && !save_failed_ && !progress_.is_lost()) co_await clean_up();
    if (!made) co_return as_seen_by_callers(made.error());

    progress_.report(100);
    Account account;
    account.bytes_copied = static_cast<std::uint64_t>(state_.copied) * plan_.source_bytes;
    account.path = plan_.seed.is_iso ? "copy_file" : "copy_disk";
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    account.seconds = taken.count();
    co_return account;
}

// Looks, builds what is missing and moves it into place, until all of it is there: compute services
// and their ager are at work in the same folder.
awaitable<Result<void>> DatastoreSeed::make() {
    vsphere::Retries retries;
    for (int rounds = 1;; ++rounds) {
        const auto all_there = co_await make_once();
        if (all_there && *all_there) co_return Result<void>();
        if (auto stop = stopped()) co_return co_await stop_unless_done(std::move(*stop));
        if (!all_there && all_there.error().code == Errc::cancelled)
            co_return co_await stop_unless_done(all_there.error());
        if (all_there && rounds < kMostRounds) continue;
        if (all_there)
            co_return Error(
                Errc::unavailable,
                "somebody removes the disks from the cache while they are put there; try again"
            );
        if (save_failed_) co_return all_there.error();
        const auto delay = retries.next(all_there.error(), call_.deadline);
        if (!delay) co_return all_there.error();
        co_await sleep_for(*delay);
    }
}

// What was in place before the cancellation was heard of stays there, and so the seed is done.
awaitable<Result<void>> DatastoreSeed::stop_unless_done(Error why) {
    if (why.code == Errc::cancelled && has_built_) {
        const auto present = co_await look();
        if (present && present->files.size() == wanted().size()) co_return Result<void>();
    }
    co_return why;
}

// Why to go no further, if so.
std::optional<Error> DatastoreSeed::stopped() const {
    if (progress_.is_lost())
        return Error(Errc::conflict, "another server has taken the seed over; it goes on there");
    if (progress_.cancelled()) return Error(Errc::cancelled, "the seed was cancelled");
    return std::nullopt;
}

// True when everything is in place. False when it should be, and the next look will tell.
awaitable<Result<bool>> DatastoreSeed::make_once() {
    SLIPWAY_CO_TRY(const Present present, co_await look());
    std::vector<std::string> missing = wanted();
    std::erase_if(missing, [&](const auto& file) {
        return std::ranges::find(present.files, file) != present.files.end();
    });
    if (missing.empty()) co_return true;

    if (has_built_) SLIPWAY_CO_CHECK(co_await forget_what_is_gone());
    steps_ = static_cast<int>(missing.size());
    steps_done_ = 0;
    const bool base_is_cached = missing.front() != plan_.seed.base_file();
    for (const auto& file : missing) {
        if (!is_ready(file)) SLIPWAY_CO_CHECK(co_await build(file, base_is_cached));
        ++steps_done_;
    }
    if (auto stop = stopped()) co_return std::move(*stop);

    const auto& place = plan_.seed.place;
    const bool has_namespaces = place.datastore.has_namespaces();
    SLIPWAY_CO_CHECK(co_await make_folders(client_, place, plan_.seed.base_folder, call_));
    // A folder does not move from one namespace of vSAN to another.
    if (!present.folder && !has_namespaces) {
        const auto moved = co_await move_as_folder();
        // Somebody was first: theirs stays, and what it lacks is added in the next round.
        if (!moved && moved.error().reason != "FileAlreadyExists") co_return moved.error();
        co_return false;
    }
    if (has_namespaces)
        SLIPWAY_CO_CHECK(co_await make_folders(client_, place, plan_.seed.folder(), call_));
    SLIPWAY_CO_CHECK(co_await move_one_by_one());
    co_return false;
}

awaitable<Result<DatastoreSeed::Present>> DatastoreSeed::look() {
    Present present;
    SLIPWAY_CO_TRY(const auto folder, plan_.seed.place.file(plan_.seed.folder()));
    const auto found = co_await vsphere::search_folder(
        client_, plan_.seed.place.datastore.browser, folder.path, wanted(), call_
    );
    if (!found && found.error().code == Errc::not_found) co_return present;
    if (!found) co_return found.error();
    present.folder = true;
    for (const auto& file : found->files) present.files.push_back(file.path);
    co_return present;
}

// An earlier process, or a move whose end nobody saw, may have taken disks to the cache, from where
// they may be gone again.
awaitable<Result<void>> DatastoreSeed::forget_what_is_gone() {
    std::vector<std::string> names = state_.ready;
    if (names.empty()) co_return Result<void>();
    SLIPWAY_CO_TRY(
        const auto present,
        co_await names_present(client_, plan_.seed.place, built(), std::move(names), call_)
    );
    state_.ready = present;
    co_return Result<void>();
}

awaitable<Result<void>> DatastoreSeed::build(std::string file, bool base_is_cached) {
    const bool resumes = state_.making == file;
    if (!resumes || state_.extending) state_.clone.clear();
    if (resumes && state_.extending) {
        // Whether it was extended is not known, and a second time may be refused.
        const auto& place = plan_.seed.place;
        SLIPWAY_CO_TRY(auto disk, place.file(built(file)));
        const auto removed = co_await vsphere::delete_disk(client_, std::move(disk), call_);
        if (!removed && removed.error().code != Errc::not_found) co_return removed;
    }
    state_.making = file;
    state_.extending = false;
    has_built_ = true;
    SLIPWAY_CO_CHECK(co_await copy(file, base_is_cached));
    const auto gib = plan_.seed.size_of(file);
    if (gib && *gib * kKibPerGib * 1024 > plan_.capacity_bytes)
        SLIPWAY_CO_CHECK(co_await extend(file));
    state_.ready.push_back(file);
    state_.making.clear();
    state_.extending = false;
    state_.clone.clear();
    ++state_.copied;
    co_return co_await save();
}

// The base from the image's own file; a sized disk from the base, wherever that lies.
awaitable<Result<void>> DatastoreSeed::copy(std::string file, bool base_is_cached) {
    const std::string base = plan_.seed.base_file();
    DatastoreClone::Plan plan;
    plan.target = plan_.seed.place;
    plan.target_path = built(file);
    plan.task = plan_.task;
    plan.is_iso = plan_.seed.is_iso;
    if (file == base) {
        plan.source = plan_.source;
        plan.source_path = plan_.source_path;
    } else {
        plan.source = plan_.seed.place;
        plan.source_path = base_is_cached ? plan_.seed.folder() + '/' + base : built(base);
    }
    CloneProgress part = progress_;
    part.report = [this](int percent) {
        progress_.report((steps_done_ * 100 + percent) * 95 / (steps_ * 100));
    };
    part.save = [this](std::string clone) -> awaitable<Result<void>> {
        state_.clone = std::move(clone);
        return save();
    };
    const std::string checkpoint = state_.clone;
    DatastoreClone one(client_, std::move(plan), part, call_);
    SLIPWAY_CO_CHECK(co_await one.run(checkpoint));
    co_return Result<void>();
}

awaitable<Result<void>> DatastoreSeed::extend(std::string file) {
    state_.extending = true;
    SLIPWAY_CO_CHECK(co_await save());
    SLIPWAY_CO_TRY(auto disk, plan_.seed.place.file(built(file)));
    const auto gib = plan_.seed.size_of(file).value_or(0);
    co_return co_await vsphere::extend_disk(client_, std::move(disk), gib * kKibPerGib, call_);
}

// One rename: the image appears in the cache with all its disks at once.
awaitable<Result<void>> DatastoreSeed::move_as_folder() {
    const auto& place = plan_.seed.place;
    SLIPWAY_CO_CHECK(co_await remove_strays());
    SLIPWAY_CO_TRY(auto from, place.file(built()));
    SLIPWAY_CO_TRY(auto to, place.file(plan_.seed.folder()));
    co_return co_await vsphere::move_file(client_, std::move(from), std::move(to), false, call_);
}

// What a copy left that could not be removed at the time does not go to the cache.
awaitable<Result<void>> DatastoreSeed::remove_strays() {
    const auto& place = plan_.seed.place;
    SLIPWAY_CO_TRY(const auto folder, place.file(built()));
    const std::vector<std::string> everything = {"*"};
    SLIPWAY_CO_TRY(
        const auto found,
        co_await vsphere::search_folder(
            client_, place.datastore.browser, folder.path, everything, call_
        )
    );
    for (const auto& file : found.files) {
        const bool belongs = std::ranges::any_of(state_.ready, [&](const auto& ready) {
            return file.path == ready || file.path == extent_of(ready);
        });
        if (belongs) continue;
        SLIPWAY_CO_TRY(auto stray, place.file(built(file.path)));
        const auto removed = co_await vsphere::delete_file(client_, std::move(stray), call_);
        if (!removed && removed.error().code != Errc::not_found) co_return removed;
    }
    co_return Result<void>();
}

// The base last: when it appears, a compute service finds the others as well.
awaitable<Result<void>> DatastoreSeed::move_one_by_one() {
    const auto& seed = plan_.seed;
    std::vector<std::string> files = state_.ready;
    std::ranges::stable_partition(files, [&](const auto& file) {
        return file != seed.base_file();
    });
    for (const auto& file : files) {
        SLIPWAY_CO_TRY(auto from, seed.place.file(built(file)));
        SLIPWAY_CO_TRY(auto to, seed.place.file(seed.folder() + '/' + file));
        auto move = [&]() -> awaitable<Result<void>> {
            if (seed.is_iso) return vsphere::move_file(client_, from, to, false, call_);
            return vsphere::move_disk(client_, from, to, call_);
        };
        const auto moved = co_await move();
        const bool somebody_was_first = !moved && moved.error().reason == "FileAlreadyExists";
        // The ager took the folder away: the next look will tell.
        const bool folder_is_gone = !moved && moved.error().reason == "FileNotFound";
        if (folder_is_gone) co_return Result<void>();
        if (!moved && !somebody_was_first) co_return moved;
        std::erase(state_.ready, file);
        SLIPWAY_CO_CHECK(co_await save());
    }
    co_return Result<void>();
}

awaitable<Result<void>> DatastoreSeed::save() {
    auto saved = co_await progress_.save(state_.text());
    save_failed_ = save_failed_ || (!saved && saved.error().code != Errc::cancelled);
    co_return saved;
}

awaitable<void> DatastoreSeed::clean_up() {
    const std::string folder = folder_of(built());
    const Call own = for_cleaning_up(call_);
    const auto removed = co_await remove_folder(client_, plan_.seed.place, folder, own);
    if (!removed)
        log::warning(
            call_,
            "seed.remains.left",
            {{"datastore", plan_.seed.place.datastore.name},
             {"path", folder},
             {"error", removed.error().message}}
        );
}

std::vector<std::string> DatastoreSeed::wanted() const {
    std::vector<std::string> files = {plan_.seed.base_file()};
    for (const auto gib : plan_.sizes_gib) files.push_back(plan_.seed.sized_file(gib));
    return files;
}

bool DatastoreSeed::is_ready(std::string_view file) const {
    return std::ranges::find(state_.ready, file) != state_.ready.end();
}

std::string DatastoreSeed::built() const {
    return plan_.building_folder + '/' + plan_.task.str() + '/' + plan_.seed.name;
}

std::string DatastoreSeed::Checkpoint::text() const {
    json::Writer out;
    out.begin_object().key("ready").begin_array();
    for (const auto& file : ready) out.string(file);
    out.end_array()
        .member("copied", copied)
        .member("making", std::string_view(making))
        .member("extending", extending)
        .member("clone", std::string_view(clone))
        .end_object();
    return out.text();
}

Result<DatastoreSeed::Checkpoint> DatastoreSeed::Checkpoint::parse(const std::string& text) {
    const auto document = json::Document::parse(text);
    if (!document || !document->root().is_object()) return bad_checkpoint();
    const auto root = document->root();
    const auto ready = root.find("ready");
    const auto copied = root.find("copied");
    const auto making = root.find("making");
    const auto extending = root.find("extending");
    const auto clone = root.find("clone");
    if (!ready || !ready->is_array() || !copied || !copied->is_integer() || copied->integer() < 0 ||
        !making || !making->is_string() || !extending || !extending->is_bool() || !clone ||
        !clone->is_string())
        return bad_checkpoint();
    Checkpoint checkpoint;
    for (const auto& file : ready->elements()) {
        // It becomes part of a path.
        if (!file.is_string() || !is_portable_name(file.string())) return bad_checkpoint();
        checkpoint.ready.emplace_back(file.string());
    }
    checkpoint.copied = copied->integer();
    checkpoint.making = making->string();
    checkpoint.extending = extending->boolean();
    checkpoint.clone = clone->string();
    return checkpoint;
}

}  // namespace slipway::store
