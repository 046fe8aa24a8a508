#include "app/application_parts.h"

namespace slipway::app {

namespace {

// Both wait for servers that users name, and must leave room for the clones and seeds of others.
constexpr std::size_t kParallelImports = service::TaskRunner::kParallelTasks / 2;
constexpr std::size_t kParallelLookups = service::TaskRunner::kParallelTasks / 4;

service::DataRules data_rules(const Config& config) {
    const ImageRules& rules = config.images;
    service::DataRules data;
    data.image_size_cap = static_cast<std::int64_t>(rules.size_cap_bytes);
    if (rules.project_quota_bytes > 0)
        data.user_storage_quota = static_cast<std::int64_t>(rules.project_quota_bytes);
    data.hashing_algorithm = rules.hashing_algorithm;
    data.formats = rules.formats;
    return data;
}

service::LocationRules location_rules(const Config& config) {
    const service::DataRules data = data_rules(config);
    service::LocationRules rules;
    rules.show_multiple_locations = config.api.locations.users_locations;
    rules.do_secure_hash = config.images.do_secure_hash;
    rules.http_retries = config.images.http_retries;
    rules.hashing_algorithm = data.hashing_algorithm;
    rules.formats = data.formats;
    rules.most_locations = config.images.location_quota;
    return rules;
}

}  // namespace

service::PropertyProtections property_protections(const Config& config) {
    service::PropertyProtections::ByPolicy by_policy;
    if (config.protection.by_policy)
        by_policy = [&policy = config.policy](const std::string& rule, const Identity& identity) {
            return policy.allows(rule, identity);
        };
    return {config.protection.rules, std::move(by_policy)};
}

void Application::Parts::build_identity() {
    if (!config.auth.keystone) {
        identity = std::make_unique<auth::NoIdentityService>();
        return;
    }
    cloud = std::make_unique<Cloud>(io.get_executor(), config.auth.account);
    identity =
        std::make_unique<auth::KeystoneIdentityService>(cloud->session, clock, config.auth.options);
}

// Of another region, for a coroutine that has arguments of its own.
awaitable<Result<std::string>> Application::Parts::image_endpoint(
    std::string region, std::string interface, Call call
) {
    co_return co_await cloud->session.endpoint_in("image", region, interface, call);
}

awaitable<Result<std::string>> Application::Parts::key_manager_endpoint(Call call) {
    if (!cloud) co_return Error(Errc::not_found, "There is no catalogue of services.");
    co_return co_await cloud->session.endpoint("key-manager", call);
}

void Application::Parts::build_services() {
    using namespace service;
    const Policy& policy = config.policy;
    auto executor = io.get_executor();
    collector = std::make_unique<Collector>(*catalog, *backends, transfers, background);
    runner = std::make_unique<TaskRunner>(TaskRunner::Dependencies{*catalog, tasks, server_id});
    LimitsOf limits_of;
    if (config.limits.keystone) {
        limits_cloud = std::make_unique<Cloud>(executor, config.limits.account);
        limits = std::make_unique<auth::Limits>(limits_cloud->session, config.limits.endpoint);
        limits_of = [this](const std::string& project, const Call& call) {
            return project_limits(project, call);
        };
    }
    usage = std::make_unique<UsageService>(*catalog, limits_of);
    const service::LocationVisibility visibility{
        config.api.locations.services,
        config.api.locations.users_locations,
        config.api.locations.users_direct_url,
        config.api.locations.full_answer_to_services};
    auto on_deleted = [this](const ImageId& id) {
        transfers.stop_uploads(id);
        collector->notify();
    };
    images = std::make_unique<ImageService>(ImageService::Dependencies{
        *catalog,
        *backends,
        policy,
        schema,
        visibility,
        on_deleted,
        &protections,
        &keys,
        limits_of,
        config.sites,
        config.images.keep_deleted});
    auto on_garbage = [this] { collector->notify(); };
    auto seed = [this](
                    const Image& image,
                    const Location& disk,
                    const std::function<bool()>& stopped,
                    const Call& call
                ) { return seeds->seed_before_active(image, disk, stopped, call); };
    importer = std::make_unique<DiskImporter>(DiskImporter::Dependencies{
        *catalog,
        *backends,
        pool,
        server_id,
        [this](const Image& image, const Location& disk, const Call& call) {
            return seeds->seed_imported(image, disk, call);
        }});
    boot_forms = std::make_unique<BootFormMaker>(BootFormMaker::Dependencies{
        *catalog, *backends, pool, *importer, server_id, [this] { runner->notify(); }});
    std::function<awaitable<Result<std::vector<std::uint64_t>>>(const Call&)> flavor_sizes;
    if (cloud) {
        flavors = std::make_unique<auth::NovaFlavors>(cloud->session, config.ingest.nova_endpoint);
        flavor_sizes = [this](const Call& call) { return flavors->root_disks(call); };
    }
    seeds = std::make_unique<SeedService>(SeedService::Dependencies{
        *catalog, *backends, policy, *runner, config.ingest.seeds, flavor_sizes});
    copies = std::make_unique<CopyService>(CopyService::Dependencies{
        *catalog,
        *backends,
        policy,
        *runner,
        pool,
        server_id,
        on_garbage,
        [this](const Image& image, const Location& copy, const Call& call) {
            return boot_forms->follow_copy(image, copy, call);
        }});
    activation = std::make_unique<Activation>(Activation::Dependencies{
        *catalog,
        transfers,
        *boot_forms,
        *importer,
        config.ingest.wait_for_boot_form,
        on_garbage,
        seed,
        [this](const ImageId& id, const Call& call) { return copies->copy_by_policy(id, call); }});
    data = std::make_unique<ImageDataService>(ImageDataService::Dependencies{
        *catalog,
        *backends,
        policy,
        transfers,
        pool,
        background,
        server_id,
        data_rules(config),
        on_garbage,
        *activation,
        &keys,
        limits_of});
    plugins = std::make_unique<ImportPlugins>(*backends, *data, config.imports.plugins);
    web_download = std::make_unique<WebDownload>(fetch);
    std::map<ImportMethod, ImportFetcher*> fetchers{
        {ImportMethod::web_download, web_download.get()}};
    if (cloud) {
        auto find_endpoint = [this](std::string region, std::string interface, const Call& call) {
            return image_endpoint(std::move(region), std::move(interface), call);
        };
        glance_download = std::make_unique<GlanceDownload>(GlanceDownload::Dependencies{
            outside,
            config.fetch_filter,
            config.auth.account.trust,
            find_endpoint,
            config.imports.region_properties,
            server_id});
        fetchers[ImportMethod::glance_download] = glance_download.get();
    }
    imports = std::make_unique<ImportService>(ImportService::Dependencies{
        *catalog,
        *backends,
        policy,
        *runner,
        *data,
        *copies,
        *activation,
        *images,
        config.images.formats,
        on_garbage,
        std::move(fetchers),
        plugins.get()});
    objects = std::make_unique<ObjectService>(ObjectService::Dependencies{
        *catalog, *backends, policy, *data, on_deleted});
    members = std::make_unique<MemberService>(*catalog, policy);
    metadefs = std::make_unique<MetadefService>(catalog->metadefs(), policy);
    clones = std::make_unique<CloneService>(CloneService::Dependencies{
        *catalog, *backends, policy, *runner});
    stores = std::make_unique<StoreService>(*catalog, *backends, policy);
    locations = std::make_unique<LocationService>(LocationService::Dependencies{
        *catalog,
        *backends,
        policy,
        *runner,
        pool,
        *images,
        *data,
        location_rules(config),
        on_garbage,
        config.sites});
    cache = std::make_unique<CacheService>(*catalog, policy, config.cache);
    handle_tasks();
}

// What Keystone says, which the catalogue keeps to from then on.
awaitable<Result<ProjectLimits>> Application::Parts::project_limits(
    std::string project, Call call
) {
    SLIPWAY_CO_TRY(const ProjectLimits found, co_await limits->of(project, call));
    SLIPWAY_CO_CHECK(co_await catalog->limit_project(project, found));
    co_return found;
}

void Application::Parts::handle_tasks() {
    using Progress = store::CloneProgress;
    runner->handle(
        TaskKind::clone,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return clones->run(task, progress, call);
        }
    );
    runner->handle(
        TaskKind::boot_form,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return boot_forms->run(task, progress, call);
        },
        {.is_put_off_by = &service::is_tried_again_after}
    );
    runner->handle(
        TaskKind::seed,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return seeds->run_task(task, progress, call);
        }
    );
    const auto copy = [this](const TaskRecord& task, Progress& progress, const Call& call) {
        return copies->run_task(task, progress, call);
    };
    runner->handle(TaskKind::copy, copy);
    runner->handle(TaskKind::evacuate, copy);
    runner->handle(
        TaskKind::location_import,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return locations->run(task, progress, call);
        },
        {.at_a_time = kParallelLookups}
    );
    runner->handle(
        TaskKind::import,
        [this](const TaskRecord& task, Progress& progress, const Call& call) {
            return imports->run(task, progress, call);
        },
        {.at_a_time = kParallelImports}
    );
}

}  // namespace slipway::app
