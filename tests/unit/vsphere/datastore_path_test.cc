#include "vsphere/datastore_path.h"

#include <gtest/gtest.h>

namespace slipway::vsphere {
namespace {

TEST(DatastorePath, IsParsedAndPrinted) {
    const auto path = DatastorePath::parse("[my ds] dir/a b.vmdk");
    ASSERT_TRUE(path);
    EXPECT_EQ(path->datastore(), "my ds");
    EXPECT_EQ(path->path(), "dir/a b.vmdk");
    EXPECT_EQ(path->str(), "[my ds] dir/a b.vmdk");
    EXPECT_EQ(path->filename(), "a b.vmdk");
    EXPECT_EQ(path->parent().str(), "[my ds] dir");
    EXPECT_EQ(path->parent().parent().str(), "[my ds]");
}

TEST(DatastorePath, IsParsedAsServersWriteFolders) {
    EXPECT_EQ(DatastorePath::parse("[ds] dir/")->str(), "[ds] dir");
    EXPECT_EQ(DatastorePath::parse("[ds]dir")->str(), "[ds] dir");
    EXPECT_EQ(DatastorePath::parse("[ds]/dir")->str(), "[ds] dir");
    EXPECT_EQ(DatastorePath::parse("[ds]")->str(), "[ds]");
}

TEST(DatastorePath, RejectsAPathWithoutBrackets) {
    EXPECT_FALSE(DatastorePath::parse("ds dir/a"));
    EXPECT_FALSE(DatastorePath::parse("[ds dir/a"));
    EXPECT_FALSE(DatastorePath::parse(""));
}

TEST(DatastorePath, RejectsWhatLeadsElsewhere) {
    for (const auto* path :
         {"..",
          "a/../b",
          "a/..",
          "./a",
          "a//b",
          "/a",
          "a/",
          "a\\b",
          "[x] b",
          "a]",
          "a\nb",
          "a\x7f"}) {
        EXPECT_FALSE(DatastorePath::make("ds", path)) << path;
    }
    EXPECT_FALSE(DatastorePath::make("", "a"));
    EXPECT_FALSE(DatastorePath::make("d]s", "a"));
    EXPECT_FALSE(DatastorePath::make("ds", std::string(2000, 'a')));
}

TEST(DatastorePath, KnowsWhatLiesBelow) {
    const auto folder = DatastorePath::make("ds", "slipway").value();
    EXPECT_TRUE(folder.join("a/b")->is_below(folder));
    EXPECT_FALSE(folder.is_below(folder));
    EXPECT_FALSE(DatastorePath::make("ds", "slipway2/a")->is_below(folder));
    EXPECT_FALSE(DatastorePath::make("other", "slipway/a")->is_below(folder));
    EXPECT_FALSE(folder.join("../a"));
}

}  // namespace
}  // namespace slipway::vsphere
