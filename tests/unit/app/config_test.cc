#include "app/config.h"

#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

TEST(Config, HasDefaultsForEverything) {
    const auto config = load({});
    ASSERT_TRUE(config) << config.error().message;
    ASSERT_THAT(config->listeners, SizeIs(1));
    EXPECT_EQ(config->listeners[0].address, "127.0.0.1");
    EXPECT_EQ(config->listeners[0].port, 9292);
    EXPECT_EQ(config->listeners[0].kind, http::Listener::users);
    EXPECT_EQ(config->http.header_bytes, 32768U);
    EXPECT_EQ(config->http.stall_limit, std::chrono::seconds(60));
    EXPECT_EQ(config->api.list_default, 25U);
    EXPECT_EQ(config->api.list_max, 1000U);
    EXPECT_EQ(config->api.json.bytes, 1048576U);
    EXPECT_TRUE(config->api.face_by_token);
    EXPECT_TRUE(config->api.face_by_listener);
    EXPECT_EQ(config->images.size_cap_bytes, 1099511627776U);
    EXPECT_EQ(config->images.project_quota_bytes, 0U);
    EXPECT_EQ(config->images.hashing_algorithm, "sha512");
    EXPECT_EQ(config->images.limits.properties, 128);
    EXPECT_THAT(config->images.disk_formats, Contains("vmdk"));
    EXPECT_EQ(
        config->database.catalog_options().connection, "sqlite:////var/lib/slipway/catalog.db"
    );
    ASSERT_THAT(config->stores, SizeIs(1));
    EXPECT_EQ(config->stores[0].id.str(), "file");
    EXPECT_TRUE(config->stores[0].is_default);
    EXPECT_THAT(config->warnings, IsEmpty());
}

TEST(Config, DefaultsOfTheTableAreThoseOfTheStructs) {
    const auto config = load({});
    ASSERT_TRUE(config);
    const http::ServerLimits http;
    EXPECT_EQ(config->http.header_bytes, http.header_bytes);
    EXPECT_EQ(config->http.header_value_bytes, http.header_value_bytes);
    EXPECT_EQ(config->http.header_fields, http.header_fields);
    EXPECT_EQ(config->http.connections, http.connections);
    EXPECT_EQ(config->http.connections_per_address, http.connections_per_address);
    EXPECT_EQ(config->http.header_timeout, http.header_timeout);
    EXPECT_EQ(config->http.idle_timeout, http.idle_timeout);
    EXPECT_EQ(config->http.min_bytes_per_second, http.min_bytes_per_second);
    EXPECT_EQ(config->api.json.depth, json::Limits{}.depth);
}

TEST(Config, ReportsEveryMistakeInOneRun) {
    ConfigFolder folder;
    EXPECT_THAT(
        folder.findings("[DEFAULT\n"
                        "[DEFAULT]\n"
                        "bind_port = 99999\n"
                        "debug = falsch\n"
                        "hashing_algorithm = md5\n"
                        "nonsense\n"
                        "image_size_cap = 10 XB\n"
                        "[http]\n"
                        "header_timeout = 10s\n"
                        "[database]\n"
                        "connection = oracle://x\n"),
        testing::UnorderedElementsAre(
            "slipway.conf:1: the section has no closing bracket; write [name]",
            "slipway.conf:6: this is no section, comment or assignment; write option = value",
            "slipway.conf:3: [DEFAULT] bind_port is \"99999\"; write a whole number from 0 to "
            "65535",
            "slipway.conf:4: [DEFAULT] debug is \"falsch\", which is no boolean; write true or "
            "false",
            "slipway.conf:5: [DEFAULT] hashing_algorithm is \"md5\"; write one of sha256, sha384, "
            "sha512",
            "slipway.conf:7: [DEFAULT] image_size_cap is \"10 XB\"; write a whole number of at "
            "least 1 bytes",
            "slipway.conf:9: [http] header_timeout is \"10s\"; write a whole number from 1 to 3600 "
            "seconds",
            "slipway.conf:11: [database] connection is no database of ours; write "
            "sqlite:////absolute/path or "
            "postgresql://user@host/name"
        )
    );
    EXPECT_FALSE(folder.read("[http]\nheader_timeout = 10s\n").config);
}

TEST(Config, LoadFailsWithAllMistakesAndNoWarnings) {
    ConfigFolder folder;
    folder.sources.files.push_back(
        folder.write("a.conf", "[DEFAULT]\ndebug = maybe\nbind_prt = 1\nbind_port = x\n")
    );
    const auto config = load(folder.sources);
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().code, Errc::invalid_argument);
    EXPECT_THAT(
        config.error().message,
        AllOf(
            HasSubstr("a.conf:2: "),
            HasSubstr("a.conf:4: "),
            HasSubstr("\n"),
            Not(HasSubstr("bind_prt"))
        )
    );
}

TEST(Config, TakesOnlyTheWordsForBooleans) {
    ConfigFolder folder;
    for (const char* word : {"true", "True", "1", "yes", "ON"}) {
        const auto report =
            folder.read("[oslo_middleware]\nenable_proxy_headers_parsing = " + std::string(word));
        ASSERT_TRUE(report.config) << word;
        EXPECT_TRUE(report.config->api.believe_proxy_headers) << word;
    }
    for (const char* word : {"false", "FALSE", "0", "no", "Off"}) {
        const auto report =
            folder.read("[oslo_middleware]\nenable_proxy_headers_parsing = " + std::string(word));
        ASSERT_TRUE(report.config) << word;
        EXPECT_FALSE(report.config->api.believe_proxy_headers) << word;
    }
    for (const char* word : {"", "flase", "2", "t", "none", "false # no", "true,false"}) {
        const auto report =
            folder.read("[oslo_middleware]\nenable_proxy_headers_parsing = " + std::string(word));
        EXPECT_FALSE(report.config) << word;
    }
}

TEST(Config, ReadsSizesWithUnits) {
    ConfigFolder folder;
    const auto quota = [&folder](const std::string& text) {
        const auto report = folder.read("[DEFAULT]\nuser_storage_quota = " + text + "\n");
        return report.config ? static_cast<std::int64_t>(report.config->images.project_quota_bytes)
                             : -1;
    };
    EXPECT_EQ(quota("5"), 5);
    EXPECT_EQ(quota("5B"), 5);
    EXPECT_EQ(quota("5KB"), 5120);
    EXPECT_EQ(quota("2 GB"), 2147483648);
    EXPECT_EQ(quota("1TB"), 1099511627776);
    EXPECT_EQ(quota("9000000TB"), -1);
    EXPECT_EQ(quota("8388608TB"), -1);
    EXPECT_EQ(quota("99999999999999999999"), -1);
    EXPECT_EQ(quota("-1"), -1);
    EXPECT_EQ(quota("1.5GB"), -1);
    EXPECT_EQ(quota("0x10"), -1);
}

TEST(Config, LaterFilesWinAndTheEnvironmentWinsOverThem) {
    ConfigFolder folder;
    folder.sources.files = {
        folder.write(
            "a.conf", "[DEFAULT]\nbind_port = 1\napi_limit_max = 10\nlimit_param_default = 7\n"
        ),
        folder.write("b.conf", "[DEFAULT]\nbind_port = 2\napi_limit_max = 20\n"),
    };
    folder.write("d/20.conf", "[DEFAULT]\nbind_port = 4\n");
    folder.write("d/10.conf", "[DEFAULT]\nbind_port = 3\n");
    folder.write("d/30.conf.bak", "[DEFAULT]\nbind_port = 5\n");
    folder.sources.directories = {folder.path("d")};
    folder.sources.environment = {
        {"OS_DEFAULT__API_LIMIT_MAX", "30"}, {"OS_AUTH_URL", "http://keystone"}};
    const auto config = load(folder.sources);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->listeners[0].port, 4);
    EXPECT_EQ(config->api.list_max, 30U);
    EXPECT_EQ(config->api.list_default, 7U);
    EXPECT_THAT(config->warnings, IsEmpty());
}

TEST(Config, NamesTheVariableOfAMistake) {
    ConfigFolder folder;
    folder.sources.environment = {{"OS_HTTP__IO_THREADS", "many"}, {"OS_HTTP__IO_THREDS", "2"}};
    EXPECT_THAT(
        folder.findings(""),
        ElementsAre(
            "environment OS_HTTP__IO_THREADS: [http] io_threads is \"many\"; write a whole number "
            "from 1 to 256",
            "environment OS_HTTP__IO_THREDS: [http] io_threds is not an option of this version and "
            "is ignored; did you "
            "mean io_threads?"
        )
    );
}

TEST(Config, ReportsFilesThatCanNotBeRead) {
    ConfigFolder folder;
    folder.sources.files = {folder.path("absent.conf")};
    folder.sources.directories = {folder.path("absent.d")};
    EXPECT_THAT(
        folder.lines_of(read_config(folder.sources)),
        ElementsAre(
            "absent.conf: can not be read (No such file or directory); check the path and its "
            "permissions",
            "absent.d: can not be read (No such file or directory); check the path and its "
            "permissions"
        )
    );
}

TEST(Config, ReplacesReferences) {
    ConfigFolder folder;
    const auto report = folder.read(
        "[DEFAULT]\n"
        "log_dir = /var/log\n"
        "log_file = $log_dir/x/${http.io_threads}.log\n"
        "[http]\n"
        "json_bytes = $DEFAULT.image_property_quota\n"
        "header_bytes = $json_bytes\n"
        "[database]\n"
        "connection = sqlite:///${DEFAULT.log_dir}/$$.db\n"
    );
    EXPECT_THAT(
        folder.lines_of(report),
        ElementsAre(
            "slipway.conf:6: [http] header_bytes is \"128\"; write a whole number from 1024 to "
            "1048576",
            "slipway.conf:5: [http] json_bytes is \"128\"; write a whole number from 1024 to "
            "67108864"
        )
    );
    const auto good = folder.read(
        "[DEFAULT]\nlog_dir = /var/log\nlog_file = x/${http.io_threads}.log\n"
        "[database]\nconnection = sqlite:///$DEFAULT.log_dir/$$.db\n"
    );
    ASSERT_TRUE(good.config);
    EXPECT_EQ(good.config->log.file, "/var/log/x/2.log");
    EXPECT_EQ(good.config->database.connection.reveal(), "sqlite:////var/log/$.db");
}

TEST(Config, RefusesReferencesInACircleAndToNothingAndToSecrets) {
    ConfigFolder folder;
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nlog_dir = $log_file\nlog_file = $log_dir\npublic_endpoint = "
                        "http://$nowhere\n"
                        "[healthcheck]\ndisable_by_file_path = $database.connection\n"),
        testing::UnorderedElementsAre(
            "slipway.conf:2: [DEFAULT] log_dir: its references go round in a circle; write the "
            "value itself",
            "slipway.conf:3: [DEFAULT] log_file: its references go round in a circle; write the "
            "value itself",
            "slipway.conf:4: [DEFAULT] public_endpoint: a '$' is followed by a name that is no "
            "option; write $$ for a "
            "dollar",
            "slipway.conf:6: [healthcheck] disable_by_file_path: it refers to a secret option, "
            "which would show it; "
            "write the value itself"
        )
    );
}

TEST(Config, NamesTheNearestOptionForATypo) {
    ConfigFolder folder;
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nbind-prt = 1\nlocation_strategy = x\n"
                        "[databse]\nx = 1\ny = 2\n"),
        ElementsAre(
            "slipway.conf:2: [DEFAULT] bind_prt is not an option of this version and is ignored; "
            "did you mean bind_port?",
            "slipway.conf:3: [DEFAULT] location_strategy is not an option of this version and is "
            "ignored",
            "slipway.conf:5: section [databse] is not used by this version; its options are "
            "ignored; did you mean "
            "[database]?"
        )
    );
}

TEST(Config, TakesOldNamesWithAWarning) {
    ConfigFolder folder;
    const auto report = folder.read(
        "[DEFAULT]\nsql_connection = sqlite:////x/y.db\ndisk_formats = raw\nlogfile = a.log\n"
    );
    ASSERT_TRUE(report.config);
    EXPECT_EQ(report.config->database.connection.reveal(), "sqlite:////x/y.db");
    EXPECT_THAT(report.config->images.disk_formats, ElementsAre("raw"));
    EXPECT_EQ(report.config->log.file, "a.log");
    EXPECT_THAT(
        folder.lines_of(report),
        testing::UnorderedElementsAre(
            "slipway.conf:2: [DEFAULT] sql_connection is an old name; write [database] connection",
            "slipway.conf:3: [DEFAULT] disk_formats is an old name; write [image_format] "
            "disk_formats",
            "slipway.conf:4: [DEFAULT] logfile is an old name; write [DEFAULT] log_file"
        )
    );
}

TEST(Config, ExplainsAValueThatRunsOverSeveralLines) {
    ConfigFolder folder;
    EXPECT_THAT(
        folder.findings("[DEFAULT]\npublic_endpoint = http://x\n  # a comment that is none\n"),
        ElementsAre(
            AllOf(StartsWith("slipway.conf:2: [DEFAULT] public_endpoint runs over several lines"))
        )
    );
    EXPECT_THAT(folder.findings("[image_format]\ndisk_formats = raw,\n  qcow2\n"), IsEmpty());
    EXPECT_THAT(
        folder.findings("[image_format]\ndisk_formats = raw\n  qcow2\n"),
        Contains(HasSubstr("has a line without a comma before it"))
    );
}

TEST(ConfigAuthentication, IsNeededBeyondLoopback) {
    ConfigFolder folder;
    for (const char* address : {"0.0.0.0", "192.0.2.1", "::", "[::]", "2001:db8::1"}) {
        const auto findings =
            folder.findings("[DEFAULT]\nbind_host = " + std::string(address) + "\n");
        EXPECT_THAT(
            findings, ElementsAre(HasSubstr("without keystone every caller is an administrator"))
        ) << address;
    }
    for (const char* address : {"127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost"}) {
        EXPECT_THAT(
            folder.findings("[DEFAULT]\nbind_host = " + std::string(address) + "\n"), IsEmpty()
        ) << address;
    }
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nbind_host = images.example\n"),
        ElementsAre(HasSubstr("write an IP address, or localhost"))
    );
    EXPECT_THAT(
        folder.findings("[service_api]\nbind_host = 0.0.0.0\nbind_port = 9294\n"),
        ElementsAre(HasSubstr("[service_api] bind_host"))
    );
}

TEST(ConfigListeners, AddOneForServicesWhereItHasAPort) {
    ConfigFolder folder;
    const auto certificate = folder.write("cert.pem", "certificate");
    const auto key = folder.write("key.pem", "key");
    const auto report = folder.read(
        "[DEFAULT]\ncert_file = " + certificate + "\nkey_file = " + key +
        "\n[service_api]\nbind_host = ::1\n" + "bind_port = 0\nface_by = listener\n"
    );
    ASSERT_TRUE(report.config);
    ASSERT_THAT(report.config->listeners, SizeIs(2));
    EXPECT_EQ(report.config->listeners[1].address, "::1");
    EXPECT_EQ(report.config->listeners[1].port, 0);
    EXPECT_EQ(report.config->listeners[1].kind, http::Listener::services);
    EXPECT_EQ(report.config->listeners[1].tls.certificate_file, certificate);
    EXPECT_FALSE(report.config->api.face_by_token);
    EXPECT_TRUE(report.config->api.face_by_listener);
}

TEST(ConfigListeners, RefuseHalfATlsPairAndAPortTwice) {
    ConfigFolder folder;
    EXPECT_THAT(
        folder.findings("[DEFAULT]\ncert_file = /absent.pem\n[service_api]\nbind_port = 9292\n"),
        ElementsAre(
            "slipway.conf:2: [DEFAULT] cert_file is set without key_file; TLS needs both",
            "slipway.conf:2: [DEFAULT] cert_file names \"/absent.pem\", which is no file; check "
            "the path",
            "slipway.conf:4: [service_api] bind_port is the port of [DEFAULT] bind_port; choose "
            "another"
        )
    );
}

struct VisibilityCase {
    const char* text;
    bool services;
    bool users_direct_url;
    bool users_locations;
};

TEST(ConfigVisibility, CombinesGlancesOptionsWithOurs) {
    ConfigFolder folder;
    for (const VisibilityCase& expected : {
             VisibilityCase{"", true, false, false},
             {"[DEFAULT]\nshow_image_direct_url = true\n", true, true, false},
             {"[DEFAULT]\nshow_multiple_locations = true\n", true, false, true},
             {"[slipway]\nlocations_visible_to = nobody\n", false, false, false},
             {"[slipway]\nlocations_visible_to = services\n", true, false, false},
             {"[slipway]\nlocations_visible_to = everyone\n", true, true, true},
         }) {
        const auto report = folder.read(expected.text);
        ASSERT_TRUE(report.config) << expected.text;
        EXPECT_EQ(report.config->api.locations.services, expected.services) << expected.text;
        EXPECT_EQ(report.config->api.locations.users_direct_url, expected.users_direct_url)
            << expected.text;
        EXPECT_EQ(report.config->api.locations.users_locations, expected.users_locations)
            << expected.text;
    }
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nshow_multiple_locations = "
                        "true\n[slipway]\nlocations_visible_to = services\n"),
        ElementsAre("slipway.conf:4: [slipway] locations_visible_to is services, but [DEFAULT] "
                    "show_multiple_locations shows "
                    "locations to users; remove one of the two")
    );
}

TEST(ConfigDatabase, RefusesMySqlAndNamesTheWayOut) {
    ConfigFolder folder;
    const auto findings =
        folder.findings("[database]\nconnection = mysql+pymysql://glance:canary@db/glance\n");
    EXPECT_THAT(
        findings, ElementsAre(AllOf(HasSubstr("second --config-file"), Not(HasSubstr("canary"))))
    );
    folder.sources.files = {
        folder.write(
            "glance-api.conf", "[database]\nconnection = mysql+pymysql://glance:canary@db/glance\n"
        ),
        folder.write("slipway.conf", "[database]\nconnection = sqlite:////x.db\n"),
    };
    EXPECT_TRUE(load(folder.sources));
}

TEST(ConfigDatabase, TakesThePasswordFromAFile) {
    ConfigFolder folder;
    const auto file = folder.write("password", "s3cr3t\n");
    const auto report = folder.read(
        "[database]\nconnection = "
        "postgresql+psycopg2://slipway@db/slipway\nconnection_password_file = " +
        file + "\n"
    );
    ASSERT_TRUE(report.config);
    EXPECT_EQ(report.config->database.catalog_options().password, "s3cr3t");
    EXPECT_EQ(
        report.config->database.catalog_options().connection,
        "postgresql+psycopg2://slipway@db/slipway"
    );
    EXPECT_THAT(
        folder.findings("[database]\nconnection_password = x\n"),
        ElementsAre(HasSubstr("SQLite, which has no password"))
    );
    EXPECT_THAT(
        folder.findings("[database]\nconnection = mongodb://x\nconnection_password = "
                        "x\nconnection_password_file = /y\n"),
        Contains("slipway.conf:4: [database] connection_password_file is set beside "
                 "connection_password; remove one of them")
    );
}

TEST(ConfigPermissions, OfFilesWithAPasswordAreLookedAt) {
    ConfigFolder folder;
    const std::string text = "[database]\nconnection = postgresql://u:canary@h/d\n";
    const auto open = folder.write("open.conf", text, 0644);
    const auto closed = folder.write("closed.conf", text, 0640);
    const auto harmless =
        folder.write("harmless.conf", "[database]\nconnection = sqlite:////x.db\n", 0644);
    const auto open_report = read_config({.files = {open}});
    EXPECT_TRUE(open_report.config) << "only a warning at start";
    ASSERT_THAT(open_report.findings, SizeIs(1));
    EXPECT_EQ(open_report.findings[0].severity, Severity::unsafe);
    EXPECT_THAT(
        open_report.findings[0].str(),
        HasSubstr("open.conf: holds a password and can be read by every user")
    );
    EXPECT_THAT(read_config({.files = {closed}}).findings, IsEmpty());
    EXPECT_THAT(read_config({.files = {harmless}}).findings, IsEmpty());
}

TEST(ConfigPermissions, OfPasswordFilesAndKeysAreLookedAt) {
    ConfigFolder folder;
    const auto password = folder.write("password", "canary", 0644);
    const auto key = folder.write("key.pem", "key", 0644);
    EXPECT_THAT(
        folder.findings(
            "[DEFAULT]\ncert_file = " + key + "\nkey_file = " + key +
            "\n[database]\nconnection = postgresql://u@h/d\nconnection_password_file = " +
            password + "\n"
        ),
        testing::UnorderedElementsAre(
            StartsWith("key.pem: holds a private key"), StartsWith("password: holds a password")
        )
    );
}

TEST(ConfigDev, EqualsAConfiguration) {
    ConfigFolder folder;
    folder.sources.dev_directory = folder.path("dev $ir");
    const auto config = load(folder.sources);
    ASSERT_TRUE(config) << config.error().message;
    ASSERT_THAT(config->listeners, SizeIs(2));
    EXPECT_EQ(config->listeners[0].address, "127.0.0.1");
    EXPECT_EQ(config->listeners[0].port, 9292);
    EXPECT_EQ(config->listeners[1].port, 9294);
    ASSERT_THAT(config->stores, SizeIs(1));
    const auto& store = std::get<FileStoreConfig>(config->stores[0].backend);
    EXPECT_THAT(store.folders, ElementsAre(DataFolder{folder.path("dev $ir/images"), 0}));
    EXPECT_EQ(store.clone_root, folder.path("dev $ir/clones"));
    EXPECT_EQ(
        config->database.connection.reveal(), "sqlite:///" + folder.path("dev $ir/catalog.db")
    );
    EXPECT_THAT(config->warnings, IsEmpty());
}

TEST(ConfigDev, LeavesThePortToTheEnvironment) {
    ConfigFolder folder;
    folder.sources.dev_directory = folder.path("dev");
    folder.sources.environment = {
        {"OS_DEFAULT__BIND_PORT", "0"}, {"OS_SERVICE_API__BIND_PORT", "0"}};
    const auto config = load(folder.sources);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->listeners[0].port, 0);
    EXPECT_EQ(config->listeners[1].port, 0);
}

TEST(ConfigSourcesByDefault, AreTheFirstFileOfTheUsualPlaces) {
    ConfigFolder folder;
    folder.write(".slipway/slipway.conf", "");
    folder.write("slipway.conf", "");
    std::filesystem::create_directory(folder.path("slipway.conf.d"));
    folder.sources.environment = {{"HOME", folder.path("")}};
    const ConfigSources found = default_sources(folder.sources);
    EXPECT_THAT(found.files, ElementsAre(folder.path(".slipway/slipway.conf")));
    EXPECT_THAT(found.directories, ElementsAre(folder.path("slipway.conf.d")));
    folder.sources.files = {"given.conf"};
    EXPECT_THAT(default_sources(folder.sources).files, ElementsAre("given.conf"));
    EXPECT_THAT(default_sources(folder.sources).directories, IsEmpty());
}

TEST(ConfigHostileFiles, AreReportedAndNeverCrash) {
    ConfigFolder folder;
    std::string noise;
    for (int i = 0; i < 4096; ++i) noise += static_cast<char>((i * 7919) >> 3);
    EXPECT_FALSE(folder.read(noise).config);
    EXPECT_FALSE(folder.read("[DEFAULT]\npublic_endpoint = http://a\x1b[31m\n").config);
    EXPECT_FALSE(folder.read(std::string("[DEFAULT]\npublic_endpoint = http://a\0b\n", 39)).config);
    EXPECT_FALSE(folder.read("[DEFAULT]\nbind_host = " + std::string(100'000, '$') + "\n").config);
    EXPECT_FALSE(
        folder.read("[DEFAULT]\nenabled_backends = " + std::string(100'000, ':') + "\n").config
    );
}

TEST(Config, RefusesAPublicListenerForServicesWithoutTls) {
    ConfigFolder folder;
    const auto said = [&](const std::string& address, const std::string& more = "") {
        auto lines = folder.findings(
            "[paste_deploy]\nflavor = keystone\n[service_api]\nbind_port = 9294\nbind_host = " +
            address + "\n" + more
        );
        std::erase_if(lines, [](const auto& line) {
            return line.find("[service_api]") == std::string::npos;
        });
        return lines;
    };
    for (const char* address : {"192.0.2.7", "0.0.0.0", "::", "8.8.8.8", "2a00::1"}) {
        const auto refused = said(address, "public_without_tls = true\n");
        EXPECT_THAT(refused, IsEmpty()) << address;
    }
    for (const char* address : {"0.0.0.0", "::", "8.8.8.8", "2a00::1"})
        EXPECT_THAT(
            said(address), ElementsAre(HasSubstr("bind_host is an address that may be public"))
        ) << address;
    for (const char* address : {"127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "fd00::1"})
        EXPECT_THAT(said(address), IsEmpty()) << address;
    folder.write("cert.pem", "");
    folder.write("key.pem", "");
    EXPECT_THAT(
        said(
            "8.8.8.8",
            "[DEFAULT]\ncert_file = " + folder.path("cert.pem") +
                "\nkey_file = " + folder.path("key.pem") + "\n"
        ),
        IsEmpty()
    );
}

TEST(Config, WarnsAboutAHeaderThatNoHeadHasRoomFor) {
    ConfigFolder folder;
    const auto report = folder.read("[DEFAULT]\nmax_header_line = 20000\n");
    ASSERT_TRUE(report.config);
    EXPECT_THAT(report.findings, IsEmpty());
    EXPECT_EQ(report.config->http.header_value_bytes, 20000U);
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nmax_header_line = 40000\n"),
        ElementsAre(
            HasSubstr("slipway.conf:2: [DEFAULT] max_header_line is above [http] header_bytes")
        )
    );
}

}  // namespace
}  // namespace slipway::app
