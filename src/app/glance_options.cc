// Options of Glance that slipway does not have. What schema/options.json knows is not asked here.
#include "app/glance_config.h"

#include <array>

namespace slipway::app {

namespace {

constexpr auto kNotNeeded = ImportVerdict::not_needed;
constexpr auto kNotSupported = ImportVerdict::not_supported;

constexpr std::string_view kNoBus = "slipway has no message bus";
constexpr std::string_view kNoNotifications = "no notifications are sent";
constexpr std::string_view kOwnLog = "the log goes to standard error, or to log_file";
constexpr std::string_view kNoRegistry = "Glance itself has no registry any more";
constexpr std::string_view kNoScrubber =
    "slipway removes what is deleted by itself, and tries again";
constexpr std::string_view kOneSession = "the catalogue has one session of its own";
constexpr std::string_view kNoStaging = "what Glance stages there goes straight to the stores";
constexpr std::string_view kOneProcess = "slipway is one process and listens itself";

// A group or a name that ends in '*' stands for all that begin so; the first that fits counts.
struct Known {
    std::string_view group;
    std::string_view name;
    ImportVerdict verdict;
    std::string_view why;
};

constexpr std::array kKnown{
    Known{"DEFAULT", "transport_url", kNotNeeded, kNoBus},
    Known{"DEFAULT", "rpc_*", kNotNeeded, kNoBus},
    Known{"DEFAULT", "control_exchange", kNotNeeded, kNoBus},
    Known{"DEFAULT", "executor_thread_pool_size", kNotNeeded, kNoBus},
    Known{"DEFAULT", "default_publisher_id", kNotSupported, kNoNotifications},
    Known{"DEFAULT", "disabled_notifications", kNotSupported, kNoNotifications},
    Known{"DEFAULT", "notification_*", kNotSupported, kNoNotifications},
    Known{"DEFAULT", "log_*", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "logging_*", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "use_syslog", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "use_journal", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "use_json", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "use_stderr", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "use_eventlog", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "syslog_log_facility", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "default_log_levels", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "publish_errors", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "verbose", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "fatal_deprecations", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "watch_log_file", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "rate_limit_*", kNotNeeded, kOwnLog},
    Known{"DEFAULT", "instance_*", kNotNeeded, kOwnLog},
    Known{
        "DEFAULT", "worker_self_reference_url", kNotNeeded, "any server can go on with an import"},
    Known{"DEFAULT", "node_staging_uri", kNotNeeded, kNoStaging},
    Known{"DEFAULT", "registry_*", kNotNeeded, kNoRegistry},
    Known{"DEFAULT", "data_api", kNotNeeded, kNoRegistry},
    Known{"DEFAULT", "enable_v1_*", kNotNeeded, "there is version 2 only"},
    Known{"DEFAULT", "enable_v2_*", kNotNeeded, "version 2 is always served"},
    Known{"DEFAULT", "scrub_pool_size", kNotNeeded, kNoScrubber},
    Known{"DEFAULT", "scrubber_datadir", kNotNeeded, kNoScrubber},
    Known{"DEFAULT", "wakeup_time", kNotNeeded, kNoScrubber},
    Known{"DEFAULT", "restore", kNotNeeded, kNoScrubber},
    Known{"DEFAULT", "backlog", kNotNeeded, kOneProcess},
    Known{"DEFAULT", "tcp_keepidle", kNotNeeded, kOneProcess},
    Known{"DEFAULT", "client_socket_timeout", kNotNeeded, "[http] stall_limit cuts slow clients"},
    Known{"DEFAULT", "graceful_shutdown_timeout", kNotNeeded, "see [http] shutdown_grace"},
    Known{"DEFAULT", "http_keepalive", kNotNeeded, kOneProcess},
    Known{"DEFAULT", "pydev_worker_debug_*", kNotNeeded, kOneProcess},
    Known{"DEFAULT", "metadata_encryption_key", kNotSupported, "locations are not encrypted"},
    Known{"DEFAULT", "allow_additional_image_properties", kNotNeeded, "they are always allowed"},
    Known{"DEFAULT", "enforce_secure_rbac", kNotNeeded, "see [oslo_policy]"},
    Known{"DEFAULT", "admin_role", kNotNeeded, "see [oslo_policy]"},
    Known{"DEFAULT", "cinder_*", kNotSupported, "there is no store of that type"},
    Known{"DEFAULT", "swift_*", kNotSupported, "there is no store of that type"},
    Known{"DEFAULT", "secure_proxy_ssl_header", kNotNeeded, "see [oslo_middleware]"},
    Known{"database", "*", kNotNeeded, kOneSession},
    Known{"glance_store", "rbd_*", kNotSupported, "there is no store of that type"},
    Known{"glance_store", "cinder_*", kNotSupported, "there is no store of that type"},
    Known{"glance_store", "swift_*", kNotSupported, "there is no store of that type"},
    Known{
        "glance_store", "default_swift_reference", kNotSupported, "there is no store of that type"},
    Known{"glance_store", "s3_*", kNotSupported, "there is no store of that type"},
    Known{"keystone_authtoken", "*", kNotNeeded, "tokens are kept in the memory of the server"},
    Known{"oslo_messaging_notifications", "*", kNotSupported, kNoNotifications},
    Known{"oslo_messaging_*", "*", kNotNeeded, kNoBus},
    Known{"oslo_concurrency", "*", kNotNeeded, kOneProcess},
    Known{"oslo_reports", "*", kNotNeeded, kOneProcess},
    Known{"oslo_policy", "*", kNotNeeded, "policy_file has all rules"},
    Known{"oslo_middleware", "*", kNotNeeded, "see [http]"},
    Known{"taskflow_executor", "*", kNotNeeded, "tasks run in the server"},
    Known{"task", "*", kNotNeeded, "tasks run in the server"},
    Known{
        "image_import_opts",
        "max_parallel_stores",
        kNotNeeded,
        "an import fills its stores one by one"},
    Known{"wsgi", "*", kNotNeeded, kOneProcess},
    Known{"profiler", "*", kNotSupported, "there is no tracing"},
    Known{"key_manager", "*", kNotNeeded, "see [barbican]"},
    Known{"vault", "*", kNotSupported, "keys are kept in Barbican"},
    Known{"healthcheck", "*", kNotNeeded, "/healthcheck is always there"},
    Known{"os_glance_*", "*", kNotNeeded, kNoStaging},
    Known{"store_type_location_strategy", "*", kNotNeeded, "see weight of the stores"},
    Known{"paste_deploy", "*", kNotNeeded, "slipway has no pipeline file"},
};

bool fits(std::string_view pattern, std::string_view text) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == text;
    const auto head = pattern.substr(0, star);
    const auto tail = pattern.substr(star + 1);
    return text.size() >= head.size() + tail.size() && text.starts_with(head) &&
           text.ends_with(tail);
}

}  // namespace

std::optional<GlanceOption> glance_option(std::string_view group, std::string_view name) {
    for (const Known& known : kKnown)
        if (fits(known.group, group) && fits(known.name, name))
            return GlanceOption{known.verdict, known.why};
    return std::nullopt;
}

}  // namespace slipway::app
