#include "base/json.h"
#include "base/log.h"
#include "service/import_checkpoint.h"
#include "service/import_service.h"
#include "service/settle.h"
#include "service/taps.h"
#include "service/upload_inspection.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace slipway::service {

namespace {

// About the data themselves, or wanted: the staged data need not be kept for another try.
bool is_for_good(const Error& error) {
    return error.code == Errc::unsupported || error.code == Errc::corrupt ||
           error.code == Errc::too_large || error.code == Errc::invalid_argument ||
           error.code == Errc::cancelled;
}

// Tells how far a download is, and stops it.
class FetchTap final : public Tap {
public:
    FetchTap(store::CloneProgress& progress, std::optional<std::uint64_t> all)
        : progress_(progress), all_(all.value_or(0)) {}

    Result<void> see(std::span<const std::byte> chunk) override {
        seen_ += chunk.size();
        if (progress_.cancelled()) return Error(Errc::cancelled, "The import was cancelled.");
        if (all_ > 0) progress_.report(static_cast<int>(std::min(seen_, all_) * 90 / all_));
        return {};
    }

private:
    store::CloneProgress& progress_;
    std::uint64_t all_;
    std::uint64_t seen_ = 0;
};

}  // namespace

// One run of an import's task, from wherever an earlier process has brought it.
class ImportService::Run {
public:
    Run(Dependencies& with, const TaskRecord& task, store::CloneProgress& progress, Call call)
        : with_(with), task_(task), progress_(progress), call_(std::move(call)) {}

    awaitable<Result<Account>> run() {
        if (auto said = said_before(task_.checkpoint)) co_return std::move(*said);
        const auto read = co_await until_done([this]() -> awaitable<Result<void>> {
            SLIPWAY_CO_TRY(image_, co_await with_.catalog.find_any_image(task_.image_id));
            co_return Result<void>();
        });
        if (!read && read.error().code == Errc::not_found) co_return image_gone();
        if (!read) co_return read.error();
        if (image_.property(store::kImportTask) != task_.id.str())
            co_return Error(Errc::gone, "Another import has taken over the image.");
        auto done = co_await caught(call_, work());
        if (done) co_return account_;
        // Another server goes on with it: leave everything as it is.
        if (progress_.is_lost()) co_return done.error();
        co_return co_await give_up(done.error());
    }

private:
    awaitable<Result<void>> work() {
        SLIPWAY_CO_TRY(input_, read_input());
        failing_ = input_.targets;
        if (progress_.cancelled()) co_return Error(Errc::cancelled, "The import was cancelled.");
        if (image_.status == ImageStatus::active || image_.status == ImageStatus::deactivated)
            co_return co_await fill_more_stores();
        if (image_.status != ImageStatus::importing)
            co_return Error(Errc::conflict, "The image is not being imported.");
        SLIPWAY_CO_TRY(StoredData data, co_await staged_data());
        const LocationId staged = data.location.id;
        if (with_.plugins != nullptr) {
            SLIPWAY_CO_TRY(
                data, co_await with_.plugins->run(image_, std::move(data), progress_, call_)
            );
        }
        apply_conversion(image_, data);
        if (!data.converted_to.empty())
            change_ = [fetched = change_, data](Image& image) {
                if (fetched) fetched(image);
                apply_conversion(image, data);
            };
        SLIPWAY_CO_CHECK(co_await verify(data, staged));
        SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(data.location.backend));
        const BootFormMode mode = boot_form_mode(image_, backend->info());
        SLIPWAY_CO_TRY(auto outcome, outcome_of(image_, data, mode, with_.formats));
        log_tolerated(image_, data.found, call_);
        describe(image_, outcome);
        if (input_.request.must_succeed)
            co_return co_await fill_all_stores(data.location, std::move(outcome));
        co_return co_await fill_first_store(data.location, std::move(outcome));
    }

    Result<ImportInput> read_input() {
        if (task_.api_type != kNewImageTask) return read_import_input(task_.input);
        SLIPWAY_TRY(const json::Document document, json::Document::parse(task_.input));
        ImportInput input;
        input.request.method = ImportMethod::web_download;
        SLIPWAY_TRY(input.request.uri, document.root().required_string("import_from"));
        input.targets.push_back(with_.backends.default_backend().info().id);
        return input;
    }

    // What was staged, or was fetched by an earlier process; else it is fetched.
    awaitable<Result<StoredData>> staged_data() {
        SLIPWAY_CO_TRY(const auto staged, co_await with_.catalog.find_staged(image_.id));
        // What another region's record says besides is known to the process that fetched it alone.
        const bool is_whole = input_.request.method != ImportMethod::glance_download;
        if (staged && is_whole) co_return StoredData::read(*staged);
        const auto fetcher = with_.fetchers.find(input_.request.method);
        if (fetcher == with_.fetchers.end())
            co_return Error(Errc::corrupt, "The staged data are not there any more.");
        SLIPWAY_CO_TRY(
            FetchedData fetched, co_await fetcher->second->fetch(task_, input_.request, call_)
        );
        SLIPWAY_CO_TRY(
            const std::uint64_t allowed, co_await with_.data.allowance(image_, fetched.size_bytes)
        );
        FetchTap watch(progress_, fetched.size_bytes);
        SLIPWAY_CO_TRY(store::Backend* const first, with_.backends.find(input_.targets.front()));
        auto staged_now = co_await with_.data.put_by(
            image_,
            {*first, Intake::Purpose::fetch, allowed, {&watch}},
            fetched.size_bytes,
            *fetched.body,
            call_
        );
        if (staged_now) {
            account_.bytes_through += staged_now->size_bytes;
            change_ = std::move(fetched.change);
            if (change_) change_(image_);
        }
        co_return staged_now;
    }

    // Of what becomes the image's data, not of what was staged: whoever verifies the image later
    // gets those bytes.
    awaitable<Result<void>> verify(const StoredData& data, const LocationId& staged) {
        FetchTap watch(progress_, std::nullopt);
        auto verified = co_await with_.data.verify(
            image_, kept_certificate(task_.checkpoint), data, watch, call_
        );
        if (verified || data.location.id == staged || verified.error().code == Errc::cancelled)
            co_return verified;
        co_return Error(
            verified.error().code,
            verified.error().message + "; this site's import plug-ins have changed them"
        );
    }

    // A complete copy whose location is `adding`. The checkpoint is ours: what the storage does is
    // begun anew after a restart.
    awaitable<Result<Location>> copy(const Location& source, const BackendId& store) {
        store::CloneProgress progress = progress_;
        progress.save = [](const std::string&) -> awaitable<Result<void>> {
            co_return Result<void>();
        };
        auto made = co_await with_.copies.make(image_, source, store, task_.id, progress, call_);
        if (!made) {
            failing_ = {store};
            co_return made.error();
        }
        account_.bytes_through += made->account.bytes_through;
        account_.bytes_copied += made->account.bytes_copied;
        account_.path = made->account.path;
        copies_.push_back(made->location);
        co_return made->location;
    }

    // The first location of the data in a store that was asked for: where they are staged, or a
    // copy in `store`.
    awaitable<Result<Location>> settle_in(const Location& staged, const BackendId& store) {
        if (store == staged.backend) co_return staged;
        co_return co_await copy(staged, store);
    }

    awaitable<Result<Activation::Prepared>> prepare(
        const Location& home, store::UploadOutcome& outcome
    ) {
        const auto stopped = [this] { return progress_.cancelled(); };
        auto prepared = co_await with_.activation.prepare(image_, home, outcome, stopped, call_);
        if (outcome.boot_location) boot_location_ = outcome.boot_location;
        co_return prepared;
    }

    // What more stores get: the data, and the boot form where it lies for itself.
    awaitable<Result<std::vector<Location>>> parts(
        const Location& home, const store::UploadOutcome& outcome
    ) {
        std::vector<Location> all;
        if (!outcome.drops_upload) all.push_back(home);
        if (outcome.boot_location) {
            SLIPWAY_CO_TRY(
                all.emplace_back(), co_await with_.catalog.find_location(*outcome.boot_location)
            );
            all.back().stored_bytes = outcome.boot_stored_bytes;
        }
        co_return all;
    }

    awaitable<Result<void>> copy_parts(const std::vector<Location>& parts, const BackendId& store) {
        SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(store));
        for (const Location& part : parts)
            // An imported disk is made anew where one is needed.
            if (part.holds_upload() || (backend->info().publishes_locations && !part.is_managed()))
                SLIPWAY_CO_CHECK(co_await copy(part, store));
        co_return Result<void>();
    }

    // All or nothing: no store shows the image before every one of them has it.
    awaitable<Result<void>> fill_all_stores(const Location& staged, store::UploadOutcome outcome) {
        const auto here = std::ranges::find(input_.targets, staged.backend);
        const BackendId first = here == input_.targets.end() ? input_.targets.front() : *here;
        SLIPWAY_CO_TRY(const Location home, co_await settle_in(staged, first));
        SLIPWAY_CO_TRY(const auto prepared, co_await prepare(home, outcome));
        SLIPWAY_CO_TRY(const auto sources, co_await parts(home, outcome));
        for (const BackendId& store : input_.targets)
            if (store != first) SLIPWAY_CO_CHECK(co_await copy_parts(sources, store));
        store::ImportStep step = activation_step(staged, home, outcome);
        step.done = input_.targets;
        step.last_words = last_words(std::nullopt);
        SLIPWAY_CO_CHECK(co_await with_.catalog.step_import(std::move(step)));
        co_await activated(home, prepared);
        co_return Result<void>();
    }

    // The image is active with the first store that takes it; the others follow.
    awaitable<Result<void>> fill_first_store(const Location& staged, store::UploadOutcome outcome) {
        std::vector<BackendId> order = input_.targets;
        std::ranges::stable_partition(order, [&](const BackendId& store) {
            return store == staged.backend;
        });
        std::vector<BackendId> failed;
        Result<Location> home = Error(Errc::unavailable, "No store could take the image.");
        for (const BackendId& store : order) {
            home = co_await settle_in(staged, store);
            if (home || home.error().code == Errc::cancelled) break;
            failed.push_back(store);
        }
        failing_ = input_.targets;
        if (!home) co_return home.error();
        SLIPWAY_CO_TRY(const auto prepared, co_await prepare(*home, outcome));
        store::ImportStep step = activation_step(staged, *home, outcome);
        step.done = {home->backend};
        step.failed = failed;
        SLIPWAY_CO_CHECK(co_await with_.catalog.step_import(std::move(step)));
        co_await activated(*home, prepared);
        image_.status = ImageStatus::active;
        std::erase_if(input_.targets, [&](const BackendId& store) {
            return store == home->backend || std::ranges::find(failed, store) != failed.end();
        });
        any_store_ = true;
        co_return co_await fill_more_stores();
    }

    // Stores are listed in the order in which they were asked for.
    [[nodiscard]] std::vector<store::ImportStep::Settled> in_order(std::vector<Location> made
    ) const {
        const auto place = [&](const Location& location) {
            return std::ranges::find(input_.targets, location.backend) - input_.targets.begin();
        };
        std::ranges::stable_sort(made, {}, place);
        std::vector<store::ImportStep::Settled> settled;
        for (const Location& location : made)
            settled.push_back({location.id, location.stored_bytes});
        return settled;
    }

    store::ImportStep activation_step(
        const Location& staged, const Location& home, const store::UploadOutcome& outcome
    ) {
        store::ImportStep step;
        step.task = task_;
        step.change = change_;
        step.outcome = outcome;
        std::vector<Location> made = copies_;
        if (home.id == staged.id)
            made.push_back(home);
        else
            step.garbage.push_back(staged.id);
        if (outcome.drops_upload) {
            std::erase_if(made, [&](const Location& location) { return location.id == home.id; });
            step.garbage.push_back(home.id);
        }
        step.live = in_order(std::move(made));
        return step;
    }

    awaitable<void> activated(const Location& home, const Activation::Prepared& prepared) {
        for (const Location& made : std::exchange(copies_, {}))
            if (made.id != home.id) co_await with_.copies.settled(image_, made, call_);
        boot_location_.reset();
        with_.on_garbage();
        co_await with_.activation.finish(image_, home, prepared, call_);
    }

    // Copies of an image that has its data.
    awaitable<Result<void>> fill_more_stores() {
        SLIPWAY_CO_TRY(auto locations, co_await with_.catalog.live_locations(image_.id));
        with_.backends.sort_by_weight(locations);
        std::vector<Location> sources;
        for (const Location& location : locations) {
            const bool is_known = std::ranges::any_of(sources, [&](const Location& part) {
                return is_same_part(part, location);
            });
            if (!is_known) sources.push_back(location);
        }
        const bool all_or_nothing = input_.request.must_succeed;
        store::ImportStep last;
        last.task = task_;
        last.last_words = last_words(std::nullopt);
        Error why;
        for (const BackendId& store : input_.targets) {
            if (is_held_by(locations, store)) continue;  // by an earlier process
            const std::size_t before = copies_.size();
            const auto copied = co_await copy_parts(sources, store);
            if (!copied && (all_or_nothing || copied.error().code == Errc::cancelled))
                co_return copied;
            if (all_or_nothing) continue;
            store::ImportStep step;
            step.task = task_;
            for (std::size_t i = before; i < copies_.size(); ++i) {
                if (copied)
                    step.live.push_back({copies_[i].id, copies_[i].stored_bytes});
                else
                    step.garbage.push_back(copies_[i].id);
            }
            const std::vector<Location> made(
                copies_.begin() + static_cast<std::ptrdiff_t>(before), copies_.end()
            );
            copies_.resize(before);
            (copied ? step.done : step.failed).push_back(store);
            any_store_ = any_store_ || copied.has_value();
            if (!copied) why = copied.error();
            SLIPWAY_CO_CHECK(co_await with_.catalog.step_import(std::move(step)));
            for (const Location& location : made) {
                if (copied) co_await with_.copies.settled(image_, location, call_);
            }
        }
        last.live = in_order(copies_);
        if (all_or_nothing)
            last.done = input_.targets;
        else if (!any_store_ && !input_.targets.empty())
            co_return why;
        SLIPWAY_CO_CHECK(co_await with_.catalog.step_import(std::move(last)));
        for (const Location& made : std::exchange(copies_, {}))
            co_await with_.copies.settled(image_, made, call_);
        with_.on_garbage();
        co_return Result<void>();
    }

    static bool is_held_by(const std::vector<Location>& locations, const BackendId& store) {
        return std::ranges::any_of(locations, [&](const Location& location) {
            return location.backend == store && location.holds_upload();
        });
    }

    // An image must not stay locked because the catalogue was away for a moment.
    awaitable<Result<void>> until_done(std::function<awaitable<Result<void>>()> step) {
        return settle(call_, std::move(step), [this] { return progress_.is_lost(); });
    }

    // Sets the image free: back to where it can be imported again, with nothing left of this task.
    awaitable<Result<Account>> give_up(Error error) {
        const auto freed = co_await until_done([&] { return free_image(error); });
        with_.on_garbage();
        if (!freed && freed.error().code == Errc::gone) co_return image_gone();
        if (!freed) co_return freed.error();
        if (task_.api_type == kNewImageTask) co_await remove_image();
        co_return error;
    }

    awaitable<Result<void>> free_image(const Error& error) {
        store::ImportStep step;
        step.task = task_;
        for (const Location& made : copies_) step.garbage.push_back(made.id);
        if (boot_location_) step.garbage.push_back(*boot_location_);
        if (image_.status == ImageStatus::importing) {
            SLIPWAY_CO_TRY(const auto staged, co_await with_.catalog.find_staged(image_.id));
            const bool keeps = staged && input_.request.method == ImportMethod::glance_direct &&
                               !is_for_good(error);
            step.gives_up = keeps ? ImageEvent::import_put_back : ImageEvent::import_failed;
            if (staged && !keeps) step.garbage.push_back(staged->location.id);
        }
        if (with_.backends.multi_store()) {
            step.done = input_.targets;
            step.failed = failing_;
        }
        step.last_words = last_words(error);
        co_return co_await with_.catalog.step_import(std::move(step));
    }

    // Of a task that made it.
    awaitable<void> remove_image() {
        const auto removed =
            co_await with_.catalog.delete_image(image_.id, std::chrono::seconds(0));
        if (!removed)
            log::warning(call_, "import.image.kept", {{"error", removed.error().message}});
        with_.on_garbage();
    }

    [[nodiscard]] Error image_gone() const {
        return Error(
            Errc::gone, "Image " + task_.image_id.str() + " was deleted during the import."
        );
    }

    Dependencies& with_;
    const TaskRecord& task_;
    store::CloneProgress& progress_;
    Call call_;
    Image image_;
    ImportInput input_;
    std::function<void(Image&)> change_;
    std::vector<Location> copies_;             // made and not settled yet
    std::optional<LocationId> boot_location_;  // likewise
    std::vector<BackendId> failing_;           // the stores that an error is about
    bool any_store_ = false;
    Account account_{0, 0, 0, "stream"};
};

awaitable<Result<Account>> ImportService::run(
    const TaskRecord& task, store::CloneProgress& progress, const Call& call
) {
    Run run(with_, task, progress, call);
    auto account = co_await run.run();
    for (const auto& [method, fetcher] : with_.fetchers) fetcher->forget(task.id);
    co_return account;
}

}  // namespace slipway::service
