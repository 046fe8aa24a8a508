#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

#include <algorithm>

namespace slipway::store {

namespace {

constexpr std::chrono::seconds kShortestPostponement{30};
constexpr std::chrono::hours kLongestPostponement{1};

Error claim_lost() {
    return Error(Errc::conflict, "the task is over, or another server runs it");
}

}  // namespace

Result<void> insert_task(Db& db, const TaskRecord& task) {
    SLIPWAY_TRY(
        const auto inserted,
        db.execute(
            "insert into tasks (id, kind, image_id, owner, location_id, status, progress, input, "
            "checkpoint, cancel_requested, server, claimed_until, created_at, updated_at, "
            "request_id, api_type, user_id) "
            "values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (id) do "
            "nothing",
            {task.id,
             slipway::to_string(task.kind),
             task.image_id,
             task.owner,
             task.location_id,
             slipway::to_string(task.status),
             task.progress,
             task.input,
             task.checkpoint,
             task.cancel_requested,
             task.server,
             task.claimed_until,
             task.created_at,
             task.updated_at,
             task.request_id,
             task.api_type,
             task.user}
        )
    );
    if (inserted == 0) return Error(Errc::conflict, "a task with this id exists already");
    return {};
}

awaitable<Result<TaskRecord>> SqlCatalog::create_task(TaskRecord task) {
    auto work = [&]() -> Result<TaskRecord> {
        const bool runs = !task.server.empty();
        SLIPWAY_TRY(
            const auto found,
            load_locations(
                *db_,
                std::string("id = ? and image_id = ? and ") +
                    (runs ? "state <> 'garbage'" : "state = 'live'"),
                {task.location_id, task.image_id}
            )
        );
        if (found.empty())
            return Error(Errc::conflict, "The data of the image is not there, or not any more.");
        task.status = runs ? TaskStatus::running : TaskStatus::pending;
        task.cancel_requested = false;
        task.error.reset();
        task.account.reset();
        task.claimed_until = runs ? now() + lease_ : Time();
        task.created_at = task.updated_at = now();
        SLIPWAY_CHECK(insert_task(*db_, task));
        return task;
    };
    co_return co_await write(work);
}

awaitable<Result<TaskRecord>> SqlCatalog::find_task(const TaskId& id) {
    auto work = [&] { return load_task(*db_, id); };
    co_return co_await read(work);
}

awaitable<Result<std::vector<TaskRecord>>> SqlCatalog::list_tasks(
    std::optional<std::string> owner,
    std::optional<ImageId> image,
    std::optional<TaskId> marker,
    std::size_t limit
) {
    auto work = [&]() -> Result<std::vector<TaskRecord>> {
        std::string sql = "select " + std::string(kTaskColumns) + " from tasks where 1 = 1";
        DbValues values;
        if (owner) {
            sql += " and owner = ?";
            values.emplace_back(*owner);
        }
        if (image) {
            sql += " and image_id = ?";
            values.emplace_back(*image);
        }
        if (marker) {
            auto last = load_task(*db_, *marker);
            if (!last && last.error().code != Errc::not_found) return last.error();
            if (!last || (owner && last->owner != *owner))
                return Error(Errc::invalid_argument, "the marker is no task that you can see");
            sql += " and (created_at, id) < (?, ?)";
            values.emplace_back(last->created_at);
            values.emplace_back(last->id);
        }
        sql += " order by created_at desc, id desc limit ?";
        values.emplace_back(std::uint64_t{limit});
        SLIPWAY_TRY(const auto rows, db_->query(sql, values));
        std::vector<TaskRecord> tasks;
        for (const DbRow& row : rows) {
            SLIPWAY_TRY(tasks.emplace_back(), read_task(row));
        }
        return tasks;
    };
    co_return co_await read(work);
}

awaitable<Result<std::optional<TaskRecord>>> SqlCatalog::claim_task(
    const std::string& server, std::vector<TaskKind> except
) {
    auto work = [&]() -> Result<std::optional<TaskRecord>> {
        SLIPWAY_TRY(const bool ours, holds_lease());
        if (!ours) return std::optional<TaskRecord>();
        std::string others;
        DbValues values{now(), server, server, now()};
        for (const TaskKind kind : except) {
            others += " and kind <> ?";
            values.emplace_back(slipway::to_string(kind));
        }
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select " + std::string(kTaskColumns) +
                    " from tasks where status in ('pending', 'running') and not_before <= ? and "
                    "(server = '' or (status = 'pending' and server = ?) or (server <> ? and "
                    "server not in (select name from servers where lease_until >= ?)))" +
                    others + " order by created_at, id limit 1",
                values
            )
        );
        if (rows.empty()) return std::optional<TaskRecord>();
        SLIPWAY_TRY(const TaskRecord task, read_task(rows.front()));
        SLIPWAY_TRY(
            const auto claimed,
            db_->execute(
                "update tasks set status = 'running', server = ?, claimed_until = ?, updated_at = "
                "?, error_code = null, error_message = null, error_reason = null "
                "where id = ? and status = ? and server = ?",
                {server,
                 now() + lease_,
                 now(),
                 task.id,
                 slipway::to_string(task.status),
                 task.server}
            )
        );
        if (claimed == 0) return std::optional<TaskRecord>();
        SLIPWAY_TRY(TaskRecord mine, load_task(*db_, task.id));
        return std::optional(std::move(mine));
    };
    co_return co_await write(work);
}

// Cancellation is no error of the transaction: what was to be saved is saved.
awaitable<Result<void>> SqlCatalog::save_task(
    TaskId id, std::string server, std::string_view assignment, DbValue value
) {
    auto work = [&]() -> Result<bool> {
        SLIPWAY_TRY(
            const auto saved,
            db_->execute(
                "update tasks set updated_at = ?, claimed_until = ?, " + std::string(assignment) +
                    " where id = ? and server = ? and status = 'running'",
                {now(), now() + lease_, value, id, server}
            )
        );
        if (saved == 0) return claim_lost();
        SLIPWAY_TRY(const TaskRecord task, load_task(*db_, id));
        return task.cancel_requested;
    };
    SLIPWAY_CO_TRY(const bool cancel, co_await write(work));
    if (cancel) co_return Error(Errc::cancelled, "the task was cancelled");
    co_return Result<void>();
}

awaitable<Result<void>> SqlCatalog::save_task_progress(
    const TaskId& id, const std::string& server, int progress
) {
    co_return co_await save_task(id, server, "progress = ?", progress);
}

awaitable<Result<void>> SqlCatalog::save_task_checkpoint(
    const TaskId& id, const std::string& server, const std::string& checkpoint
) {
    co_return co_await save_task(id, server, "checkpoint = ?", checkpoint);
}

awaitable<Result<void>> SqlCatalog::postpone_task(
    const TaskId& id, const std::string& server, Error why
) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const TaskRecord task, load_task(*db_, id));
        const auto pause = std::clamp<Time::duration>(
            now() - task.created_at, kShortestPostponement, kLongestPostponement
        );
        SLIPWAY_TRY(
            const auto postponed,
            db_->execute(
                "update tasks set status = case cancel_requested when 1 then 'cancelled' else "
                "'pending' end, server = '', not_before = ?, error_code = ?, error_message = ?, "
                "error_reason = ?, updated_at = ? "
                "where id = ? and server = ? and status = 'running'",
                {now() + pause,
                 slipway::to_string(why.code),
                 why.message,
                 why.reason,
                 now(),
                 id,
                 server}
            )
        );
        if (postponed == 0) return claim_lost();
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::finish_task(
    const TaskId& id,
    const std::string& server,
    TaskStatus status,
    std::optional<Error> error,
    std::optional<Account> account
) {
    if (!is_over(status))
        co_return Error(Errc::invalid_argument, "a task ends as success, failure or cancelled");
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(
            const auto finished,
            db_->execute(
                "update tasks set status = ?, progress = case when ? = 'success' then 100 else "
                "progress "
                "end, error_code = ?, error_message = ?, error_reason = ?, bytes_through = ?, "
                "bytes_copied = ?, seconds = ?, path = ?, updated_at = ?, expires_at = ? "
                "where id = ? and server = ? and status = 'running'",
                {slipway::to_string(status),
                 slipway::to_string(status),
                 error ? DbValue(slipway::to_string(error->code)) : DbValue(),
                 error ? DbValue(error->message) : DbValue(),
                 error ? DbValue(error->reason) : DbValue(),
                 account ? DbValue(account->bytes_through) : DbValue(),
                 account ? DbValue(account->bytes_copied) : DbValue(),
                 account ? DbValue(account->seconds) : DbValue(),
                 account ? DbValue(account->path) : DbValue(),
                 now(),
                 now() + task_time_to_live_,
                 id,
                 server}
            )
        );
        if (finished == 0) return claim_lost();
        if (!account) return {};
        SLIPWAY_TRY(const TaskRecord task, load_task(*db_, id));
        const TransferRecord transfer{
            .kind = std::string(slipway::to_string(task.kind)),
            .image_id = task.image_id,
            .account = *account,
            .finished_at = now(),
            .request_id = task.request_id,
        };
        return insert_transfer(transfer);
    };
    co_return co_await write(work);
}

awaitable<Result<TaskRecord>> SqlCatalog::cancel_task(const TaskId& id) {
    auto work = [&]() -> Result<TaskRecord> {
        SLIPWAY_TRY(const TaskRecord task, load_task(*db_, id));
        if (is_over(task.status)) return Error(Errc::conflict, "the task is over already");
        const bool holds_image =
            task.kind == TaskKind::import || task.kind == TaskKind::location_import;
        const bool at_once = task.status == TaskStatus::pending && !holds_image;
        SLIPWAY_TRY(
            const auto changed,
            db_->execute(
                "update tasks set cancel_requested = 1, status = ?, updated_at = ? "
                "where id = ? and status = ?",
                {at_once ? "cancelled" : slipway::to_string(task.status),
                 now(),
                 id,
                 slipway::to_string(task.status)}
            )
        );
        if (changed == 0) return Error(Errc::conflict, "the task has just changed; try again");
        return load_task(*db_, id);
    };
    co_return co_await write(work);
}

Result<void> SqlCatalog::insert_transfer(const TransferRecord& record) {
    const DbValues values{
        new_uuid(),
        record.image_id,
        record.kind,
        record.account.bytes_through,
        record.account.bytes_copied,
        record.account.seconds,
        record.account.path,
        record.finished_at,
        record.request_id,
    };
    SLIPWAY_CHECK(db_->execute(
        "insert into transfers (id, " + std::string(kTransferColumns) + ") values (" +
            placeholders(values.size()) + ")",
        values
    ));
    return {};
}

awaitable<Result<void>> SqlCatalog::record_transfer(TransferRecord record) {
    auto work = [&] { return insert_transfer(record); };
    co_return co_await write(work);
}

awaitable<Result<std::vector<TransferRecord>>> SqlCatalog::list_transfers(
    const ImageId& image, std::size_t limit
) {
    auto work = [&]() -> Result<std::vector<TransferRecord>> {
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select " + std::string(kTransferColumns) +
                    " from transfers where image_id = ? order by finished_at desc, id desc limit ?",
                {image, std::uint64_t{limit}}
            )
        );
        std::vector<TransferRecord> transfers;
        for (const DbRow& row : rows) transfers.push_back(read_transfer(row));
        return transfers;
    };
    co_return co_await read(work);
}

awaitable<Result<void>> SqlCatalog::forget_history(std::chrono::seconds age) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_CHECK(db_->execute("delete from transfers where finished_at < ?", {now() - age}));
        SLIPWAY_CHECK(db_->execute(
            "delete from tasks where updated_at < ? and status not in ('pending', 'running')",
            {now() - age}
        ));
        return {};
    };
    co_return co_await write(work);
}

}  // namespace slipway::store
