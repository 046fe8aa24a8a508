#include "app/config_text.h"

#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <sstream>

namespace slipway::app {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// The committed file; with SLIPWAY_UPDATE in the environment it is written anew first.
std::string committed(const std::string& name, const std::string& made) {
    const std::string path = std::string(SLIPWAY_SOURCE_DIR) + "/" + name;
    if (std::getenv("SLIPWAY_UPDATE") != nullptr) std::ofstream(path, std::ios::binary) << made;
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(ConfigSample, IsUpToDate) {
    EXPECT_EQ(committed("etc/slipway.conf.sample", sample_text()), sample_text());
}

TEST(ConfigReference, IsUpToDate) {
    EXPECT_EQ(committed("docs/configuration.md", reference_text()), reference_text());
}

TEST(ConfigSample, IsAConfigurationThatChangesNothing) {
    ConfigFolder folder;
    EXPECT_THAT(folder.findings(sample_text()), IsEmpty());
}

TEST(ConfigSample, HoldsDefaultsThatAreRight) {
    ConfigFolder folder;
    std::string text;
    std::istringstream sample(sample_text());
    bool in_store = false;
    for (std::string line; std::getline(sample, line);) {
        if (line.starts_with("[") || line.starts_with("#[")) in_store = line.starts_with("#[");
        const bool is_option =
            line.starts_with("#") && !line.starts_with("##") && !line.starts_with("# ");
        const bool has_value = !line.ends_with("=");
        if (is_option && has_value && !in_store) line.erase(0, 1);
        text += line + "\n";
    }
    EXPECT_THAT(text, HasSubstr("\nbind_port = 9292\n"));
    EXPECT_THAT(folder.findings(text), IsEmpty());
}

TEST(ConfigShow, MasksSecretsAndSaysWhereValuesComeFrom) {
    ConfigFolder folder;
    const auto report = folder.read(
        "[DEFAULT]\n"
        "enabled_backends = vc:vmware\n"
        "[vc]\n"
        "vmware_server_host = vcenter.example\n"
        "vmware_server_username = images\n"
        "vmware_server_password = canary\n"
        "vmware_datastores = DC0:a\n"
        "vmware_datastores = DC0:b$$\n"
        "[database]\n"
        "connection = postgresql://slipway:canary@db/slipway\n"
    );
    ASSERT_TRUE(report.config);
    std::string text = settings_text(report.settings, false);
    const std::string path = folder.path("slipway.conf");
    for (std::size_t at = text.find(path); at != std::string::npos; at = text.find(path))
        text.replace(at, path.size(), "F");
    EXPECT_EQ(
        text,
        "[DEFAULT]\n"
        "# F:2\n"
        "enabled_backends = vc:vmware\n"
        "\n"
        "[database]\n"
        "# F:10\n"
        "connection = postgresql://slipway:****@db/slipway\n"
        "\n"
        "[vc]\n"
        "# F:4\n"
        "vmware_server_host = vcenter.example\n"
        "# F:5\n"
        "vmware_server_username = images\n"
        "# F:6\n"
        "vmware_server_password = ****\n"
        "# F:8\n"
        "vmware_datastores = DC0:a\n"
        "vmware_datastores = DC0:b$$\n"
    );
    const std::string all =
        settings_text(report.settings, true) + settings_json(report.settings, true);
    EXPECT_THAT(all, Not(HasSubstr("canary")));
    EXPECT_THAT(all, HasSubstr("# default\nbind_port = 9292\n"));
    EXPECT_THAT(
        all,
        HasSubstr(R"({"group":"vc","name":"vmware_server_password","values":["****"],"origin":")")
    );
}

TEST(ConfigShow, MasksAConnectionWhosePasswordStandsElsewhere) {
    ConfigFolder folder;
    for (const char* connection :
         {"postgresql://h/d?user=u&password=canary",
          "postgresql://u:ca:na@ry@h/d",
          "canary",
          "postgresql://u:canary@h/d?x=@"}) {
        const auto report =
            folder.read("[database]\nconnection = " + std::string(connection) + "\n");
        const std::string shown = settings_text(report.settings, true);
        EXPECT_THAT(shown, Not(HasSubstr("canary"))) << connection;
        EXPECT_THAT(shown, Not(HasSubstr("ca:na"))) << connection;
    }
}

TEST(ConfigFindings, ArePrintedOnePerLine) {
    const std::vector<Finding> findings{
        {Severity::mistake, {"a.conf", 3}, "this is \"wrong\""},
        {Severity::unsafe, {"a.conf", 0}, "open"}};
    EXPECT_EQ(
        findings_text(findings), "mistake: a.conf:3: this is \"wrong\"\nunsafe: a.conf: open\n"
    );
    EXPECT_EQ(
        findings_json(findings),
        "{\"severity\":\"mistake\",\"source\":\"a.conf\",\"line\":3,\"what\":\"this is "
        "\\\"wrong\\\"\"}\n"
        "{\"severity\":\"unsafe\",\"source\":\"a.conf\",\"line\":0,\"what\":\"open\"}\n"
    );
}

}  // namespace
}  // namespace slipway::app
