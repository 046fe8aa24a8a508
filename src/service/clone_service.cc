#include "service/clone_service.h"

#include "base/log.h"
#include "service/clone_input.h"
#include "service/image_service.h"

namespace slipway::service {

namespace {

bool may_see_task(const Identity& identity, const TaskRecord& task) {
    return identity.is_admin || (identity.project && identity.project == task.owner);
}

Error no_such_task(const TaskId& id) {
    return Error(Errc::not_found, "No task found with ID " + id.str());
}

// A local store's clone is asked for by the store's name; everything else is a vCenter's business.
bool could_reach(const store::Backend& backend, const CloneTarget& target) {
    const BackendInfo& info = backend.info();
    return info.type != "file" || info.id.str() == target.datastore;
}

}  // namespace

awaitable<Result<Location>> CloneService::choose_source(
    const Image& image, const CloneTarget& target, const Call& call
) {
    SLIPWAY_CO_TRY(auto locations, co_await catalog_.live_locations(image.id));
    backends_.sort_by_weight(locations);
    Error last(
        Errc::conflict,
        "No store that holds image " + image.id.str() +
            " can reach the target; name a datastore of its vCenter, or its local store."
    );
    for (const Location& location : locations) {
        const auto backend = backends_.find(location.backend);
        if (!backend || !could_reach(**backend, target)) continue;
        const store::CloneRequest request{location, target, TaskId()};
        const auto checked = co_await (*backend)->check_clone(request, call);
        if (checked) co_return location;
        last = checked.error();
    }
    co_return last;
}

awaitable<Result<TaskRecord>> CloneService::start(
    const Caller& caller, const ImageId& id, CloneTarget target
) {
    SLIPWAY_CO_TRY(
        const auto found, co_await find_authorized(catalog_, caller, id, Action::slipway_clone)
    );
    if (found.image.status != ImageStatus::active)
        co_return Error(
            Errc::conflict,
            "Only active images can be cloned; image " + id.str() + " is " +
                std::string(to_string(found.image.status)) + "."
        );
    SLIPWAY_CO_TRY(const Location source, co_await choose_source(found.image, target, caller.call));
    TaskRecord task;
    task.id = TaskId(new_uuid());
    task.kind = TaskKind::clone;
    task.image_id = id;
    task.owner = found.image.owner;
    task.location_id = source.id;
    task.input = clone_input_json(target);
    task.request_id = caller.call.request_id;
    SLIPWAY_CO_TRY(TaskRecord created, co_await catalog_.create_task(std::move(task)));
    log::info(
        caller.call,
        "clone.start.done",
        {{"task", created.id.str()},
         {"image", id.str()},
         {"datastore", target.datastore},
         {"path", target.path}}
    );
    runner_.notify();
    co_return created;
}

awaitable<Result<TaskRecord>> CloneService::task(const Caller& caller, const TaskId& id) {
    auto found = co_await catalog_.find_task(id);
    if (found && !may_see_task(caller.identity, *found)) co_return no_such_task(id);
    if (!found && found.error().code == Errc::not_found) co_return no_such_task(id);
    co_return found;
}

awaitable<Result<std::vector<TaskRecord>>> CloneService::tasks(
    const Caller& caller,
    std::optional<ImageId> image,
    std::optional<TaskId> marker,
    std::size_t limit
) {
    std::optional<std::string> owner;
    if (!caller.identity.is_admin) owner = caller.identity.project.value_or("");
    co_return co_await catalog_.list_tasks(owner, std::move(image), std::move(marker), limit);
}

awaitable<Result<TaskRecord>> CloneService::cancel(const Caller& caller, const TaskId& id) {
    SLIPWAY_CO_CHECK(co_await task(caller, id));
    auto cancelled = co_await catalog_.cancel_task(id);
    runner_.notify();
    co_return cancelled;
}

}  // namespace slipway::service
