#pragma once

#include "app/application.h"
#include "app/stores.h"
#include "auth/identity_service.h"
#include "auth/keystone.h"
#include "auth/limits.h"
#include "auth/nova_flavors.h"
#include "base/async.h"
#include "http/api/cache.h"
#include "http/api/front.h"
#include "http/api/image_data.h"
#include "http/api/images.h"
#include "http/api/imports.h"
#include "http/api/info.h"
#include "http/api/members.h"
#include "http/api/metadefs.h"
#include "http/api/slipway.h"
#include "http/api/tasks.h"
#include "net/guarded_fetch.h"
#include "service/activation.h"
#include "service/cache_service.h"
#include "service/clone_service.h"
#include "service/collector.h"
#include "service/copy_service.h"
#include "service/glance_download.h"
#include "service/image_data_service.h"
#include "service/image_service.h"
#include "service/import_service.h"
#include "service/key_manager.h"
#include "service/location_service.h"
#include "service/member_service.h"
#include "service/metadef_service.h"
#include "service/object_service.h"
#include "service/seed_service.h"
#include "service/store_service.h"
#include "service/task_runner.h"
#include "service/web_download.h"
#include "store/catalog.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

// What a server is made of; for the files that put it together.
namespace slipway::app {

// Asks the policy of `config`, which must outlive it.
service::PropertyProtections property_protections(const Config& config);

// An account of ours at Keystone, and the way there.
struct Cloud {
    Cloud(const asio::any_io_executor& executor, const CloudAccount& account)
        : http(executor, {.connect_timeout = account.connect_timeout}),
          wire(http, account.trust),
          session(wire, account.account) {}

    net::HttpClient http;
    auth::HttpRestClient wire;
    auth::ServiceSession session;
};

// In the order in which they need each other; destroyed the other way round.
struct Application::Parts {
    explicit Parts(const Config& c)
        : config(c),
          schema(config.images.disk_formats, config.images.container_formats, config.schema),
          io(static_cast<int>(config.process.io_threads)),
          pool(config.process.blocking_threads),
          outside(io.get_executor(), {}),
          fetch(outside, config.fetch_filter),
          background(io.get_executor()),
          tasks(io.get_executor()) {}

    Config config;
    SystemClock clock;
    ImageSchema schema;
    std::string server_id = new_uuid();
    asio::io_context io;
    BlockingPool pool;
    net::HttpClient outside;  // connections to what clients name
    net::GuardedFetch fetch;
    std::unique_ptr<store::Catalog> catalog;
    std::unique_ptr<Stores> storage;
    store::BackendSet* backends = nullptr;  // of `storage`
    TaskGroup background;                   // loops, and records of finished transfers
    TaskGroup tasks;                        // clones
    service::Transfers transfers;
    std::unique_ptr<Cloud> cloud;  // with keystone
    std::unique_ptr<auth::IdentityService> identity;
    net::HttpClient key_client{io.get_executor(), {}};
    service::KeyManager keys{key_client, config.key_manager, [this](const Call& call) {
                                 return key_manager_endpoint(call);
                             }};
    service::PropertyProtections protections = property_protections(config);
    std::unique_ptr<Cloud> limits_cloud;  // with use_keystone_limits
    std::unique_ptr<auth::Limits> limits;
    std::unique_ptr<service::UsageService> usage;
    std::unique_ptr<auth::NovaFlavors> flavors;  // with keystone
    std::unique_ptr<service::Collector> collector;
    std::unique_ptr<service::TaskRunner> runner;
    std::unique_ptr<service::ImageService> images;
    std::unique_ptr<service::ImageDataService> data;
    std::unique_ptr<service::MemberService> members;
    std::unique_ptr<service::MetadefService> metadefs;
    std::unique_ptr<service::CloneService> clones;
    std::unique_ptr<service::StoreService> stores;
    std::unique_ptr<service::DiskImporter> importer;
    std::unique_ptr<service::BootFormMaker> boot_forms;
    std::unique_ptr<service::SeedService> seeds;
    std::unique_ptr<service::CopyService> copies;
    std::unique_ptr<service::Activation> activation;
    std::unique_ptr<service::ImportPlugins> plugins;
    std::unique_ptr<service::WebDownload> web_download;
    std::unique_ptr<service::GlanceDownload> glance_download;  // with keystone
    std::unique_ptr<service::ImportService> imports;
    std::unique_ptr<service::ObjectService> objects;
    std::unique_ptr<service::LocationService> locations;
    std::unique_ptr<service::CacheService> cache;
    std::unique_ptr<http::api::ImagesApi> images_api;
    std::unique_ptr<http::api::ImageDataApi> data_api;
    std::unique_ptr<http::api::MembersApi> members_api;
    std::unique_ptr<http::api::MetadefsApi> metadefs_api;
    std::unique_ptr<http::api::InfoApi> info_api;
    std::unique_ptr<http::api::SlipwayApi> slipway_api;
    std::unique_ptr<http::api::ImportsApi> imports_api;
    std::unique_ptr<http::api::TasksApi> tasks_api;
    std::unique_ptr<http::api::CacheApi> cache_api;
    http::Router router;
    std::atomic<bool> draining = false;
    std::unique_ptr<http::api::Front> front;
    std::unique_ptr<http::Server> server;
    std::vector<std::uint16_t> ports;
    Wakeup stop_asked;

    // Runs `operation` on the event loop, which nobody else runs yet or any more.
    template <class T>
    Result<T> run_now(awaitable<Result<T>> operation) {
        auto future = asio::co_spawn(io, std::move(operation), asio::use_future);
        io.restart();
        while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) io.run_one();
        return future.get();
    }

    awaitable<Result<void>> claim_stores();
    void build_identity();
    awaitable<Result<std::string>> image_endpoint(
        std::string region, std::string interface, Call call
    );
    awaitable<Result<std::string>> key_manager_endpoint(Call call);
    void build_services();
    awaitable<Result<ProjectLimits>> project_limits(std::string project, Call call);
    void handle_tasks();
    void build_api();
    Result<void> listen();
    awaitable<void> renew_lease();
    awaitable<void> supervise();
    awaitable<void> shut_down();
};

}  // namespace slipway::app
