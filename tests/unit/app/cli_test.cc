#include "app/cli/commands.h"
#include "app/cli/progress_bar.h"
#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>

namespace slipway::app::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Runs command lines and keeps what the commands were given.
class CommandLineTest : public testing::Test {
protected:
    int run_line(std::vector<const char*> words) {
        words.insert(words.begin(), "slipway");
        const Commands commands{
            .serve = [this](const ServeOptions& options) { return serve = options, 0; },
            .db_sync = [this](const DbOptions& options) { return db_sync = options, 0; },
            .db_version = [this](const DbOptions& options) { return db_version = options, 0; },
            .config_check = [this](const ConfigCheckOptions& options
                            ) { return check = options, 0; },
            .config_show = [this](const ConfigShowOptions& options) { return show = options, 0; },
            .config_sample = [this] { return sample = true, 0; },
            .clone = [this](const CloneOptions& options) { return clone = options, 7; },
            .version = [this](const VersionOptions& options) { return version = options, 0; },
        };
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = run(static_cast<int>(words.size()), words.data(), commands);
        out = testing::internal::GetCapturedStdout();
        err = testing::internal::GetCapturedStderr();
        return code;
    }

    std::optional<ServeOptions> serve;
    std::optional<DbOptions> db_sync;
    std::optional<DbOptions> db_version;
    std::optional<ConfigCheckOptions> check;
    std::optional<ConfigShowOptions> show;
    bool sample = false;
    std::optional<CloneOptions> clone;
    std::optional<VersionOptions> version;
    std::string out;
    std::string err;
};

TEST_F(CommandLineTest, ServesFilesAndFoldersInTheirOrder) {
    EXPECT_EQ(
        run_line({"serve", "--config-file", "a", "--config-dir", "d", "--config-file", "b"}), 0
    );
    ASSERT_TRUE(serve);
    EXPECT_THAT(serve->sources.files, ElementsAre("a", "b"));
    EXPECT_THAT(serve->sources.directories, ElementsAre("d"));
    EXPECT_FALSE(serve->sources.dev_directory);
    EXPECT_FALSE(serve->sources.environment.empty());
}

TEST_F(CommandLineTest, ServesAFolderForDevelopment) {
    EXPECT_EQ(run_line({"serve", "--dev", "var"}), 0);
    ASSERT_TRUE(serve);
    EXPECT_EQ(serve->sources.dev_directory, "var");
    EXPECT_THAT(serve->sources.files, IsEmpty());
    EXPECT_EQ(run_line({"serve", "--dev", "var", "--config-file", "a"}), 2);
}

TEST_F(CommandLineTest, KnowsTheOtherCommands) {
    EXPECT_EQ(run_line({"config", "check", "--config-file", "a", "--strict", "--json"}), 0);
    EXPECT_TRUE(check->strict && check->json);
    EXPECT_THAT(check->sources.files, ElementsAre("a"));
    EXPECT_EQ(run_line({"config", "show", "--config-file", "a", "--all"}), 0);
    EXPECT_TRUE(show->all && !show->json);
    EXPECT_EQ(run_line({"config", "sample"}), 0);
    EXPECT_TRUE(sample);
    EXPECT_EQ(run_line({"db", "sync", "--config-file", "a"}), 0);
    EXPECT_THAT(db_sync->sources.files, ElementsAre("a"));
    EXPECT_EQ(run_line({"db", "version", "--config-file", "b"}), 0);
    EXPECT_THAT(db_version->sources.files, ElementsAre("b"));
    EXPECT_EQ(run_line({"version", "--json"}), 0);
    EXPECT_TRUE(version->json);
}

TEST_F(CommandLineTest, PassesOnWhatACloneNeedsAndItsExitCode) {
    EXPECT_EQ(
        run_line(
            {"clone",
             "id",
             "--datacenter",
             "DC0",
             "--datastore",
             "ds1",
             "--path",
             "vm/disk.vmdk",
             "--url",
             "https://images",
             "--token",
             "t",
             "--no-wait"}
        ),
        7
    );
    ASSERT_TRUE(clone);
    EXPECT_EQ(clone->image, "id");
    EXPECT_EQ(clone->datacenter, "DC0");
    EXPECT_EQ(clone->datastore, "ds1");
    EXPECT_EQ(clone->path, "vm/disk.vmdk");
    EXPECT_EQ(clone->url, "https://images");
    EXPECT_EQ(clone->token.reveal(), "t");
    EXPECT_FALSE(clone->wait);
}

TEST_F(CommandLineTest, AnswersWrongUsageWithTwo) {
    EXPECT_EQ(run_line({}), 2);
    EXPECT_EQ(run_line({"sevre"}), 2);
    EXPECT_EQ(run_line({"config"}), 2);
    EXPECT_EQ(run_line({"clone", "id"}), 2);
    EXPECT_EQ(run_line({"serve", "extra"}), 2);
    EXPECT_THAT(err, AllOf(testing::StartsWith("slipway: "), HasSubstr("slipway --help")));
    EXPECT_FALSE(serve);
}

TEST_F(CommandLineTest, AnswersHelpWithZero) {
    EXPECT_EQ(run_line({"--help"}), 0);
    EXPECT_THAT(out, AllOf(HasSubstr("serve"), HasSubstr("config"), HasSubstr("clone")));
    EXPECT_EQ(run_line({"clone", "--help"}), 0);
    EXPECT_THAT(out, HasSubstr("--datastore"));
}

int checked(const std::string& file, bool strict) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const int code = config_check({.sources = {.files = {file}}, .strict = strict});
    testing::internal::GetCapturedStdout();
    testing::internal::GetCapturedStderr();
    return code;
}

TEST(ConfigCheckCommand, TellsMistakesFromWarnings) {
    const ConfigFolder folder;
    const auto fine = folder.write("fine.conf", "[DEFAULT]\nbind_port = 1\n");
    const auto odd = folder.write("odd.conf", "[DEFAULT]\nbind_prt = 1\n");
    const auto wrong = folder.write("wrong.conf", "[DEFAULT]\nbind_port = x\n");
    const auto open =
        folder.write("open.conf", "[database]\nconnection = postgresql://u:p@h/d\n", 0644);
    EXPECT_EQ(checked(fine, true), 0);
    EXPECT_EQ(checked(odd, false), 0);
    EXPECT_EQ(checked(odd, true), 1);
    EXPECT_EQ(checked(wrong, false), 2);
    EXPECT_EQ(checked(open, false), 2);
}

TEST(VersionCommand, PrintsOneJsonObject) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(cli::version({.json = true}), 0);
    EXPECT_THAT(
        testing::internal::GetCapturedStdout(),
        AllOf(
            testing::StartsWith("{\"version\":\""),
            HasSubstr("\"boost\":\"1.81.0\""),
            testing::EndsWith("}\n")
        )
    );
}

TEST(ExitCodes, TellWhatToDo) {
    EXPECT_EQ(exit_code_of(Errc::invalid_argument), 2);
    EXPECT_EQ(exit_code_of(Errc::not_found), 3);
    EXPECT_EQ(exit_code_of(Errc::conflict), 4);
    EXPECT_EQ(exit_code_of(Errc::unavailable), 5);
    EXPECT_EQ(exit_code_of(Errc::forbidden), 1);
}

TEST(DevBanner, SaysLoopbackAndGivesLinesToPaste) {
    EXPECT_EQ(
        dev_banner(9292),
        "slipway serves a folder for development: on loopback only, and without authentication.\n"
        "Everyone on this machine is its administrator. Try:\n"
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:9292 image list\n"
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:9292 image create "
        "--disk-format raw "
        "--container-format bare --file FILE NAME\n"
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:9292 image save --file OUT "
        "NAME\n"
    );
}

TEST(ProgressBar, LooksAsPeopleKnowIt) {
    EXPECT_EQ(progress_line(0), "[>                             ] 0%");
    EXPECT_EQ(progress_line(49), "[==============>               ] 49%");
    EXPECT_EQ(progress_line(100), "[==============================] 100%");
    EXPECT_EQ(progress_line(400), progress_line(100));
    EXPECT_EQ(progress_line(-4), progress_line(0));
}

TEST(ProgressBar, IsDrawnOnlyWhereSomebodyWatches) {
    std::ostringstream out;
    ProgressBar hidden(out, false);
    hidden.show(10);
    hidden.finish();
    EXPECT_EQ(out.str(), "");
    ProgressBar visible(out, true);
    visible.show(100);
    visible.show(100);
    visible.finish();
    EXPECT_EQ(out.str(), "\r[==============================] 100%\n");
}

}  // namespace
}  // namespace slipway::app::cli
