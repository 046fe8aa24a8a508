#include "service/import_service.h"

#include "base/log.h"
#include "service/import_checkpoint.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace slipway::service {

namespace {

constexpr std::size_t kMostTasks = 1000;  // of one image, in its list
constexpr std::string_view kReserved = "os_glance_";

ImageStatus status_for(ImportMethod method) {
    switch (method) {
        case ImportMethod::glance_direct:
            return ImageStatus::uploading;
        case ImportMethod::copy_image:
            return ImageStatus::active;
        default:
            return ImageStatus::queued;
    }
}

Result<void> check_image(const Image& image, const ImportRequest& request) {
    const ImageStatus wanted = status_for(request.method);
    if (image.status != wanted)
        return Error(
            Errc::conflict,
            "Import method " + std::string(to_string(request.method)) + " needs an image that is " +
                std::string(to_string(wanted)) + "; this one is " +
                std::string(to_string(image.status)) + "."
        );
    for (const auto& [name, value] :
         {std::pair("container_format", &image.container_format),
          std::pair("disk_format", &image.disk_format)})
        if (!*value)
            return Error(
                Errc::conflict, "The image has no " + std::string(name) + "; set it, then import."
            );
    if (request.method != ImportMethod::glance_download) return {};
    if (request.region.empty() || request.remote_image.empty())
        return Error(
            Errc::invalid_argument, "glance-download needs glance_region and glance_image_id."
        );
    if (!is_uuid(request.remote_image))
        return Error(
            Errc::invalid_argument, "The remote glance image id does not look like a UUID."
        );
    return {};
}

}  // namespace

Result<std::vector<BackendId>> ImportService::targets_of(const ImportRequest& request) const {
    const BackendId by_default = with_.backends.default_backend().info().id;
    if (!with_.backends.multi_store()) {
        if (!request.must_succeed)
            return Error(
                Errc::invalid_argument,
                "all_stores_must_succeed can only be false where several stores are configured."
            );
        return std::vector{by_default};
    }
    if (request.all_stores && (request.stores || request.header_store))
        return Error(
            Errc::invalid_argument,
            "all_stores can not be given together with stores or x-image-meta-store; choose one."
        );
    if (request.stores && request.header_store)
        return Error(
            Errc::invalid_argument,
            "stores and x-image-meta-store can not be given together; choose one."
        );
    std::vector<BackendId> targets;
    if (request.all_stores) {
        for (const auto& backend : with_.backends.all())
            if (!backend->info().read_only) targets.push_back(backend->info().id);
        return targets;
    }
    if (request.stores) targets = *request.stores;
    if (request.header_store) targets.push_back(*request.header_store);
    if (targets.empty()) targets.push_back(by_default);
    for (const BackendId& store : targets) {
        if (store.str().starts_with(kReserved))
            return Error(
                Errc::invalid_argument, "Store " + store.str() + " is not for images; name another."
            );
        const auto backend = with_.backends.find(store);
        if (!backend) return Error(Errc::conflict, "There is no store " + store.str() + ".");
        if ((*backend)->info().read_only)
            return Error(
                Errc::invalid_argument,
                "Store " + store.str() + " is read-only and takes no data; name another."
            );
    }
    return targets;
}

awaitable<Result<std::vector<BackendId>>> ImportService::targets_to_copy_to(
    const ImageId& id, const ImportRequest& request, std::vector<BackendId> targets
) {
    SLIPWAY_CO_TRY(const auto locations, co_await with_.catalog.live_locations(id));
    const auto is_there = [&](const BackendId& store) {
        return std::ranges::any_of(locations, [&](const Location& location) {
            return location.backend == store && location.holds_upload();
        });
    };
    if (request.all_stores) {
        std::erase_if(targets, is_there);
        co_return targets;
    }
    for (const BackendId& store : targets)
        if (is_there(store))
            co_return Error(
                Errc::invalid_argument,
                "Image is already available in store '" + store.str() + "'; leave it out."
            );
    co_return targets;
}

awaitable<Result<std::optional<TaskRecord>>> ImportService::start(
    const Caller& caller, const ImageId& id, ImportRequest request
) {
    SLIPWAY_CO_TRY(const auto found, co_await find_visible(with_.catalog, caller, id));
    const bool copies = request.method == ImportMethod::copy_image;
    const Target target{&found.image, found.shared_with_caller, {}, {}};
    const auto allowed = with_.policy.authorize(
        copies ? Action::copy_image : Action::modify_image, caller.identity, target
    );
    // As Glance: who may see the image is told of its status first.
    if (!allowed && allowed.error().code == Errc::not_found) co_return allowed.error();
    SLIPWAY_CO_CHECK(check_image(found.image, request));
    SLIPWAY_CO_CHECK(allowed);
    SLIPWAY_CO_TRY(auto targets, targets_of(request));
    if (copies) {
        SLIPWAY_CO_TRY(targets, co_await targets_to_copy_to(id, request, std::move(targets)));
        if (targets.empty()) co_return std::optional<TaskRecord>();
    }
    const bool is_staged = request.method == ImportMethod::glance_direct;
    SLIPWAY_CO_CHECK(co_await with_.data.allowance(
        found.image, is_staged ? found.image.size_bytes : std::nullopt
    ));
    const ImportInput input{std::move(request), std::move(targets)};
    SLIPWAY_CO_TRY(
        auto task,
        co_await begin(caller, found.image, input, "api_image_import", import_input_json(id, input))
    );
    co_return std::optional(std::move(task));
}

awaitable<Result<TaskRecord>> ImportService::begin(
    const Caller& caller,
    const Image& image,
    const ImportInput& input,
    std::string api_type,
    std::string shown_input
) {
    store::ImportStart start;
    start.task.id = TaskId(new_uuid());
    start.task.image_id = image.id;
    start.task.owner = image.owner;
    start.task.user = caller.identity.user;
    start.task.api_type = std::move(api_type);
    start.task.request_id = caller.call.request_id;
    start.task.input = std::move(shown_input);
    start.from = status_for(input.request.method);
    if (with_.plugins != nullptr && input.request.method != ImportMethod::copy_image)
        start.properties = with_.plugins->injected_properties(caller);
    if (input.request.method != ImportMethod::copy_image) {
        SLIPWAY_CO_TRY(const auto certificate, co_await with_.data.certificate_for(image, caller));
        if (certificate) start.task.checkpoint = keep_certificate(*certificate);
    }
    if (with_.backends.multi_store()) start.stores = input.targets;
    const auto fetcher = with_.fetchers.find(input.request.method);
    if (fetcher != with_.fetchers.end())
        SLIPWAY_CO_CHECK(co_await fetcher->second->check(caller, input.request, start.task));
    const TaskId id = start.task.id;
    auto task = co_await with_.catalog.begin_import(std::move(start));
    if (!task) {
        if (fetcher != with_.fetchers.end()) fetcher->second->forget(id);
        co_return task.error();
    }
    log::info(caller.call, "import.start.done", {{"task", id.str()}, {"image", image.id.str()}});
    with_.runner.notify();
    co_return task;
}

awaitable<Result<TaskRecord>> ImportService::start_new(
    const Caller& caller, Image image, std::string uri, std::string input
) {
    SLIPWAY_CO_CHECK(check_tasks_access(caller));
    ImportInput wish;
    wish.request.method = ImportMethod::web_download;
    wish.request.uri = std::move(uri);
    wish.targets.push_back(with_.backends.default_backend().info().id);
    const auto fetcher = with_.fetchers.find(ImportMethod::web_download);
    if (fetcher == with_.fetchers.end())
        co_return Error(Errc::unsupported, "Nothing can be downloaded by this server.");
    TaskRecord unborn;
    SLIPWAY_CO_CHECK(co_await fetcher->second->check(caller, wish.request, unborn));
    if (image.id.empty()) image.id = ImageId(new_uuid());
    SLIPWAY_CO_TRY(const auto created, co_await with_.images.create(caller, std::move(image)));
    auto task = co_await begin(caller, created.image, wish, std::string(kNewImageTask), input);
    if (!task) {
        const auto removed =
            co_await with_.catalog.delete_image(created.image.id, std::chrono::seconds(0));
        if (!removed)
            log::warning(caller.call, "import.image.kept", {{"error", removed.error().message}});
    }
    co_return task;
}

Result<void> ImportService::check_tasks_access(const Caller& caller) const {
    return with_.policy.authorize(Action::tasks_api_access, caller.identity, {});
}

awaitable<Result<std::vector<TaskRecord>>> ImportService::tasks(
    const Caller& caller, TaskQuery query
) {
    SLIPWAY_CO_CHECK(check_tasks_access(caller));
    query.owner = owner_of_visible_tasks(caller.identity);
    co_return co_await with_.catalog.list_api_tasks(std::move(query));
}

awaitable<Result<TaskRecord>> ImportService::task(const Caller& caller, const TaskId& id) {
    SLIPWAY_CO_CHECK(check_tasks_access(caller));
    auto found = co_await with_.catalog.find_task(id);
    if (!found && found.error().code != Errc::not_found) co_return found.error();
    if (!found || found->api_type.empty() || !sees_task(caller.identity, *found))
        co_return Error(Errc::not_found, "No task found with ID " + id.str());
    co_return found;
}

awaitable<Result<std::vector<TaskRecord>>> ImportService::tasks_of_image(
    const Caller& caller, const ImageId& id
) {
    SLIPWAY_CO_CHECK(
        co_await find_authorized(with_.catalog, with_.policy, caller, id, Action::get_image)
    );
    store::Catalog::ApiTaskQuery query;
    query.owner = owner_of_visible_tasks(caller.identity);
    query.image = id;
    query.limit = kMostTasks;
    co_return co_await with_.catalog.list_api_tasks(std::move(query));
}

}  // namespace slipway::service
