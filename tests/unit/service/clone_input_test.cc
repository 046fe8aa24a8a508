#include "service/clone_input.h"

#include "tests/support/results.h"

#include <gtest/gtest.h>

namespace slipway::service {
namespace {

using test::fails_with;
using test::succeeds;

TEST(CloneInput, IsReadAsItIsWritten) {
    const CloneTarget target{"DC0", "work", "vm7/vm7.vmdk", "thick"};
    const std::string text = clone_input_json(target);
    EXPECT_EQ(
        text, R"({"datacenter":"DC0","datastore":"work","path":"vm7/vm7.vmdk","disk_type":"thick"})"
    );
    const auto read = read_clone_input(text);
    ASSERT_OK(read);
    EXPECT_EQ(read->datacenter, "DC0");
    EXPECT_EQ(read->datastore, "work");
    EXPECT_EQ(read->path, "vm7/vm7.vmdk");
    EXPECT_EQ(read->disk_type, "thick");
}

TEST(CloneInput, KeepsToTheLimitsOfJson) {
    json::Limits limits;
    limits.values = 3;
    const std::string text = R"({"datacenter": "c", "datastore": "d", "path": "p"})";
    EXPECT_ERROR(Errc::invalid_argument, read_clone_input(text, limits));
    limits.values = 7;  // names count, too
    EXPECT_OK(read_clone_input(text, limits));
}

TEST(CloneInput, NeedsADatastoreAndAPath) {
    const auto read = read_clone_input(R"({"datastore": "work", "path": "a.vmdk"})");
    ASSERT_OK(read);
    EXPECT_EQ(read->datacenter, "");
    EXPECT_EQ(read->disk_type, "");
    for (const char* text :
         {"",
          "[]",
          "null",
          "\"path\"",
          "{}",
          R"({"datastore": "work"})",
          R"({"path": "a.vmdk"})",
          R"({"datastore": "", "path": "a.vmdk"})",
          R"({"datastore": "work", "path": ""})",
          R"({"datastore": "work", "path": null})",
          R"({"datastore": 7, "path": "a.vmdk"})",
          R"({"datastore": "work", "path": "a.vmdk", "disk_type": 1})",
          R"({"datastore": "work", "path": "a.vmdk", "datacenter": []})",
          R"({"datastore": "work", "path": "a.vmdk", "host": "x"})",
          R"({"datastore": "work", "datastore": "other", "path": "a.vmdk"})"})
        EXPECT_ERROR(Errc::invalid_argument, read_clone_input(text)) << text;
}

TEST(CloneInput, KeepsAnUnknownNameShortInItsMessage) {
    const auto read = read_clone_input("{\"" + std::string(5000, 'x') + "\": 1}");
    ASSERT_FALSE(read);
    EXPECT_LT(read.error().message.size(), 200U);
}

}  // namespace
}  // namespace slipway::service
