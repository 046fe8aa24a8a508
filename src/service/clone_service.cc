#include "service/clone_service.h"

#include "base/log.h"
#include "service/clone_input.h"
#include "service/image_service.h"
#include "service/stored_layout.h"

namespace slipway::service {

namespace {

Error no_such_task(const TaskId& id) {
    return Error(Errc::not_found, "No task found with ID " + id.str());
}

// Whether the target's name fits what the record says of a file that has no suffix.
bool fits(const Image& image, const CloneTarget& target) {
    return target.path.ends_with(".iso") ? image.disk_format == "iso" : is_hosted_sparse(image);
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
    SLIPWAY_CO_TRY(auto locations, co_await with_.catalog.live_locations(image.id));
    with_.backends.sort_by_weight(locations);
    Error last(
        Errc::conflict,
        "No store that holds image " + image.id.str() +
            " can reach the target; name a datastore of its vCenter, or its local store."
    );
    for (const Location& location : locations) {
        const auto backend = with_.backends.find(location.backend);
        if (!backend || !could_reach(**backend, target)) continue;
        if (location.is_unnamed() && !fits(image, target)) {
            last = Error(
                Errc::unsupported,
                "Of files as Glance names them, bare vmdk images with vmware_disktype = sparse can "
                "be cloned to a path that ends in .vmdk, and iso images to one that ends in .iso."
            );
            continue;
        }
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
        const auto found,
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::slipway_clone)
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
    SLIPWAY_CO_TRY(TaskRecord created, co_await with_.catalog.create_task(std::move(task)));
    log::info(
        caller.call,
        "clone.start.done",
        {{"task", created.id.str()},
         {"image", id.str()},
         {"datastore", target.datastore},
         {"path", target.path}}
    );
    with_.runner.notify();
    co_return created;
}

awaitable<Result<Account>> CloneService::run(
    const TaskRecord& task, store::CloneProgress& progress, const Call& call
) {
    SLIPWAY_CO_TRY(const CloneTarget target, read_clone_input(task.input));
    SLIPWAY_CO_TRY(const Location source, co_await with_.catalog.find_location(task.location_id));
    SLIPWAY_CO_TRY(store::Backend* const backend, with_.backends.find(source.backend));
    const store::CloneRequest request{source, target, task.id};
    co_return co_await backend->clone(request, task.checkpoint, progress, call);
}

awaitable<Result<TaskRecord>> CloneService::task(const Caller& caller, const TaskId& id) {
    auto found = co_await with_.catalog.find_task(id);
    if (found && !sees_task(caller.identity, *found)) co_return no_such_task(id);
    if (!found && found.error().code == Errc::not_found) co_return no_such_task(id);
    co_return found;
}

awaitable<Result<std::vector<TaskRecord>>> CloneService::tasks(
    const Caller& caller,
    std::optional<ImageId> image,
    std::optional<TaskId> marker,
    std::size_t limit
) {
    co_return co_await with_.catalog.list_tasks(
        owner_of_visible_tasks(caller.identity), std::move(image), std::move(marker), limit
    );
}

awaitable<Result<TaskRecord>> CloneService::cancel(const Caller& caller, const TaskId& id) {
    SLIPWAY_CO_TRY(const TaskRecord found, co_await task(caller, id));
    if (!may_cancel_task(caller.identity, found))
        co_return Error(
            Errc::forbidden, "You may not cancel this task; that takes the role member."
        );
    auto cancelled = co_await with_.catalog.cancel_task(id);
    with_.runner.notify();
    co_return cancelled;
}

}  // namespace slipway::service
