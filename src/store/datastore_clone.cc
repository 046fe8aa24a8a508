#include "store/datastore_clone.h"

#include "base/log.h"
#include "store/datastore_steps.h"
#include "vsphere/client.h"
#include "vsphere/fault.h"
#include "vsphere/retries.h"
#include "vsphere/virtual_disk.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <utility>

namespace slipway::store {
namespace {

using Phase = CloneCheckpoint::Phase;

constexpr std::chrono::seconds kLookEvery{1};

Error target_exists() {
    return Error(
        Errc::conflict, "there is a file at the clone's target already; choose another path"
    );
}

Error was_cancelled() {
    return Error(Errc::cancelled, "the clone was cancelled");
}

// vCenter could not be asked about a task, whose own fault may be `unavailable` too.
bool is_out_of_sight(const Error& error) {
    const bool not_let_in = error.code == Errc::unavailable &&
                            vsphere::retry_class(error) == vsphere::RetryClass::permanent;
    return error.reason == vsphere::kTaskUnseen || not_let_in;
}

}  // namespace

DatastoreClone::DatastoreClone(
    vsphere::VimClient& client, Plan plan, CloneProgress& progress, const Call& call
)
    : client_(client), plan_(std::move(plan)), progress_(progress), call_(call) {}

awaitable<Result<Account>> DatastoreClone::run(const std::string& checkpoint) {
    const auto started = std::chrono::steady_clock::now();
    if (!checkpoint.empty()) {
        SLIPWAY_CO_TRY(state_, CloneCheckpoint::parse(checkpoint));
    }
    const auto made = co_await make(!checkpoint.empty());
    if (!save_failed_ && !progress_.is_lost()) co_await clean_up(!made);
    if (!made) co_return as_seen_by_callers(made.error());

    progress_.report(100);
    Account account;
    account.bytes_copied = plan_.bytes;
    account.path = plan_.is_iso ? "copy_file" : "copy_disk";
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - started;
    account.seconds = taken.count();
    co_return account;
}

awaitable<Result<void>> DatastoreClone::make(bool resumes) {
    bool is_whole = false;
    if (resumes) {
        if (state_.phase == Phase::moving) {
            SLIPWAY_CO_TRY(const bool moved, co_await is_moved());
            if (moved) co_return Result<void>();
        }
        SLIPWAY_CO_TRY(is_whole, co_await resume());
    }
    if (!is_whole) SLIPWAY_CO_CHECK(co_await copy_until_whole());
    if (is_thick_later() && state_.phase != Phase::moving) SLIPWAY_CO_CHECK(co_await inflate());
    co_return co_await move_into_place();
}

// Whether the attempt of an earlier process is a whole copy; if not, it is given up.
awaitable<Result<bool>> DatastoreClone::resume() {
    if (state_.phase == Phase::copying && !state_.task.empty()) {
        const auto copied = co_await wait_for_step();
        if (copied) co_return true;
        if (auto stop = stopped()) co_return std::move(*stop);
        if (copied.error().code == Errc::timeout) co_return copied.error();
        log::warning(
            call_,
            "clone.resume.failed",
            {{"reason", copied.error().reason}, {"error", copied.error().message}}
        );
    } else if (state_.phase == Phase::inflating || state_.phase == Phase::moving) {
        SLIPWAY_CO_TRY(const bool there, co_await is_there_for_sure(attempt_path(state_.attempt)));
        if (there) co_return true;
    }
    state_.abandoned.push_back(state_.attempt);
    co_return false;
}

awaitable<Result<void>> DatastoreClone::copy_until_whole() {
    vsphere::Retries retries;
    while (true) {
        auto copied = co_await copy_once();
        if (copied || save_failed_) co_return copied;
        if (auto stop = stopped()) co_return std::move(*stop);
        const auto delay = retries.next(copied.error(), call_.deadline);
        if (!delay) co_return copied;
        state_.abandoned.push_back(state_.attempt);
        SLIPWAY_CO_CHECK(co_await pause(*delay));
    }
}

awaitable<Result<void>> DatastoreClone::copy_once() {
    if (auto stop = stopped()) co_return std::move(*stop);
    SLIPWAY_CO_TRY(const bool taken, co_await is_there(plan_.target_path));
    if (taken) co_return target_exists();

    ++state_.attempt;
    state_.phase = Phase::copying;
    state_.task.clear();
    SLIPWAY_CO_CHECK(co_await save());
    progress_.report(0);
    SLIPWAY_CO_CHECK(
        co_await make_folders(client_, plan_.target, folder_of(plan_.target_path), call_)
    );
    if (plan_.needs_a_name) SLIPWAY_CO_CHECK(co_await give_a_name());
    const auto task = co_await start_copy();
    if (!task) {
        if (task.error().code == Errc::not_found) co_return co_await explain_missing(task.error());
        co_return task.error();
    }
    state_.task = task->value;
    SLIPWAY_CO_CHECK(co_await save());
    auto copied = co_await wait_for_step();
    if (!copied && copied.error().code == Errc::not_found &&
        copied.error().reason != vsphere::kTaskVanished)
        co_return co_await explain_missing(copied.error());
    co_return copied;
}

// Beside the target: there we may write, and there it is removed with the rest of the attempt.
awaitable<Result<void>> DatastoreClone::give_a_name() {
    SLIPWAY_CO_TRY(auto source, plan_.source.file(plan_.source_path));
    SLIPWAY_CO_TRY(auto named, plan_.target.file(named_path(state_.attempt)));
    state_.phase = Phase::naming;
    SLIPWAY_CO_CHECK(co_await save());
    const auto task = co_await vsphere::start_copy_file(
        client_, std::move(source), std::move(named), false, call_
    );
    if (!task) {
        if (task.error().code == Errc::not_found) co_return co_await explain_missing(task.error());
        co_return task.error();
    }
    state_.task = task->value;
    SLIPWAY_CO_CHECK(co_await save());
    SLIPWAY_CO_CHECK(co_await wait_for_step());
    state_.phase = Phase::copying;
    co_return co_await save();
}

awaitable<Result<vsphere::ManagedObjectReference>> DatastoreClone::start_copy() {
    SLIPWAY_CO_TRY(
        auto source,
        plan_.needs_a_name ? plan_.target.file(named_path(state_.attempt))
                           : plan_.source.file(plan_.source_path)
    );
    SLIPWAY_CO_TRY(auto attempt, plan_.target.file(attempt_path(state_.attempt)));
    if (plan_.is_iso)
        co_return co_await vsphere::start_copy_file(
            client_, std::move(source), std::move(attempt), false, call_
        );
    std::optional<vsphere::VirtualDiskSpec> spec;
    if (!plan_.disk_type.empty() && !plan_.is_virtual_center) {
        spec.emplace();
        spec->disk_type = plan_.disk_type == "thick" ? "preallocated" : plan_.disk_type;
    }
    co_return co_await vsphere::start_copy_disk(
        client_, std::move(source), std::move(attempt), std::move(spec), call_
    );
}

// Waits for the task of the present step, for as long as vCenter does not say how it ended.
// Errors: those of the task; those of stopped(); timeout.
awaitable<Result<void>> DatastoreClone::wait_for_step() {
    const vsphere::ManagedObjectReference task{"Task", state_.task};
    for (int failures = 1;; ++failures) {
        const auto done = co_await vsphere::wait_for_task(client_, task, call_, callbacks());
        if (done) {
            state_.task.clear();
            co_return Result<void>();
        }
        if (auto stop = stopped()) co_return std::move(*stop);
        if (!is_out_of_sight(done.error())) co_return done.error();
        if (failures == 1)
            log::warning(
                call_, "clone.task.unseen", {{"task", state_.task}, {"error", done.error().message}}
            );
        const auto delay = vsphere::next_delay(
            kOutagePolicy,
            failures,
            vsphere::random_jitter(),
            call_.deadline,
            std::chrono::steady_clock::now()
        );
        if (!delay) co_return Error(Errc::timeout, done.error().message);
        SLIPWAY_CO_CHECK(co_await pause(*delay));
    }
}

awaitable<Result<void>> DatastoreClone::inflate() {
    vsphere::Retries retries;
    while (true) {
        auto done = co_await inflate_once();
        if (done || save_failed_) co_return done;
        if (auto stop = stopped()) co_return std::move(*stop);
        const auto delay = retries.next(done.error(), call_.deadline);
        if (!delay) co_return done;
        state_.task.clear();
        SLIPWAY_CO_CHECK(co_await pause(*delay));
    }
}

// Nothing is lost by inflating twice.
awaitable<Result<void>> DatastoreClone::inflate_once() {
    if (state_.phase != Phase::inflating || state_.task.empty()) {
        state_.phase = Phase::inflating;
        state_.task.clear();
        SLIPWAY_CO_CHECK(co_await save());
        SLIPWAY_CO_TRY(auto disk, plan_.target.file(attempt_path(state_.attempt)));
        SLIPWAY_CO_TRY(
            const auto task, co_await vsphere::start_inflate_disk(client_, std::move(disk), call_)
        );
        state_.task = task.value;
        SLIPWAY_CO_CHECK(co_await save());
    }
    co_return co_await wait_for_step();
}

awaitable<Result<void>> DatastoreClone::move_into_place() {
    state_.phase = Phase::moving;
    SLIPWAY_CO_CHECK(co_await save());
    vsphere::Retries retries;
    while (true) {
        if (auto stop = stopped()) co_return std::move(*stop);
        const auto moved = co_await move_once();
        if (moved) co_return Result<void>();
        // Whatever was said: a move whose answer or end was lost may have been done, and then the
        // next one does not find our attempt, or finds its own target.
        SLIPWAY_CO_TRY(const bool done, co_await is_moved());
        if (done) co_return Result<void>();
        if (moved.error().reason == "FileAlreadyExists") co_return target_exists();
        const auto delay = retries.next(moved.error(), call_.deadline);
        if (!delay) co_return moved;
        SLIPWAY_CO_CHECK(co_await pause(*delay));
    }
}

awaitable<Result<void>> DatastoreClone::move_once() {
    SLIPWAY_CO_TRY(auto from, plan_.target.file(attempt_path(state_.attempt)));
    SLIPWAY_CO_TRY(auto to, plan_.target.file(plan_.target_path));
    if (plan_.is_iso)
        co_return co_await vsphere::move_file(
            client_, std::move(from), std::move(to), false, call_
        );
    co_return co_await vsphere::move_disk(client_, std::move(from), std::move(to), call_);
}

// Our attempt has its name from us alone, so when it is gone and the target is there, it was moved.
awaitable<Result<bool>> DatastoreClone::is_moved() {
    SLIPWAY_CO_TRY(const bool waits, co_await is_there_for_sure(attempt_path(state_.attempt)));
    if (waits) co_return false;
    co_return co_await is_there_for_sure(plan_.target_path);
}

awaitable<Result<void>> DatastoreClone::save() {
    auto saved = co_await progress_.save(state_.text());
    save_failed_ = save_failed_ || (!saved && saved.error().code != Errc::cancelled);
    co_return saved;
}

// Why to go no further, if so.
std::optional<Error> DatastoreClone::stopped() const {
    const bool cancelled = progress_.cancelled();
    if (progress_.is_lost())
        return Error(Errc::conflict, "another server has taken the clone over; it goes on there");
    if (cancelled) return was_cancelled();
    return std::nullopt;
}

awaitable<Result<void>> DatastoreClone::pause(std::chrono::milliseconds duration) {
    const auto end = after(duration);
    while (true) {
        if (auto stop = stopped()) co_return std::move(*stop);
        const auto left = end - std::chrono::steady_clock::now();
        if (left <= left.zero()) co_return Result<void>();
        co_await sleep_for(std::min<std::chrono::steady_clock::duration>(left, kLookEvery));
    }
}

// A disk is there when its descriptor or its extent is.
awaitable<Result<bool>> DatastoreClone::is_there(const std::string& path) {
    std::vector<std::string> names = {name_of(path)};
    if (!plan_.is_iso) names.push_back(name_of(extent_of(path)));
    SLIPWAY_CO_TRY(
        const auto present,
        co_await names_present(client_, plan_.target, folder_of(path), std::move(names), call_)
    );
    co_return !present.empty();
}

// The same, asked until vCenter answers.
awaitable<Result<bool>> DatastoreClone::is_there_for_sure(const std::string& path) {
    for (int failures = 1;; ++failures) {
        auto there = co_await is_there(path);
        if (there || !is_outage(there.error())) co_return there;
        const auto delay = vsphere::next_delay(
            kOutagePolicy,
            failures,
            vsphere::random_jitter(),
            call_.deadline,
            std::chrono::steady_clock::now()
        );
        if (!delay) co_return there;
        SLIPWAY_CO_CHECK(co_await pause(*delay));
    }
}

// vCenter blames the source for a missing target folder too.
awaitable<Error> DatastoreClone::explain_missing(const Error& error) {
    const std::vector<std::string> names = {name_of(plan_.source_path)};
    const auto source =
        co_await names_present(client_, plan_.source, folder_of(plan_.source_path), names, call_);
    if (!source) co_return error;
    if (source->empty())
        co_return Error(
            Errc::not_found, "the image's file is not on the datastore any more", "FileNotFound"
        );
    co_return Error(
        Errc::unavailable, "the clone's folder disappeared while it was written; try again"
    );
}

// Removes what this and earlier attempts have left beside the target. Has a time of its own, since
// what ended the clone may have been its deadline.
awaitable<void> DatastoreClone::clean_up(bool failed) {
    call_ = for_cleaning_up(call_);
    if (failed) {
        co_await end_task();
        state_.abandoned.push_back(state_.attempt);
    }
    std::ranges::sort(state_.abandoned);
    const auto repeated = std::ranges::unique(state_.abandoned);
    state_.abandoned.erase(repeated.begin(), repeated.end());
    for (const int attempt : state_.abandoned)
        if (attempt > 0) co_await remove_attempt(attempt);
    if (!plan_.needs_a_name) co_return;
    for (int attempt = 1; attempt <= state_.attempt; ++attempt) co_await remove_named(attempt);
}

// Cancels the task of the present step, and waits until it lets go of its files.
awaitable<void> DatastoreClone::end_task() {
    if (state_.task.empty()) co_return;
    const vsphere::ManagedObjectReference task{"Task", state_.task};
    auto cancel = [&]() -> awaitable<Result<void>> {
        co_return co_await vsphere::cancel_task(client_, task, call_);
    };
    auto ended = co_await vsphere::with_retries(kRemovalPolicy, call_, cancel, may_pass);
    if (ended) {
        const auto over = co_await vsphere::wait_for_task(client_, task, call_);
        static_cast<void>(over);  // however it ended
        co_return;
    }
    log::warning(
        call_, "clone.task.left_running", {{"task", state_.task}, {"error", ended.error().message}}
    );
}

awaitable<void> DatastoreClone::remove_attempt(int attempt) {
    const std::string path = attempt_path(attempt);
    auto remove = [&]() -> awaitable<Result<void>> {
        SLIPWAY_CO_TRY(const bool there, co_await is_there(path));
        if (!there) co_return Result<void>();
        SLIPWAY_CO_TRY(auto file, plan_.target.file(path));
        if (plan_.is_iso) co_return co_await vsphere::delete_file(client_, std::move(file), call_);
        auto removed = co_await vsphere::delete_disk(client_, file, call_);
        if (removed || removed.error().reason == "FileLocked") co_return removed;
        // Half a disk is no disk to vCenter; its files are still files.
        const auto descriptor = co_await vsphere::delete_file(client_, file, call_);
        SLIPWAY_CO_TRY(auto extent, plan_.target.file(extent_of(path)));
        auto last = co_await vsphere::delete_file(client_, std::move(extent), call_);
        if (!last && last.error().code == Errc::not_found) co_return descriptor;
        co_return last;
    };
    const auto removed = co_await vsphere::with_retries(kRemovalPolicy, call_, remove, may_pass);
    if (!removed && removed.error().code != Errc::not_found)
        log::warning(
            call_,
            "clone.remains.left",
            {{"datastore", plan_.target.datastore.name},
             {"path", path},
             {"error", removed.error().message}}
        );
}

awaitable<void> DatastoreClone::remove_named(int attempt) {
    const std::string path = named_path(attempt);
    auto remove = [&]() -> awaitable<Result<void>> {
        SLIPWAY_CO_TRY(auto file, plan_.target.file(path));
        co_return co_await vsphere::delete_file(client_, std::move(file), call_);
    };
    const auto removed = co_await vsphere::with_retries(kRemovalPolicy, call_, remove, may_pass);
    if (!removed && removed.error().code != Errc::not_found)
        log::warning(
            call_,
            "clone.remains.left",
            {{"datastore", plan_.target.datastore.name},
             {"path", path},
             {"error", removed.error().message}}
        );
}

std::string DatastoreClone::named_path(int attempt) const {
    const std::string path = attempt_path(attempt);
    return path.substr(0, path.rfind('.')) + "-named.vmdk";
}

std::string DatastoreClone::attempt_path(int attempt) const {
    return clone_attempt_path(plan_.target_path, plan_.task, attempt);
}

// vCenter takes no disk type for a copy.
bool DatastoreClone::is_thick_later() const {
    return !plan_.is_iso && plan_.is_virtual_center && !plan_.disk_type.empty();
}

// A copy that is made thick later is the smaller part of the work.
vsphere::TaskCallbacks DatastoreClone::callbacks() const {
    const int halfway = plan_.needs_a_name ? 30 : 0;
    const int from = state_.phase == Phase::inflating ? 60
                     : state_.phase == Phase::copying ? halfway
                                                      : 0;
    const int to = state_.phase == Phase::naming                        ? halfway
                   : is_thick_later() && state_.phase == Phase::copying ? 60
                                                                        : 98;
    return {
        .progress = [this, from, to](int percent
                    ) { progress_.report(from + percent * (to - from) / 100); },
        .cancelled = progress_.cancelled,
        .lost = [this] { return progress_.is_lost(); },
    };
}

}  // namespace slipway::store
