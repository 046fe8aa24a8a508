#pragma once

#include "app/config_auth.h"
#include "app/config_reader.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "format/inspector.h"
#include "http/api/health.h"
#include "http/cors.h"
#include "http/server.h"
#include "model/image_schema.h"
#include "model/store_info.h"
#include "net/fetch_filter.h"
#include "net/tls.h"
#include "service/cache_service.h"
#include "service/import_input.h"
#include "service/import_plugins.h"
#include "service/key_manager.h"
#include "service/policy.h"
#include "service/property_protection.h"
#include "service/seed_service.h"
#include "service/sites.h"
#include "store/catalog.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

// The configuration: read once, checked whole, handed on as plain structs, one for each consumer.
// What an option means stands in schema/options.json and docs/configuration.md.
namespace slipway::app {

// A folder of a store of type file. The highest priority with room takes the next image.
struct DataFolder {
    std::string path;
    int priority = 0;

    friend bool operator==(const DataFolder&, const DataFolder&) = default;
};

struct FileStoreConfig {
    std::vector<DataFolder> folders;  // at least one
    std::string clone_root;           // empty: no clones
    std::string publish_as;  // vsphere:// URL of the folder's datastore; empty: not published
};

struct VsphereDatastore {
    std::string datacenter;  // inventory path, as it was written
    std::string name;
    int weight = 0;

    friend bool operator==(const VsphereDatastore&, const VsphereDatastore&) = default;
};

// Where clones may be made.
struct CloneTargetRule {
    std::string datacenter;
    std::string datastore;  // empty: any of the datacenter

    friend bool operator==(const CloneTargetRule&, const CloneTargetRule&) = default;
};

struct VsphereStoreConfig {
    std::string host;  // without brackets
    std::uint16_t port = 443;
    std::string username;
    Secret password;
    net::TlsTrust trust;
    std::vector<VsphereDatastore> datastores;  // at least one
    std::string image_directory;  // relative to a datastore's root, without slashes at its ends
    int retries = 10;
    bool direct_transfer = true;
    std::uint16_t esx_port = 443;
    std::vector<CloneTargetRule> clone_targets;  // empty: everywhere
    std::size_t clones_per_datastore = 8;
    std::size_t clones_per_host = 4;
};

// A store of locations on web servers.
struct HttpStoreConfig {
    net::TlsTrust trust;
};

struct StoreConfig {
    BackendId id;
    std::string description;
    int weight = 0;
    bool is_default = false;
    BootFormMode boot_form = BootFormMode::sparse;
    std::size_t copies = 1;  // datastores of the store that hold every image
    std::variant<FileStoreConfig, VsphereStoreConfig, HttpStoreConfig> backend;

    [[nodiscard]] bool takes_images() const {
        return !std::holds_alternative<HttpStoreConfig>(backend);
    }
};

struct DatabaseConfig {
    Secret connection;  // may hold a password
    Secret password;
    store::CatalogLimits limits;

    [[nodiscard]] store::CatalogOptions catalog_options() const {
        return {.connection = connection.reveal(), .password = password.reveal(), .limits = limits};
    }
};

// What may be stored. Negative quotas are no limit.
struct ImageRules {
    std::vector<std::string> disk_formats;
    std::vector<std::string> container_formats;
    format::FormatPolicy formats;
    std::uint64_t size_cap_bytes = 0;
    std::uint64_t project_quota_bytes = 0;  // 0: no limit
    std::string hashing_algorithm;
    int location_quota = 10;  // negative: no limit
    bool do_secure_hash = true;
    int http_retries = 3;
    std::chrono::seconds keep_deleted{0};
    // Of store::CatalogLimits as well: for the API's own answers.
    store::CatalogLimits limits;
};

// Who is shown direct_url and locations.
struct LocationVisibility {
    bool services = true;
    bool users_direct_url = false;
    bool users_locations = false;
    bool full_answer_to_services = false;  // of GET …/locations
};

struct ApiConfig {
    std::string public_endpoint;  // no slash at its end; empty: made from the request
    bool believe_proxy_headers = false;
    http::api::HealthOptions health;
    std::vector<http::CorsOptions> cors;  // empty: no page of another origin
    std::size_t longest_request_id = 64;
    std::size_t list_default = 25;
    std::size_t list_max = 1000;
    json::Limits json;
    LocationVisibility locations;
    // What makes a caller a service.
    bool face_by_token = true;
    bool face_by_listener = true;
};

// What is made of an upload beside what is stored.
struct IngestConfig {
    bool wait_for_boot_form = true;
    std::vector<service::SeedPolicy> seeds;
    std::string nova_endpoint;  // empty: by Keystone's catalogue
};

// How data come in besides uploads.
struct ImportConfig {
    std::vector<service::ImportMethod> methods;  // in the order of the configuration
    service::ImportPluginOptions plugins;
    std::vector<std::string> region_properties;  // that glance-download takes over: how they begin
    std::chrono::seconds task_time_to_live{48 * 3600};
};

// Who may do what with which additional properties.
struct ProtectionConfig {
    std::vector<service::PropertyRule> rules;
    bool by_policy = false;         // they name policies, not roles
    std::vector<Written> policies;  // those, and where
};

struct ProcessConfig {
    std::size_t io_threads = 2;
    std::size_t blocking_threads = 8;
    std::chrono::seconds drain{0};
    std::chrono::seconds shutdown_grace{300};
};

struct Config {
    std::vector<http::ListenerOptions> listeners;  // users first; services, where configured
    http::ServerLimits http;
    ApiConfig api;
    ImageRules images;
    std::optional<DeclaredProperties> schema;  // of schema-image.json
    DatabaseConfig database;
    std::vector<StoreConfig> stores;  // exactly one is the default
    bool multi_store = false;         // they were named in enabled_backends
    AuthConfig auth;
    LimitsConfig limits;
    service::Policy policy;
    IngestConfig ingest;
    net::FetchFilter fetch_filter;  // for URLs that clients give
    ImportConfig imports;
    ProtectionConfig protection;
    service::CacheRules cache;
    service::KeyManager::Options key_manager;
    std::vector<service::Site> sites;
    ProcessConfig process;
    log::Options log;
    // Worth a line in the log at start: path:12: what.
    std::vector<std::string> warnings;
};

// Where the configuration is read from; later files win, the environment wins over files.
struct ConfigSources {
    std::vector<std::string> files;
    std::vector<std::string>
        directories;  // their *.conf in the order of their names, after `files`
    // A folder that holds everything, on loopback, without authentication: instead of files.
    std::optional<std::string> dev_directory;
    // The process's, by name.
    std::map<std::string, std::string> environment;
    // The text of one more file, read last.
    std::string last_text;
};

// With neither files nor directories: the first slipway.conf of ~/.slipway, ~, /etc/slipway and
// /etc, and slipway.conf.d beside it. Reads the process's environment.
ConfigSources default_sources(ConfigSources sources);

struct ConfigReport {
    std::optional<Config> config;  // absent when there is a mistake
    std::vector<Finding> findings;
    std::vector<ShownSetting> settings;
    std::vector<WrittenOption> written;

    [[nodiscard]] bool has(Severity severity) const;
};

// Reads and checks everything; nothing stops at the first mistake.
ConfigReport read_config(const ConfigSources& sources);

// The same for the server. Errors: invalid_argument, whose message lists every mistake, one per
// line.
Result<Config> load(const ConfigSources& sources);

// What becomes of uploads, and [seed:NAME]; part of read_config.
IngestConfig read_ingest(ConfigReader& reader, bool with_keystone);
// Who may do what; part of read_config. Relative paths are looked for beside the files.
// `named_elsewhere`: policies that another file names, and where.
service::Policy read_policy(
    ConfigReader& reader, const ConfigSources& sources, const std::vector<Written>& named_elsewhere
);
// What schema-image.json beside a configuration file declares; part of read_config. Absent: there
// is none.
std::optional<DeclaredProperties> read_schema(const ConfigSources& sources, ConfigReader& reader);
// property_protection_file; part of read_config.
ProtectionConfig read_protection(ConfigReader& reader, const ConfigSources& sources);
// [import_filtering_opts]; part of read_config.
net::FetchFilter read_fetch_filter(ConfigReader& reader);
// What stands before the API; part of read_config. `listeners` are read already.
std::vector<http::CorsOptions> read_cors(ConfigReader& reader);
http::api::HealthOptions read_health(
    ConfigReader& reader, const std::vector<http::ListenerOptions>& listeners
);
// How data are imported; part of read_config.
ImportConfig read_imports(ConfigReader& reader, bool keystone);
// [site:NAME]; part of read_config, after the stores.
std::vector<service::Site> read_sites(ConfigReader& reader, const std::vector<StoreConfig>& stores);
// Fills in the stores; part of read_config.
void read_stores(ConfigReader& reader, Config& config);

}  // namespace slipway::app
