#include "base/json.h"
#include "store/catalog_rows.h"
#include "store/catalog_sql.h"

#include <algorithm>
#include <array>
#include <set>

namespace slipway::store {

namespace {

Error import_gone() {
    return Error(
        Errc::gone, "The image was deleted, or its import was given up, while it was imported."
    );
}

using Names = std::set<std::string>;

// "a,b" as a set, and back.
Names names_in(const Image& image, const char* property) {
    Names names;
    std::string name;
    for (const char c : std::string(image.property(property)) + ',') {
        if (c != ',') {
            name += c;
        } else if (!name.empty()) {
            names.insert(std::exchange(name, {}));
        }
    }
    return names;
}

std::string joined(const Names& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
    return text;
}

// The stores that an import was for, by the input of its task: {"backend": ["a", "b"], …}.
Names stores_of(const TaskRecord& task) {
    Names names;
    const auto document = json::Document::parse(task.input);
    if (!document || !document->root().is_object()) return names;
    const auto stores = document->root().find("backend");
    if (!stores || !stores->is_array()) return names;
    for (const json::Value& store : stores->elements())
        if (store.is_string()) names.emplace(store.string());
    return names;
}

// Columns of tasks that a list may be sorted and filtered by, as the Image API names them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kTaskColumnsByName{{
    {"id", "id"},
    {"type", "api_type"},
    {"status", "status"},
    {"owner", "coalesce(owner, '')"},
    {"expires_at", "expires_at"},
    {"created_at", "created_at"},
    {"updated_at", "updated_at"},
    {"image_id", "image_id"},
    {"request_id", "request_id"},
    {"user_id", "coalesce(user_id, '')"},
}};

// Empty: there is no such column.
std::string_view task_column(std::string_view name) {
    const auto* const found = std::ranges::find(
        kTaskColumnsByName, name, &std::pair<std::string_view, std::string_view>::first
    );
    return found == kTaskColumnsByName.end() ? std::string_view() : found->second;
}

// Errors: invalid_argument for a value that the column never has.
Result<DbValue> task_value(const std::string& name, const std::string& value) {
    if (task_column(name).empty())
        return Error(
            Errc::invalid_argument, "Tasks can not be filtered by " + name.substr(0, 64) + "."
        );
    if (!name.ends_with("_at")) return DbValue(value);
    const auto time = parse_iso8601(value);
    if (!time) return Error(Errc::invalid_argument, "The value of " + name + " is no time.");
    return DbValue(*time);
}

}  // namespace

awaitable<Result<void>> SqlCatalog::finish_stage(StagedData staged) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const auto found, load_locations(*db_, "id = ?", {staged.location.id}));
        if (found.empty()) return import_gone();
        const Location& location = found.front();
        if (location.state == LocationState::staged) return {};  // an earlier call did it
        SLIPWAY_CHECK(db_->execute(
            "update locations set state = 'garbage', not_before = ? where image_id = ? and state "
            "= 'staged'",
            {now(), location.image_id}
        ));
        SLIPWAY_CHECK(settle_writing(location, LocationState::staged, staged.location.stored_bytes)
        );
        if (staged.location.stored_bytes > location.stored_bytes) {
            SLIPWAY_TRY(const Image image, load_image(*db_, location.image_id));
            SLIPWAY_CHECK(check_overrun(image, image.status));
        }
        SLIPWAY_CHECK(db_->execute(
            "insert into staged_facts (location_id, size, facts) values (?, ?, ?)",
            {location.id, staged.size_bytes, staged.facts}
        ));
        SLIPWAY_CHECK(db_->execute(
            "update images set size = ?, updated_at = ? where id = ? and status = 'uploading'",
            {staged.size_bytes, now(), location.image_id}
        ));
        return {};
    };
    co_return co_await write(work);
}

awaitable<Result<std::optional<StagedData>>> SqlCatalog::find_staged(const ImageId& id) {
    auto work = [&]() -> Result<std::optional<StagedData>> {
        SLIPWAY_TRY(
            auto locations, load_locations(*db_, "image_id = ? and state = 'staged'", {id})
        );
        if (locations.empty()) return std::optional<StagedData>();
        StagedData staged;
        staged.location = std::move(locations.front());
        SLIPWAY_TRY(
            const auto rows,
            db_->query(
                "select size, facts from staged_facts where location_id = ?", {staged.location.id}
            )
        );
        if (rows.empty()) return Error(Errc::corrupt, "nothing is known of the staged data");
        RowReader in(rows.front());
        staged.size_bytes = in.size();
        staged.facts = in.text();
        return std::optional(std::move(staged));
    };
    co_return co_await read(work);
}

Result<void> SqlCatalog::fail_task(const TaskId& id, const Error& error) {
    SLIPWAY_CHECK(db_->execute(
        "update tasks set status = 'failure', error_code = ?, error_message = ?, error_reason = "
        "'', updated_at = ?, expires_at = ? where id = ? and status in ('pending', 'running')",
        {slipway::to_string(error.code), error.message, now(), now() + task_time_to_live_, id}
    ));
    return {};
}

// Ends the task that holds the lock, when it has shown no sign of life for too long, and returns
// it. Errors: conflict while it lives.
Result<std::optional<TaskRecord>> SqlCatalog::break_import_lock(
    const Image& image, const ImportStart& start
) {
    const std::string holder(image.property(kImportTask));
    if (holder.empty()) return std::optional<TaskRecord>();
    auto task = load_task(*db_, TaskId(holder));
    if (!task && task.error().code == Errc::not_found) return std::optional<TaskRecord>();
    if (!task) return task.error();
    const auto limit =
        task->status == TaskStatus::pending ? start.pending_limit : start.running_limit;
    if (now() - task->updated_at < limit)
        return Error(
            Errc::conflict,
            "The image is being imported by task " + holder + " already; wait until it is over."
        );
    SLIPWAY_CHECK(fail_task(
        task->id, Error(Errc::timeout, "The import showed no sign of life and was given up.")
    ));
    return std::optional(std::move(*task));
}

Result<void> SqlCatalog::set_property(
    const ImageId& id, std::string_view name, const std::optional<std::string>& value
) {
    if (!value) {
        SLIPWAY_CHECK(
            db_->execute("delete from image_properties where image_id = ? and name = ?", {id, name})
        );
        return {};
    }
    SLIPWAY_CHECK(db_->execute(
        "insert into image_properties (image_id, name, value) values (?, ?, ?) "
        "on conflict (image_id, name) do update set value = excluded.value",
        {id, name, *value}
    ));
    return {};
}

awaitable<Result<TaskRecord>> SqlCatalog::begin_import(ImportStart start) {
    auto work = [&]() -> Result<TaskRecord> {
        SLIPWAY_TRY(const Image image, load_image(*db_, start.task.image_id));
        if (image.status != start.from)
            return Error(
                Errc::conflict,
                "The image is " + std::string(slipway::to_string(image.status)) +
                    ", but for this import it must be " +
                    std::string(slipway::to_string(start.from)) + "."
            );
        SLIPWAY_TRY(const auto broken, break_import_lock(image, start));
        if (start.from == ImageStatus::uploading) {
            SLIPWAY_TRY(
                const auto staged,
                load_locations(*db_, "image_id = ? and state = 'staged'", {image.id})
            );
            if (staged.empty())
                return Error(Errc::conflict, "The image's data are still being staged.");
        }
        if (start.from != ImageStatus::active)
            SLIPWAY_CHECK(move_status(image, ImageEvent::import_started));
        TaskRecord task = start.task;
        task.kind = TaskKind::import;
        task.status = TaskStatus::pending;
        task.created_at = task.updated_at = now();
        SLIPWAY_CHECK(insert_task(*db_, task));
        SLIPWAY_CHECK(set_property(image.id, kImportTask, task.id.str()));
        for (const auto& [name, value] : start.properties)
            SLIPWAY_CHECK(set_property(image.id, name, value));
        SLIPWAY_CHECK(touch_image(*db_, image.id, now()));
        if (start.stores.empty()) return task;
        Names importing = names_in(image, kImportingToStores);
        Names failed = names_in(image, kFailedImport);
        if (!image.property(kImportTask).empty()) importing.clear();  // of the lock that was broken
        if (broken)
            for (const std::string& store : stores_of(*broken)) failed.erase(store);
        for (const BackendId& store : start.stores) {
            importing.insert(store.str());
            failed.erase(store.str());
        }
        SLIPWAY_CHECK(set_property(image.id, kImportingToStores, joined(importing)));
        SLIPWAY_CHECK(set_property(image.id, kFailedImport, joined(failed)));
        return task;
    };
    co_return co_await write(work);
}

// What was copied elsewhere counts already.
Result<void> SqlCatalog::check_activation(const Image& image, const ImportStep& step) {
    std::uint64_t more_bytes = 0;
    for (const auto& [id, stored_bytes] : step.live) {
        SLIPWAY_TRY(const auto staged, load_locations(*db_, "id = ? and state = 'staged'", {id}));
        if (!staged.empty()) more_bytes += counted_bytes(staged.front());
    }
    if (more_bytes == 0) return {};
    return check_room(image, ImageStatus::active, more_bytes);
}

Result<void> SqlCatalog::apply_import_step(const ImportStep& step) {
    const auto found = load_image(*db_, step.task.image_id);
    if (!found && found.error().code == Errc::not_found) return import_gone();
    if (!found) return found.error();
    Image image = *found;
    SLIPWAY_TRY(const TaskRecord task, load_task(*db_, step.task.id));
    const bool is_ours = task.status == TaskStatus::running && task.server == step.task.server &&
                         image.property(kImportTask) == task.id.str();
    if (!is_ours) return import_gone();

    if (step.outcome) SLIPWAY_CHECK(check_activation(image, step));
    for (const LocationId& id : step.garbage)
        SLIPWAY_CHECK(db_->execute(
            "update locations set state = 'garbage', not_before = ? where id = ? and state <> "
            "'garbage'",
            {now(), id}
        ));
    Time listed_at = now();
    for (const auto& [id, stored_bytes] : step.live) {
        SLIPWAY_TRY(
            const auto moved,
            db_->execute(
                "update locations set state = 'live', stored_bytes = ?, created_at = ? where id = "
                "? "
                "and (state = 'staged' or (state = 'adding' and server = ?))",
                {stored_bytes, listed_at, id, server_.empty() ? step.task.server : server_}
            )
        );
        if (moved == 0) return import_gone();
        listed_at += std::chrono::microseconds(1);
    }
    if (step.change) {
        Image edited = image;
        step.change(edited);
        SLIPWAY_CHECK(write_edits(*db_, image, edited));
        image = std::move(edited);
    }
    if (step.outcome) {
        SLIPWAY_CHECK(move_status(image, ImageEvent::import_finished));
        SLIPWAY_CHECK(record_outcome(*db_, image.id, *step.outcome));
        if (step.outcome->boot_location)
            SLIPWAY_CHECK(
                settle_location(*step.outcome->boot_location, step.outcome->boot_stored_bytes)
            );
        if (step.outcome->replaces_record) SLIPWAY_CHECK(replace_record(*db_, image.id, now()));
    }
    if (step.gives_up) {
        SLIPWAY_CHECK(move_status(image, *step.gives_up));
        SLIPWAY_CHECK(doubt_seeds(image.id));
    }

    Names importing = names_in(image, kImportingToStores);
    Names failed = names_in(image, kFailedImport);
    for (const BackendId& store : step.done) importing.erase(store.str());
    for (const BackendId& store : step.failed) {
        importing.erase(store.str());
        failed.insert(store.str());
    }
    const bool has_lists = found->properties.contains(std::string(kImportingToStores));
    if (has_lists && (!step.done.empty() || !step.failed.empty())) {
        SLIPWAY_CHECK(set_property(image.id, kImportingToStores, joined(importing)));
        SLIPWAY_CHECK(set_property(image.id, kFailedImport, joined(failed)));
    }
    SLIPWAY_CHECK(touch_image(*db_, image.id, now()));
    if (!step.last_words) return {};
    SLIPWAY_CHECK(set_property(image.id, kImportTask, std::nullopt));
    SLIPWAY_CHECK(db_->execute(
        "update tasks set checkpoint = ?, updated_at = ? where id = ?",
        {*step.last_words, now(), task.id}
    ));
    return {};
}

Result<void> SqlCatalog::free_abandoned_imports() {
    SLIPWAY_TRY(
        const auto rows,
        db_->query("select id from images where status = 'importing' and not exists (select 1 from "
                   "tasks where tasks.image_id = images.id and kind in ('import', "
                   "'location_import') and tasks.status in ('pending', 'running')) order by id")
    );
    for (const DbRow& row : rows) {
        SLIPWAY_TRY(const Image image, load_image(*db_, ImageId(row.at(0).text())));
        SLIPWAY_CHECK(move_status(image, ImageEvent::import_failed));
        SLIPWAY_CHECK(doubt_seeds(image.id));
        SLIPWAY_CHECK(db_->execute(
            "update locations set state = 'garbage', not_before = ? "
            "where image_id = ? and state <> 'garbage'",
            {now(), image.id}
        ));
        for (const char* const property : {kImportTask, kImportingToStores})
            SLIPWAY_CHECK(set_property(image.id, property, std::nullopt));
    }
    return {};
}

awaitable<Result<void>> SqlCatalog::step_import(ImportStep step) {
    auto work = [&]() -> Result<void> {
        SLIPWAY_TRY(const bool ours, holds_lease());
        if (!ours) return import_gone();
        return apply_import_step(step);
    };
    co_return co_await write(work);
}

awaitable<Result<void>> SqlCatalog::record_failed_task(TaskRecord task, Error error) {
    auto work = [&]() -> Result<void> {
        task.status = TaskStatus::pending;
        task.created_at = task.updated_at = now();
        SLIPWAY_CHECK(insert_task(*db_, task));
        return fail_task(task.id, error);
    };
    co_return co_await write(work);
}

awaitable<Result<std::vector<TaskRecord>>> SqlCatalog::list_api_tasks(ApiTaskQuery query) {
    auto work = [&]() -> Result<std::vector<TaskRecord>> {
        const std::string column(task_column(query.sort_key));
        if (column.empty())
            return Error(Errc::invalid_argument, "Tasks can not be sorted by that.");
        std::string sql = "select " + std::string(kTaskColumns) +
                          " from tasks where api_type <> '' and (expires_at = 0 or expires_at > ?)";
        DbValues values{now()};
        const auto add = [&](const std::string& condition, const DbValue& value) {
            sql += " and " + condition;
            values.push_back(value);
        };
        if (query.owner) add("owner = ?", *query.owner);
        if (query.image) add("image_id = ?", *query.image);
        if (query.api_type) add("api_type = ?", *query.api_type);
        if (!query.statuses.empty()) {
            sql += " and status in (" + placeholders(query.statuses.size()) + ")";
            for (const TaskStatus status : query.statuses)
                values.emplace_back(slipway::to_string(status));
        }
        for (const auto& [name, value] : query.equal) {
            SLIPWAY_TRY(const DbValue wanted, task_value(name, value));
            add(std::string(task_column(name)) + " = ?", wanted);
        }
        if (query.marker) {
            const auto last = load_task(*db_, *query.marker);
            if (!last && last.error().code != Errc::not_found) return last.error();
            if (!last || last->api_type.empty() || (query.owner && last->owner != *query.owner))
                return Error(Errc::invalid_argument, "the marker is no task that you can see");
            sql += " and (" + column + ", created_at, id) " + (query.ascending ? ">" : "<") +
                   " (select " + column + ", created_at, id from tasks where id = ?)";
            values.emplace_back(last->id);
        }
        const std::string direction = query.ascending ? " asc" : " desc";
        sql += " order by " + column + direction + ", created_at" + direction + ", id" + direction +
               " limit ?";
        values.emplace_back(std::uint64_t{query.limit});
        SLIPWAY_TRY(const auto rows, db_->query(sql, values));
        std::vector<TaskRecord> tasks;
        for (const DbRow& row : rows) {
            SLIPWAY_TRY(tasks.emplace_back(), read_task(row));
        }
        return tasks;
    };
    co_return co_await read(work);
}

}  // namespace slipway::store
