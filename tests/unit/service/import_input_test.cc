#include "service/import_input.h"

#include "tests/support/results.h"

#include <gtest/gtest.h>

namespace slipway::service {
namespace {

using test::fails_with;
using test::succeeds;

const std::vector<ImportMethod> kEnabled{
    ImportMethod::glance_direct, ImportMethod::web_download, ImportMethod::copy_image};

Result<ImportRequest> read(std::string_view body) {
    return read_import_request(body, {}, kEnabled);
}

TEST(ImportInput, ReadsWhatWasAskedFor) {
    const auto request = read(
        R"({"method": {"name": "web-download", "uri": "https://a/b"}, "stores": ["x", "y"],
            "all_stores": false, "all_stores_must_succeed": false})"
    );
    ASSERT_OK(request);
    EXPECT_EQ(request->method, ImportMethod::web_download);
    EXPECT_EQ(request->uri, "https://a/b");
    EXPECT_EQ(request->stores, (std::vector{BackendId("x"), BackendId("y")}));
    EXPECT_FALSE(request->must_succeed);
    const auto bare = read(R"({"method": {"name": "glance-direct"}, "other": 1})");
    ASSERT_OK(bare);
    EXPECT_TRUE(bare->must_succeed);
    EXPECT_FALSE(bare->stores);
}

TEST(ImportInput, RefusesWhatIsNoRequest) {
    for (const char* body :
         {"",
          "[]",
          "null",
          "{}",
          R"({"method": "glance-direct"})",
          R"({"method": []})",
          R"({"method": {}})",
          R"({"method": {"name": ""}})",
          R"({"method": {"name": 1}})",
          R"({"method": {"name": "carrier-pigeon"}})",
          R"({"method": {"name": "glance-download"}})",
          R"({"method": {"name": "web-download", "uri": 7}})",
          R"({"method": {"name": "glance-direct"}, "stores": "x"})",
          R"({"method": {"name": "glance-direct"}, "stores": []})",
          R"({"method": {"name": "glance-direct"}, "stores": [1]})",
          R"({"method": {"name": "glance-direct"}, "stores": ["x", "x"]})",
          R"({"method": {"name": "glance-direct"}, "all_stores": "true"})",
          R"({"method": {"name": "glance-direct"}, "all_stores_must_succeed": 1})"})
        EXPECT_ERROR(Errc::invalid_argument, read(body)) << body;
}

TEST(ImportInput, ComesBackFromTheTask) {
    ImportInput input;
    input.request = read(R"({"method": {"name": "copy-image"}, "all_stores": true})").value();
    input.targets = {BackendId("x")};
    const ImageId image("70c4b014-c77e-467c-a910-1902585b5391");
    const std::string text = import_input_json(image, input);
    EXPECT_EQ(
        text,
        R"({"image_id":"70c4b014-c77e-467c-a910-1902585b5391","import_req":{"method":{"name":"copy-image"},"all_stores":true,"all_stores_must_succeed":true},"backend":["x"]})"
    );
    const auto back = read_import_input(text);
    ASSERT_OK(back);
    EXPECT_EQ(back->request.method, ImportMethod::copy_image);
    EXPECT_TRUE(back->request.all_stores);
    EXPECT_EQ(back->targets, input.targets);
}

}  // namespace
}  // namespace slipway::service
