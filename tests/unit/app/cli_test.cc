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
            .db_load_metadefs = [this](const LoadMetadefsOptions& options
                                ) { return load = options, 0; },
            .db_export_metadefs = [this](const ExportMetadefsOptions& options
                                  ) { return exported = options, 0; },
            .db_unload_metadefs = [this](const UnloadMetadefsOptions& options
                                  ) { return unload = options, 0; },
            .config_check = [this](const ConfigCheckOptions& options
                            ) { return check = options, 0; },
            .config_show = [this](const ConfigShowOptions& options) { return show = options, 0; },
            .config_sample = [this] { return sample = true, 0; },
            .config_import = [this](const ConfigImportOptions& options
                             ) { return import = options, 0; },
            .clone = [this](const CloneOptions& options) { return clone = options, 7; },
            .seed = [this](const SeedOptions& options) { return seed = options, 0; },
            .evacuate = [this](const EvacuateOptions& options) { return evacuate = options, 0; },
            .store_list = [this](const StoreListOptions& options
                          ) { return store_list = options, 0; },
            .store_test = [this](const StoreTestOptions& options
                          ) { return store_test = options, 0; },
            .import_glance = [this](const ImportGlanceOptions& options
                             ) { return import_glance = options, 0; },
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
    std::optional<LoadMetadefsOptions> load;
    std::optional<ExportMetadefsOptions> exported;
    std::optional<UnloadMetadefsOptions> unload;
    std::optional<ConfigCheckOptions> check;
    std::optional<ConfigShowOptions> show;
    bool sample = false;
    std::optional<ConfigImportOptions> import;
    std::optional<CloneOptions> clone;
    std::optional<SeedOptions> seed;
    std::optional<EvacuateOptions> evacuate;
    std::optional<StoreListOptions> store_list;
    std::optional<StoreTestOptions> store_test;
    std::optional<ImportGlanceOptions> import_glance;
    std::optional<VersionOptions> version;
    std::string out;
    std::string err;
};

TEST_F(CommandLineTest, SeedsWithSizes) {
    EXPECT_EQ(
        run_line(
            {"seed",
             "id",
             "--datacenter",
             "DC0",
             "--datastore",
             "work",
             "--cache-prefix",
             "prod",
             "--size",
             "20",
             "--size",
             "40"}
        ),
        0
    );
    ASSERT_TRUE(seed);
    EXPECT_EQ(seed->cache_prefix, "prod");
    EXPECT_THAT(seed->sizes_gib, ElementsAre(20, 40));
    EXPECT_FALSE(seed->stop);
    EXPECT_TRUE(seed->wait);
}

TEST_F(CommandLineTest, StopsASeedWithoutAPlace) {
    EXPECT_EQ(run_line({"seed", "id", "--remove"}), 0);
    ASSERT_TRUE(seed);
    EXPECT_TRUE(seed->stop && seed->remove);
    EXPECT_EQ(run_line({"seed", "id"}), 2) << "a seed needs a place";
}

TEST_F(CommandLineTest, EvacuatesADatastore) {
    EXPECT_EQ(run_line({"store", "evacuate", "vcenter", "DC0/old"}), 0);
    ASSERT_TRUE(evacuate);
    EXPECT_EQ(evacuate->store, "vcenter");
    EXPECT_EQ(evacuate->datastore, "DC0/old");
}

TEST_F(CommandLineTest, ImportsFilesInTheirOrder) {
    EXPECT_EQ(run_line({"config", "import", "a.conf", "b.conf"}), 0);
    ASSERT_TRUE(import);
    EXPECT_THAT(import->sources.files, ElementsAre("a.conf", "b.conf"));
    EXPECT_EQ(run_line({"config", "import"}), 2);
}

TEST_F(CommandLineTest, TakesOverAGlanceWhoseUrlTheEnvironmentHas) {
    EXPECT_EQ(run_line({"import-glance", "--dry-run"}), 2) << "there is no URL";
    EXPECT_EQ(
        run_line({"import-glance", "--connection", "sqlite:///g", "--json", "--config-file", "a"}),
        0
    );
    ASSERT_TRUE(import_glance);
    EXPECT_EQ(import_glance->connection.reveal(), "sqlite:///g");
    EXPECT_TRUE(import_glance->json && !import_glance->dry_run);
    EXPECT_THAT(import_glance->sources.files, ElementsAre("a"));
    ::setenv("GLANCE_CONNECTION", "sqlite:///e", 1);
    ::setenv("GLANCE_METADATA_ENCRYPTION_KEY", "k", 1);
    EXPECT_EQ(run_line({"import-glance", "--dry-run"}), 0);
    ::unsetenv("GLANCE_CONNECTION");
    ::unsetenv("GLANCE_METADATA_ENCRYPTION_KEY");
    EXPECT_EQ(import_glance->connection.reveal(), "sqlite:///e");
    EXPECT_EQ(import_glance->key.reveal(), "k");
    EXPECT_TRUE(import_glance->dry_run);
}

TEST_F(CommandLineTest, LoadsMetadataDefinitionsAsGlanceManageDoes) {
    EXPECT_EQ(run_line({"db", "load_metadefs", "dir", "--config-file", "a"}), 0);
    ASSERT_TRUE(load);
    EXPECT_EQ(load->path, "dir");
    EXPECT_FALSE(load->merge);
    EXPECT_THAT(load->sources.files, ElementsAre("a"));
    EXPECT_EQ(run_line({"db", "load_metadefs", "dir", "--merge", "--prefer_new"}), 0);
    EXPECT_TRUE(load->merge && load->prefer_new && !load->overwrite);
    EXPECT_EQ(run_line({"db", "load_metadefs", "dir", "--merge", "--overwrite"}), 0);
    EXPECT_TRUE(load->merge && load->overwrite);
    EXPECT_EQ(run_line({"db", "load_metadefs", "dir", "--overwrite"}), 2);
    EXPECT_EQ(run_line({"db", "load_metadefs", "dir", "--prefer_new"}), 2);
    EXPECT_EQ(
        run_line({"db", "load_metadefs", "dir", "--merge", "--prefer_new", "--overwrite"}), 2
    );
    EXPECT_EQ(run_line({"db", "load_metadefs"}), 2);
    EXPECT_EQ(run_line({"db", "export_metadefs", "out"}), 0);
    EXPECT_EQ(exported->path, "out");
    EXPECT_EQ(run_line({"db", "unload_metadefs"}), 0);
    EXPECT_FALSE(unload->yes);
    EXPECT_EQ(run_line({"db", "unload_metadefs", "--yes"}), 0);
    EXPECT_TRUE(unload->yes);
}

TEST_F(CommandLineTest, TestsAStore) {
    EXPECT_EQ(run_line({"store", "test", "vc", "--config-file", "a"}), 0);
    ASSERT_TRUE(store_test);
    EXPECT_EQ(store_test->store, "vc");
    EXPECT_EQ(store_test->size_bytes, 64U << 20U);
    EXPECT_THAT(store_test->sources.files, ElementsAre("a"));
    EXPECT_FALSE(store_test->clean);
    EXPECT_EQ(
        run_line({"store", "test", "vc", "--size", "2G", "--target", "DC0/a", "--target", "DC0/b"}),
        0
    );
    EXPECT_EQ(store_test->size_bytes, std::uint64_t{2} << 30U);
    EXPECT_THAT(store_test->targets, ElementsAre("DC0/a", "DC0/b"));
    EXPECT_EQ(run_line({"store", "test"}), 2);
    EXPECT_EQ(run_line({"store", "test", "vc", "--size", "12"}), 2) << "too small";
    EXPECT_EQ(run_line({"store", "list", "--json"}), 0);
    ASSERT_TRUE(store_list);
    EXPECT_TRUE(store_list->json);
}

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
        dev_banner(9292, 9294),
        "slipway serves a folder for development: on loopback only, and without authentication.\n"
        "Everyone on this machine is its administrator; with any X-Service-Token, or on port 9294, "
        "also a service.\n"
        "\n"
        "The stock client, in the folder of slipway's sources:\n"
        "  PATH=\"$(tests/peers/venvs.py clients)/bin:$PATH\"\n"
        "\n"
        "Upload, list, download, compare:\n"
        "  seq 200000 > try.raw\n"
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:9292 image create "
        "--disk-format raw --container-format bare --file try.raw try\n"
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:9292 image list\n"
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:9292 image save "
        "--file copy.raw try\n"
        "  cmp try.raw copy.raw && echo equal\n"
        "  openstack --os-auth-type none --os-endpoint http://127.0.0.1:9292 image delete try\n"
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
