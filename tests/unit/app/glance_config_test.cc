#include "app/glance_config.h"

#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class GlanceConfig : public testing::Test {
protected:
    ImportReport read(std::string_view text) {
        ConfigSources sources;
        sources.files = {folder.write("glance-api.conf", text)};
        return import_config(sources);
    }
    // "option: verdict, note" of each.
    static std::vector<std::string> lines(const ImportReport& report) {
        std::vector<std::string> lines;
        for (const ImportedOption& option : report.options)
            lines.push_back(
                option.name + ": " + std::string(to_string(option.verdict)) +
                (option.note.empty() ? "" : ", " + option.note)
            );
        return lines;
    }
    // A file store in the folder, with `text` before it.
    ImportReport read_with_store(const std::string& text) {
        return read(
            text + "[glance_store]\nfilesystem_store_datadir = " + folder.path("images") + "\n"
        );
    }

    ConfigFolder folder;
};

TEST_F(GlanceConfig, SaysWhatBecomesOfEachOption) {
    const auto report = read_with_store(
        "[DEFAULT]\nbind_port = 9292\nworkers = 5\nlogfile = /tmp/x.log\n"
        "transport_url = rabbit://user:rabbit-secret@host\ndefault_publisher_id = x\n"
        "no_such_option = x\n[oslo_messaging_rabbit]\nrabbit_quorum_queue = true\n"
        "[os_glance_staging_store]\nfilesystem_store_datadir = /x\n"
    );
    EXPECT_THAT(
        lines(report),
        testing::ElementsAre(
            "bind_port: kept",
            "workers: not needed, slipway is one process with threads; see [http] io_threads",
            "logfile: renamed, now [DEFAULT] log_file",
            "transport_url: not needed, slipway has no message bus",
            "default_publisher_id: not supported, no notifications are sent",
            "no_such_option: not supported, no option of slipway",
            "rabbit_quorum_queue: not needed, slipway has no message bus",
            "filesystem_store_datadir: not needed, what Glance stages there goes straight to the "
            "stores",
            "filesystem_store_datadir: kept"
        )
    );
    EXPECT_EQ(report.options[3].origin.line, 5U);
    EXPECT_THAT(report.second_file, IsEmpty());
    EXPECT_TRUE(report.starts());
}

TEST_F(GlanceConfig, GivesAMySqlSiteACatalogueOfItsOwn) {
    const auto report = read_with_store(
        "[database]\nconnection = mysql+pymysql://glance:database-secret@host/glance\n"
    );
    EXPECT_EQ(
        report.second_file, "[database]\nconnection = sqlite:////var/lib/slipway/catalog.db\n"
    );
    EXPECT_TRUE(report.starts());
}

TEST_F(GlanceConfig, PrintsAFileThatCanBeUsed) {
    const auto report = read_with_store(
        "[DEFAULT]\ntransport_url = rabbit://user:rabbit-secret@host\n"
        "[database]\nconnection = mysql+pymysql://glance:database-secret@host/glance\n"
    );
    const std::string text = import_text(report, {"glance-api.conf"});
    EXPECT_THAT(text, Not(HasSubstr("secret")));
    EXPECT_THAT(text, HasSubstr("# 1 kept, 0 renamed, 1 not needed, 1 not supported."));
    EXPECT_THAT(text, HasSubstr("slipway serve --config-file glance-api.conf --config-file THIS"));
    std::vector<Mistake> mistakes;
    const auto values = parse_ini(text, "second", mistakes);
    EXPECT_THAT(mistakes, IsEmpty());
    ASSERT_EQ(values.size(), 1U);
    EXPECT_EQ(values[0].name, "connection");
}

TEST_F(GlanceConfig, TellsEveryMistakeThatIsLeft) {
    const auto report = read(
        "[DEFAULT]\nbind_port = many\nenabled_backends = a:rbd\n[glance_store]\n"
        "default_backend = a\n[database]\nconnection = mysql://host/glance\n"
    );
    EXPECT_FALSE(report.starts());
    std::string all;
    for (const Finding& finding : report.findings) all += finding.str() + "\n";
    EXPECT_THAT(all, HasSubstr("glance-api.conf:2: [DEFAULT] bind_port"));
    EXPECT_THAT(all, HasSubstr("glance-api.conf:3: [DEFAULT] enabled_backends"));
    EXPECT_THAT(all, Not(HasSubstr("[database]")));
}

TEST_F(GlanceConfig, CanNotImportAFileThatIsNotThere) {
    ConfigSources sources;
    sources.files = {folder.path("missing.conf")};
    EXPECT_FALSE(import_config(sources).starts());
}

}  // namespace
}  // namespace slipway::app
