#include "app/config.h"

#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ConfigCors, IsOffWithoutAnOrigin) {
    ConfigFolder folder;
    const auto report = folder.read("");
    ASSERT_TRUE(report.config);
    EXPECT_THAT(report.config->api.cors, IsEmpty());
}

TEST(ConfigCors, TakesOriginsAndRefusesOtherUrls) {
    ConfigFolder folder;
    const auto report =
        folder.read("[cors]\nallowed_origin = https://h.example, http://10.0.0.1:8080\n");
    ASSERT_TRUE(report.config);
    ASSERT_EQ(report.config->api.cors.size(), 1U);
    EXPECT_THAT(
        report.config->api.cors.front().allowed_origins,
        ElementsAre("https://h.example", "http://10.0.0.1:8080")
    );
    EXPECT_THAT(report.config->api.cors.front().allow_methods, Contains("PATCH"));
    EXPECT_THAT(
        folder.findings("[cors]\nallowed_origin = https://h.example/dashboard\n"),
        Contains(HasSubstr("write an origin"))
    );
}

TEST(ConfigCors, ReadsFurtherSectionsThatInheritAllButTheirOrigins) {
    ConfigFolder folder;
    const auto report = folder.read(
        "[cors]\nallowed_origin = https://h.example\nmax_age = 60\nallow_methods = GET, PUT\n"
        "[cors.Reports]\nallowed_origin = https://r.example\nallow_methods = GET\n"
        "allow_credentials = false\n"
    );
    ASSERT_TRUE(report.config);
    EXPECT_THAT(report.findings, IsEmpty());
    const auto& all = report.config->api.cors;
    ASSERT_EQ(all.size(), 2U);
    EXPECT_THAT(all[1].allowed_origins, ElementsAre("https://r.example"));
    EXPECT_THAT(all[1].allow_methods, ElementsAre("GET"));
    EXPECT_FALSE(all[1].allow_credentials);
    EXPECT_EQ(all[1].max_age, std::chrono::seconds(60));
    EXPECT_THAT(all[1].expose_headers, Contains("X-OpenStack-Request-ID"));
}

TEST(ConfigCors, NeedsNoSectionBesideTheFurtherOnes) {
    ConfigFolder folder;
    const auto report = folder.read("[cors.a]\nallowed_origin = https://a.example\n");
    ASSERT_TRUE(report.config);
    ASSERT_EQ(report.config->api.cors.size(), 1U);
    EXPECT_THAT(report.config->api.cors.front().allow_methods, Contains("PATCH"));
}

TEST(ConfigCors, WarnsAboutSectionsThatDoNothing) {
    ConfigFolder folder;
    EXPECT_THAT(
        folder.findings(
            "[cors]\nallowed_origin = https://h.example\n[cors.a]\nmax_age = 60\n"
            "[cors.b]\nallowed_origin = https://h.example\n[cors.c]\nallowed_origin = h.example\n"
        ),
        ElementsAre(
            HasSubstr("[cors.a] allowed_origin is missing"),
            HasSubstr("slipway.conf:6: [cors.b] allowed_origin holds \"https://h.example\", which"),
            HasSubstr("slipway.conf:8: [cors.c] allowed_origin holds \"h.example\"; write")
        )
    );
}

TEST(ConfigHealth, KnowsTheListenersByTheirPorts) {
    ConfigFolder folder;
    const auto report = folder.read(
        "[DEFAULT]\nbind_port = 9292\n[service_api]\nbind_port = 9294\n"
        "[healthcheck]\ndisable_by_file_paths = 9294:/run/off, 1:/run/other\n"
    );
    ASSERT_TRUE(report.config);
    const auto& files = report.config->api.health.listener_files;
    ASSERT_EQ(files.size(), 1U);
    EXPECT_EQ(files.at(http::Listener::services), "/run/off");
    EXPECT_THAT(
        folder.findings("[healthcheck]\ndisable_by_file_paths = /run/off\n"),
        Contains(HasSubstr("write port:path"))
    );
}

TEST(ConfigFetch, ReadsWhichUrlsOfClientsAreFetched) {
    ConfigFolder folder;
    const auto usual = folder.read("");
    ASSERT_TRUE(usual.config);
    EXPECT_THAT(usual.config->fetch_filter.allowed_ports, ElementsAre(80, 443));
    const auto report = folder.read(
        "[import_filtering_opts]\nallowed_hosts = [Mirror.example]\nallowed_ports = []\n"
        "disallowed_ports = 22\nallow_private_addresses = false\n"
    );
    ASSERT_TRUE(report.config);
    EXPECT_THAT(report.config->fetch_filter.allowed_hosts, ElementsAre("mirror.example"));
    EXPECT_THAT(report.config->fetch_filter.allowed_ports, IsEmpty());
    EXPECT_THAT(report.config->fetch_filter.disallowed_ports, ElementsAre(22));
    EXPECT_FALSE(report.config->fetch_filter.private_addresses);
    EXPECT_THAT(
        folder.findings("[import_filtering_opts]\nallowed_ports = http\n"),
        Contains(HasSubstr("write numbers from 1 to 65535"))
    );
}

}  // namespace
}  // namespace slipway::app
