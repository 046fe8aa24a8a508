#pragma once

#include "base/async.h"
#include "store/catalog.h"
#include "store/db.h"

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
        const ImageId& id, std::function<Result<void>(Image&)> change
    ) override;
    awaitable<Result<Image>> advance(const ImageId& id, ImageEvent event) override;
    awaitable<Result<void>> delete_image(const ImageId& id, std::chrono::seconds grace) override;
    awaitable<Result<std::uint64_t>> bytes_in_use(const std::string& project) override;

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

    awaitable<Result<std::vector<Location>>> live_locations(const ImageId& id) override;
    awaitable<Result<std::vector<Location>>> live_locations(std::vector<ImageId> ids) override;
    awaitable<Result<Location>> find_location(const LocationId& id) override;
    awaitable<Result<std::vector<Location>>> collectable_garbage(std::size_t limit) override;
    awaitable<Result<void>> postpone_garbage(const LocationId& id, std::chrono::seconds by)
        override;
    awaitable<Result<void>> forget_location(const LocationId& id) override;
    awaitable<Result<std::vector<Location>>> locations_of(const BackendId& backend) override;

    awaitable<Result<TaskRecord>> create_task(TaskRecord task) override;
    awaitable<Result<TaskRecord>> find_task(const TaskId& id) override;
    awaitable<Result<std::vector<TaskRecord>>> list_tasks(
        std::optional<std::string> owner,
        std::optional<ImageId> image,
        std::optional<TaskId> marker,
        std::size_t limit
    ) override;
    awaitable<Result<std::optional<TaskRecord>>> claim_task(const std::string& server) override;
    awaitable<Result<void>> save_task_progress(
        const TaskId& id, const std::string& server, int progress
    ) override;
    awaitable<Result<void>> save_task_checkpoint(
        const TaskId& id, const std::string& server, const std::string& checkpoint
    ) override;
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

    // --- inside a transaction, on the catalogue's thread ---------------------------------------
    [[nodiscard]] Time now() const { return clock_.now(); }
    // Whether the lease that begin_server took is still ours; true where none was taken.
    Result<bool> holds_lease();
    // Leaves to others what servers without a lease at `now` left behind.
    Result<void> recover();
    // status by next_status(), if it is still what `image` says.
    Result<void> move_status(const Image& image, ImageEvent event);
    // writing -> garbage, saving -> queued.
    Result<void> give_up_writing(const Location& location);
    Result<void> check_growth(std::size_t before, std::size_t now, int limit, std::string_view what)
        const;
    Result<void> insert_transfer(const TransferRecord& record);
    awaitable<Result<void>> save_task(
        TaskId id, std::string server, std::string_view assignment, DbValue value
    );

    std::unique_ptr<Db> db_;
    CatalogLimits limits_;
    std::chrono::microseconds lease_;
    const Clock& clock_;
    // The lease that begin_server took; read and set on the catalogue's thread only.
    std::string server_;
    std::string epoch_;
    BlockingPool thread_;  // last, so that it is joined before the session goes
};

}  // namespace slipway::store
