#include "app/metadef_files.h"

#include "tests/fakes/temporary_folder.h"
#include "tests/support/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace slipway::app {
namespace {

using test::fails_with;
using test::succeeds;
using test::TemporaryFolder;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

MetadefNamespace named(const std::string& name) {
    MetadefNamespace space;
    space.name = name;
    space.owner = "p";
    return space;
}

TEST(MetadefFiles, ReadsAFolderByTheNamesOfItsFiles) {
    const TemporaryFolder folder;
    write(folder.file("b.json"), R"({"namespace": "first", "visibility": "public"})");
    write(folder.file("c.json"), R"({"namespace": "second", "owner": "p", "self": "/x"})");
    write(folder.file("README"), "not one of them");
    const auto read = read_metadef_files(folder.path()).value();
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(read[0].name, "first");
    EXPECT_EQ(read[0].owner, "admin");
    EXPECT_EQ(read[1].owner, "p");
    EXPECT_EQ(read_metadef_files(folder.file("c.json")).value().size(), 1U);
}

TEST(MetadefFiles, TellsEveryMistakeAtOnce) {
    const TemporaryFolder folder;
    write(folder.file("a.json"), "{");
    write(folder.file("b.json"), R"({"namespace": "fine"})");
    write(folder.file("c.json"), R"({"namespace": "c", "properties": {"p": {"type": "string"}}})");
    const auto read = read_metadef_files(folder.path());
    ASSERT_TRUE(fails_with(Errc::invalid_argument, read));
    EXPECT_THAT(read.error().message, HasSubstr("a.json: Malformed JSON"));
    EXPECT_THAT(read.error().message, HasSubstr("c.json: Property p: A property needs"));
    EXPECT_THAT(read.error().message, Not(HasSubstr("b.json")));
}

TEST(MetadefFiles, MissesWhatIsNotThere) {
    const TemporaryFolder folder;
    EXPECT_ERROR(Errc::not_found, read_metadef_files(folder.file("missing")));
    EXPECT_ERROR(Errc::not_found, read_metadef_files(folder.path()));
    EXPECT_ERROR(Errc::not_found, write_metadef_files(folder.file("missing"), {named("n")}));
}

TEST(MetadefFiles, AreNamedAfterTheirNamespaces) {
    const TemporaryFolder folder;
    EXPECT_THAT(
        write_metadef_files(folder.path(), {named("OS::Nova"), named("OS.Nova"), named("_ü_")})
            .value(),
        ElementsAre("OS-Nova.json", "OS-Nova-2.json", "ü-.json")
    );
    const auto read = read_metadef_files(folder.path()).value();
    ASSERT_EQ(read.size(), 3U);
    EXPECT_EQ(read[0].name, "OS.Nova");
    EXPECT_EQ(read[0].owner, "p");
}

}  // namespace
}  // namespace slipway::app
