#include "store/datastore_layout.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

constexpr const char* kImage = "0a1b2c3d-0000-4000-8000-00000000000a";

Location location_in(std::string directory, std::string file = "x.img") {
    Location location;
    location.image_id = ImageId(kImage);
    location.directory = std::move(directory);
    location.data_file = std::move(file);
    return location;
}

TEST(DatastoreLayout, NamesAFreshDirectoryForEveryAttempt) {
    const auto first = new_object_directory("glance", ImageId(kImage));
    EXPECT_TRUE(first.starts_with(std::string("glance/") + kImage + "."));
    EXPECT_TRUE(check_location("glance", location_in(first)));
    EXPECT_NE(first, new_object_directory("glance", ImageId(kImage)));
}

TEST(DatastoreLayout, LetsNothingButItsOwnDirectoriesThrough) {
    const std::string good = std::string("a/b/") + kImage + ".0123456789abcdef";
    EXPECT_TRUE(check_location("a/b", location_in(good)));
    for (const std::string& bad :
         {std::string(),
          std::string("a/b"),
          std::string("a/b/"),
          "/" + good,
          good + "/",
          good + "/..",
          good + "0",
          "x" + good,
          std::string("a/b/../b/") + kImage + ".0123456789abcdef",
          std::string("a/b/") + kImage,
          std::string("a/b/") + kImage + ".0123456789ABCDEF",
          std::string("a/b/") + kImage + "/0123456789abcdef",
          std::string("a/b/") + "0a1b2c3d-0000-4000-8000-00000000000b.0123456789abcdef"})
        EXPECT_FALSE(check_location("a/b", location_in(bad))) << bad;
    for (const char* file : {"..", ".x", "a/b", "a b", "[x]", "x\n"})
        EXPECT_FALSE(check_location("a/b", location_in(good, file))) << file;
}

TEST(DatastoreLayout, WritesTheUrlThatConsumersTakeApart) {
    EXPECT_EQ(
        folder_location_url("vc.example", {"F 0/DC1", "ds+%&\xc3\xbc"}, "glance/d", "x.vmdk"),
        "vsphere://vc.example/folder/glance/d/x.vmdk?dcPath=F%200/DC1&dsName=ds%2B%25%26%C3%BC"
    );
    EXPECT_EQ(folder_location_url("vc", {std::string(250, 'd'), "x"}, "a", "b"), "");
}

TEST(DatastoreLayout, SplitsDatacenterAndDatastore) {
    const auto key = parse_datastore_key("F0/DC1/images").value();
    EXPECT_EQ(key.datacenter, "F0/DC1");
    EXPECT_EQ(key.datastore, "images");
    for (const char* bad : {"", "images", "/images", "DC0/"})
        EXPECT_FALSE(parse_datastore_key(bad)) << bad;
}

TEST(DatastoreLayout, MatchesPatterns) {
    EXPECT_TRUE(matches_pattern("DC0/*", "DC0/work/vm/disk.vmdk"));
    EXPECT_TRUE(matches_pattern("*/work/*.vmdk", "DC0/work/vm/disk.vmdk"));
    EXPECT_TRUE(matches_pattern("DC?/work/*", "DC1/work/x"));
    EXPECT_TRUE(matches_pattern("*", ""));
    EXPECT_FALSE(matches_pattern("DC0/work", "DC0/work/x"));
    EXPECT_FALSE(matches_pattern("", "x"));
    EXPECT_FALSE(matches_pattern("*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST(DatastoreLayout, ReadsDatacentersOfTargetsWithOrWithoutALeadingSlash) {
    const CloneTarget plain{"F0/DC1", "images", "vm/disk.vmdk", ""};
    const CloneTarget slashed{"/F0/DC1", "images", "vm/disk.vmdk", ""};
    for (const char* pattern : {"F0/DC1/images/*", "/F0/DC1/images/*"}) {
        EXPECT_TRUE(check_clone_allowed({pattern}, plain)) << pattern;
        EXPECT_TRUE(check_clone_allowed({pattern}, slashed)) << pattern;
    }
    EXPECT_EQ(check_clone_allowed({"/F0/DC1/work/*"}, plain).error().code, Errc::forbidden);
}

TEST(DatastoreLayout, TakesOnlyTargetsThatCanBeDisks) {
    EXPECT_TRUE(check_clone_path("glance", "vm 1/disk+1.vmdk", false));
    EXPECT_TRUE(check_clone_path("glance", "disk.vmdk", false));
    EXPECT_TRUE(check_clone_path("glance", "glance2/disk.vmdk", false));
    EXPECT_TRUE(check_clone_path("glance", "vm/cd.iso", true));
    for (const std::string& bad :
         {std::string(""),
          std::string("/vm/a.vmdk"),
          std::string("vm//a.vmdk"),
          std::string("vm/../a.vmdk"),
          std::string("./a.vmdk"),
          std::string("vm/.vmdk"),
          std::string("vm/a.vmdk/"),
          std::string("vm/a.img"),
          std::string("vm/a.iso"),
          std::string("vm/a-flat.vmdk"),
          std::string("[ds] a.vmdk"),
          std::string("vm\\a.vmdk"),
          std::string("vm/a\n.vmdk"),
          std::string("vm/*.vmdk"),
          std::string("vm /a.vmdk"),
          std::string("glance/a.vmdk"),
          std::string("glance/sub/a.vmdk"),
          "vm/" + std::string(250, 'a') + ".vmdk"})
        EXPECT_EQ(check_clone_path("glance", bad, false).error().code, Errc::invalid_argument)
            << bad;
}

TEST(DatastoreLayout, NamesEveryAttemptOfACloneApart) {
    const TaskId task("1a2b3c4d-0000-4000-8000-000000000000");
    EXPECT_EQ(clone_attempt_path("vm/disk.vmdk", task, 2), "vm/disk-slipway-1a2b3c4d-2.vmdk");
    EXPECT_EQ(clone_attempt_path("cd.iso", task, 1), "cd-slipway-1a2b3c4d-1.iso");
}

TEST(FolderUrl, IsReadAsItIsWritten) {
    const DatastoreKey key{"f/DC 0", "images [1]"};
    const auto url = folder_location_url("vc.example", key, "openstack_glance/a", "x.vmdk");
    const auto read = parse_folder_url(url).value();
    EXPECT_EQ(read.server, "vc.example");
    EXPECT_EQ(read.datastore.str(), key.str());
    EXPECT_EQ(read.directory, "openstack_glance/a");
    EXPECT_EQ(read.file, "x.vmdk");
}

TEST(FolderUrl, IsReadAsGlanceWritesIt) {
    const auto read = parse_folder_url(
                          "vsphere://VC.example/folder/openstack_glance/70c4b014-c77e-467c-a910-"
                          "1902585b5391?dsName=my+images&dcPath=f%2FDC0"
    )
                          .value();
    EXPECT_EQ(read.server, "vc.example");
    EXPECT_EQ(read.datastore.str(), "f/DC0/my images");
    EXPECT_EQ(read.directory, "openstack_glance");
    EXPECT_EQ(read.file, "70c4b014-c77e-467c-a910-1902585b5391");
}

TEST(FolderUrl, HasNoOtherForm) {
    for (const char* bad :
         {"",
          "http://vc/folder/d/x?dcPath=a&dsName=b",
          "VSPHERE://vc/folder/d/x?dcPath=a&dsName=b",
          "vsphere://vc/folder/x?dcPath=a&dsName=b",
          "vsphere://vc/other/d/x?dcPath=a&dsName=b",
          "vsphere://vc/folder/d/../x?dcPath=a&dsName=b",
          "vsphere://vc/folder/d//x?dcPath=a&dsName=b",
          "vsphere://vc/folder/d/%2e%2e/x?dcPath=a&dsName=b",
          "vsphere://vc/folder/d/x??dcPath=a&dsName=b",
          "vsphere://vc/folder/d/x?dcPath=a&dsName=b#c",
          "vsphere://vc/folder/d/x?dsName=b&dsName=a",
          "vsphere://vc/folder/d/x?dsName=b&dcPath=a&dcPath=a",
          "vsphere://vc/folder/d/x?dcPath=a&dsName=b&dsName=c",
          "vsphere://vc/folder/d/x?dcPath=a&dsName=b/c",
          "vsphere://vc/folder/d/x?dcPath=a"})
        EXPECT_FALSE(parse_folder_url(bad)) << bad;
    // A user or a port is another server than the configured one.
    EXPECT_EQ(
        parse_folder_url("vsphere://u@vc:1/folder/d/x?dcPath=a&dsName=b").value().server, "u@vc:1"
    );
}

TEST(ForeignLocation, LiesBelowTheStoreDirectoryAndInNoObject) {
    const auto check = [](const std::string& directory) {
        Location location;
        location.directory = directory;
        location.data_file = "x.vmdk";
        return check_foreign_location("glance", location).has_value();
    };
    EXPECT_TRUE(check("glance"));
    EXPECT_TRUE(check("glance/a/b"));
    for (const char* bad :
         {"",
          "other",
          "glance2",
          "glance/..",
          "glance/../other",
          "glance/70c4b014-c77e-467c-a910-1902585b5391.a6d9ffa1c8ffd798"})
        EXPECT_FALSE(check(bad)) << bad;
}

TEST(CloneCheckpoint, ComesBackAsItWasSaved) {
    CloneCheckpoint checkpoint;
    checkpoint.phase = CloneCheckpoint::Phase::moving;
    checkpoint.attempt = 3;
    checkpoint.task = "task-42";
    checkpoint.abandoned = {1, 2};
    EXPECT_EQ(
        checkpoint.text(), R"({"phase":"moving","attempt":3,"task":"task-42","abandoned":[1,2]})"
    );
    const auto again = CloneCheckpoint::parse(checkpoint.text()).value();
    EXPECT_EQ(again.phase, checkpoint.phase);
    EXPECT_EQ(again.attempt, 3);
    EXPECT_EQ(again.task, "task-42");
    EXPECT_EQ(again.abandoned, (std::vector<int>{1, 2}));
}

TEST(CloneCheckpoint, RefusesWhatItDidNotWrite) {
    for (const char* bad :
         {"",
          "[]",
          "{}",
          R"({"phase":"resting","attempt":1,"task":"","abandoned":[]})",
          R"({"phase":"copying","attempt":-1,"task":"","abandoned":[]})",
          R"({"phase":"copying","attempt":1,"task":7,"abandoned":[]})",
          R"({"phase":"copying","attempt":1,"task":"","abandoned":["x"]})",
          R"({"phase":"copying","attempt":1,"task":""})"})
        EXPECT_EQ(CloneCheckpoint::parse(bad).error().code, Errc::corrupt) << bad;
}

}  // namespace
}  // namespace slipway::store
