#pragma once

#include "base/async.h"
#include "store/catalog.h"
#include "store/catalog_metadefs.h"
#include "store/db.h"

#include <map>
#include <string>

namespace slipway::store {

// The catalogue over SQL. Each method is one closure on the one thread that uses the session, and
// that closure is one transaction.
class SqlCatalog final : public Catalog {
public:
    SqlCatalog(std::unique_ptr<Db> db, const CatalogOptions& options, const Clock& clock);
    ~SqlCatalog() override;

    awaitable<Result<void>> begin_server(const std::string& server) override;
    awaitable<Result<void>> renew_server(const std::string& server) override;
    awaitable<Result<void>> end_server(const std::string& server) override;
    awaitable<Result<std::string>> catalog_id() override;

    awaitable<Result<Image>> create_image(Image image) override;
    awaitable<Result<Image>> find_image(const ImageId& id) override;
    awaitable<Result<std::vector<Image>>> list_images(ImageQuery query) override;
    awaitable<Result<Image>> update_image(
        const ImageId& id,
        std::function<Result<void>(Image&)> change,
        std::vector<LocationEdit> locations
    ) override;
    awaitable<Result<Image>> advance(const ImageId& id, ImageEvent event) override;
    awaitable<Result<void>> delete_image(const ImageId& id, std::chrono::seconds grace) override;
    awaitable<Result<ProjectUsage>> usage_of(const std::string& project) override;
    awaitable<Result<void>> limit_project(std::string project, ProjectLimits limits) override;

    awaitable<Result<Member>> add_member(const ImageId& id, const std::string& project) override;
    awaitable<Result<std::vector<Member>>> list_members(const ImageId& id) override;
    awaitable<Result<Member>> find_member(const ImageId& id, const std::string& project) override;
    awaitable<Result<Member>> set_member_status(
        const ImageId& id, const std::string& project, const std::string& status
    ) override;
    awaitable<Result<void>> remove_member(const ImageId& id, const std::string& project) override;

    awaitable<Result<void>> begin_upload(Location location) override;
    awaitable<Result<void>> finish_upload(const LocationId& location, UploadOutcome outcome)
        override;
    awaitable<Result<void>> fail_upload(const LocationId& location) override;

    awaitable<Result<void>> begin_stage(Location location) override;
    awaitable<Result<void>> begin_fetch(Location location) override;
    awaitable<Result<void>> finish_stage(StagedData staged) override;
    awaitable<Result<std::optional<StagedData>>> find_staged(const ImageId& id) override;
    awaitable<Result<TaskRecord>> begin_import(ImportStart start) override;
    awaitable<Result<void>> step_import(ImportStep step) override;
    awaitable<Result<std::vector<TaskRecord>>> list_api_tasks(ApiTaskQuery query) override;
    awaitable<Result<void>> record_failed_task(TaskRecord task, Error error) override;

    awaitable<Result<std::vector<Location>>> live_locations(const ImageId& id) override;
    awaitable<Result<std::vector<Location>>> live_locations(std::vector<ImageId> ids) override;
    awaitable<Result<Location>> find_location(const LocationId& id) override;
    awaitable<Result<std::vector<BackendId>>> backends_with_garbage() override;
    awaitable<Result<std::vector<Location>>> collectable_garbage(
        const BackendId& backend, std::size_t limit
    ) override;
    awaitable<Result<void>> postpone_garbage(const LocationId& id, std::chrono::seconds by)
        override;
    awaitable<Result<void>> forget_location(const LocationId& id) override;
    awaitable<Result<std::vector<Location>>> locations_of(const BackendId& backend) override;

    awaitable<Result<void>> add_foreign_location(NewForeignLocation added) override;
    awaitable<Result<void>> settle_foreign_location(const LocationId& id, ForeignOutcome outcome)
        override;

    awaitable<Result<std::vector<CachedImage>>> cached_images(std::string node) override;
    awaitable<Result<void>> cache_image(std::string node, ImageId id) override;
    awaitable<Result<void>> count_cache_hit(std::string node, ImageId id) override;
    awaitable<Result<void>> uncache_images(std::string node, std::optional<ImageId> id) override;
    awaitable<Result<Pruned>> prune_cache(std::string node, std::uint64_t bytes) override;
    awaitable<Result<std::vector<std::string>>> nodes_with_cached(ImageId id) override;

    awaitable<Result<void>> add_location(Location location, bool instead) override;
    awaitable<Result<void>> finish_location(const LocationId& id, AddedLocation added) override;
    awaitable<Result<Location>> take_over_location(const LocationId& id) override;
    awaitable<Result<void>> drop_location(const LocationId& id, std::chrono::seconds grace)
        override;
    awaitable<Result<void>> note_import(const ImageId& id, std::optional<std::string> reason)
        override;
    awaitable<Result<void>> note_boot_reason(const ImageId& id, std::string reason) override;

    awaitable<Result<void>> keep_seed(SeedRecord seed) override;
    awaitable<Result<std::vector<SeedRecord>>> list_seeds(const ImageId& image) override;
    awaitable<Result<std::vector<SeedRecord>>> due_seeds(
        std::chrono::seconds age, std::size_t limit
    ) override;
    awaitable<Result<void>> note_seed(
        const ImageId& image, const SeedPlace& place, SeedStatus state
    ) override;
    awaitable<Result<void>> note_seeded(
        const ImageId& image, const SeedPlace& place, const LocationId& source
    ) override;
    awaitable<Result<void>> forget_seeds(const ImageId& image, std::optional<SeedPlace> place)
        override;

    awaitable<Result<Image>> create_object(
        const BackendId& backend, const std::string& object, Image image
    ) override;
    awaitable<Result<Image>> find_object(const BackendId& backend, const std::string& object)
        override;
    awaitable<Result<Image>> find_any_image(const ImageId& id) override;
    awaitable<Result<std::string>> consumer_id(const ImageId& id) override;

    awaitable<Result<TaskRecord>> create_task(TaskRecord task) override;
    awaitable<Result<TaskRecord>> find_task(const TaskId& id) override;
    awaitable<Result<std::vector<TaskRecord>>> list_tasks(
        std::optional<std::string> owner,
        std::optional<ImageId> image,
        std::optional<TaskId> marker,
        std::size_t limit
    ) override;
    awaitable<Result<std::optional<TaskRecord>>> claim_task(
        const std::string& server, std::vector<TaskKind> except
    ) override;
    awaitable<Result<void>> save_task_progress(
        const TaskId& id, const std::string& server, int progress
    ) override;
    awaitable<Result<void>> save_task_checkpoint(
        const TaskId& id, const std::string& server, const std::string& checkpoint
    ) override;
    awaitable<Result<void>> postpone_task(const TaskId& id, const std::string& server, Error why)
        override;
    awaitable<Result<void>> finish_task(
        const TaskId& id,
        const std::string& server,
        TaskStatus status,
        std::optional<Error> error,
        std::optional<Account> account
    ) override;
    awaitable<Result<TaskRecord>> cancel_task(const TaskId& id) override;

    awaitable<Result<void>> record_transfer(TransferRecord record) override;
    awaitable<Result<std::vector<TransferRecord>>> list_transfers(
        const ImageId& image, std::size_t limit
    ) override;
    awaitable<Result<void>> forget_history(std::chrono::seconds age) override;

    MetadefCatalog& metadefs() override { return metadefs_; }

private:
    template <class Work>
    awaitable<std::invoke_result_t<Work&>> write(Work& work) {
        auto transaction = [&] { return db_->write(work); };
        co_return co_await offload(thread_, transaction);
    }
    template <class Work>
    awaitable<std::invoke_result_t<Work&>> read(Work& work) {
        auto transaction = [&] { return db_->read(work); };
        co_return co_await offload(thread_, transaction);
    }

    // Inside a transaction, on the catalogue's thread.
    [[nodiscard]] Time now() const { return clock_.now(); }
    // Whether the lease that begin_server took is still ours; true where none was taken.
    Result<bool> holds_lease();
    // Leaves to others what servers without a lease at `now` left behind.
    Result<void> recover();
    // status by next_status(), if it is still what `image` says.
    Result<void> move_status(const Image& image, ImageEvent event);
    // A `writing` location, with the step of the status that goes with it.
    awaitable<Result<void>> begin_writing(Location location, std::optional<ImageEvent> event);
    // writing -> `state`, if this attempt is still the image's. Errors: gone.
    Result<void> settle_writing(
        const Location& location, LocationState state, std::uint64_t stored_bytes
    );
    Result<std::optional<TaskRecord>> break_import_lock(
        const Image& image, const ImportStart& start
    );
    Result<void> fail_task(const TaskId& id, const Error& error);
    // Names and values as they shall be; a value that is absent goes.
    Result<void> set_property(
        const ImageId& id, std::string_view name, const std::optional<std::string>& value
    );
    Result<void> apply_import_step(const ImportStep& step);
    // Whether the project has room for what the step takes out of the stage.
    Result<void> check_activation(const Image& image, const ImportStep& step);
    Result<void> insert_foreign(const NewForeignLocation& added);
    // live or adding -> garbage. Errors: as drop_location().
    Result<void> discard(const DroppedLocation& dropped);
    Result<void> edit_location(const ImageId& image, const LocationEdit& edit);
    // writing -> garbage, saving -> queued; adding -> garbage.
    Result<void> give_up_writing(const Location& location);
    // After an attempt to fill the image that has come to nothing.
    Result<void> doubt_seeds(const ImageId& id);
    // importing -> queued, where no task is left that could end it.
    Result<void> free_abandoned_imports();
    // The image is deleted, and all that hangs on it; its locations become garbage.
    Result<void> erase_image(const Image& image, std::chrono::seconds grace);
    // adding -> live, if it is still ours. Errors: gone.
    Result<void> settle_location(const LocationId& id, std::uint64_t stored_bytes);
    Result<void> check_growth(std::size_t before, std::size_t now, int limit, std::string_view what)
        const;
    // In the register, with these hits; fine when it is there.
    Result<void> insert_cached(const std::string& node, const ImageId& id, int hits);
    // Whether the image's project may have so many bytes more, an image that begins to be filled,
    // an image more. Errors: too_large.
    Result<void> check_room(const Image& image, ImageStatus status, std::uint64_t more_bytes);
    // The same of data that are longer than was known.
    Result<void> check_overrun(const Image& image, ImageStatus status);
    Result<void> check_turn(const Image& image, ImageStatus next);
    Result<void> check_count(const Image& image);
    Result<void> check_length(const Image& image, const UploadOutcome& outcome);
    [[nodiscard]] const ProjectLimits& limits_of(const std::string& project) const;
    Result<void> insert_transfer(const TransferRecord& record);
    awaitable<Result<void>> save_task(
        TaskId id, std::string server, std::string_view assignment, DbValue value
    );

    std::unique_ptr<Db> db_;
    CatalogLimits limits_;
    // Touched on the catalogue's thread only.
    std::map<std::string, ProjectLimits, std::less<>> project_limits_;
    std::chrono::microseconds lease_;
    std::chrono::seconds task_time_to_live_;
    const Clock& clock_;
    // The lease that begin_server took; read and set on the catalogue's thread only.
    std::string server_;
    std::string epoch_;
    SqlMetadefCatalog metadefs_{*db_, thread_, clock_};
    BlockingPool thread_;  // last, so that it is joined before the session goes
};

}  // namespace slipway::store
