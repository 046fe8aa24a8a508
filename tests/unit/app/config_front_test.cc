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
    EXPECT_THAT(report.config->api.cors.allowed_origins, IsEmpty());
    EXPECT_THAT(report.config->api.cors.allow_methods, Contains("PATCH"));
}

TEST(ConfigCors, TakesOriginsAndRefusesOtherUrls) {
    ConfigFolder folder;
    const auto report =
        folder.read("[cors]\nallowed_origin = https://h.example, http://10.0.0.1:8080\n");
    ASSERT_TRUE(report.config);
    EXPECT_THAT(
        report.config->api.cors.allowed_origins,
        ElementsAre("https://h.example", "http://10.0.0.1:8080")
    );
    EXPECT_THAT(
        folder.findings("[cors]\nallowed_origin = https://h.example/dashboard\n"),
        Contains(HasSubstr("write an origin"))
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
