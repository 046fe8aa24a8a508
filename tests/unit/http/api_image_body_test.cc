#include "http/api/image_body.h"

#include "tests/support/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::http::api {
namespace {

using service::PatchDialect;
using service::PatchVerb;
using test::fails_with;
using test::succeeds;
using testing::ElementsAre;

const ImageSchema& schema() {
    static const ImageSchema schema({"raw", "qcow2", "vmdk"}, {"bare", "ova"});
    return schema;
}

Result<Image> create(const std::string& body) {
    return read_new_image(schema(), body, json::Limits(), "owner");
}

Result<service::ImagePatch> patch(
    const std::string& body, PatchDialect dialect = PatchDialect::v2_1
) {
    return read_image_patch(schema(), body, json::Limits(), dialect);
}

TEST(NewImage, HasTheDefaults) {
    const auto image = create("{}");
    ASSERT_OK(image);
    EXPECT_TRUE(is_uuid(image->id.str()));
    EXPECT_EQ(image->name, std::nullopt);
    EXPECT_EQ(image->owner, "owner");
    EXPECT_EQ(image->visibility, Visibility::shared);
    EXPECT_EQ(image->status, ImageStatus::queued);
    EXPECT_EQ(image->disk_format, std::nullopt);
    EXPECT_EQ(image->container_format, std::nullopt);
    EXPECT_EQ(image->min_disk_gib, 0);
    EXPECT_EQ(image->min_ram_mib, 0);
    EXPECT_FALSE(image->is_protected);
    EXPECT_FALSE(image->hidden);
    EXPECT_TRUE(image->tags.empty());
    EXPECT_TRUE(image->properties.empty());
}

TEST(NewImage, TakesEveryAttributeThatAClientMaySet) {
    const auto image = create(
        R"({"id": "11111111-2222-4333-8444-555555555555", "name": "n", "owner": "q",
            "visibility": "private", "disk_format": "raw", "container_format": "bare",
            "min_disk": 2147483647, "min_ram": 1, "protected": true, "os_hidden": true,
            "tags": ["b", "a", "b"], "kernel_id": null, "color": "red", "": "empty name"})"
    );
    ASSERT_OK(image);
    EXPECT_EQ(image->id.str(), "11111111-2222-4333-8444-555555555555");
    EXPECT_EQ(image->name, "n");
    EXPECT_EQ(image->owner, "q");
    EXPECT_EQ(image->visibility, Visibility::private_);
    EXPECT_EQ(image->disk_format, "raw");
    EXPECT_EQ(image->container_format, "bare");
    EXPECT_EQ(image->min_disk_gib, 2'147'483'647);
    EXPECT_EQ(image->min_ram_mib, 1);
    EXPECT_TRUE(image->is_protected);
    EXPECT_TRUE(image->hidden);
    EXPECT_THAT(image->tags, ElementsAre("a", "b"));
    EXPECT_EQ(image->properties.at("kernel_id"), std::nullopt);
    EXPECT_EQ(image->property("color"), "red");
    EXPECT_EQ(image->property(""), "empty name");
}

TEST(NewImage, RefusesBodiesThatDoNotMatchTheSchema) {
    const std::string long_text(256, 'x');
    for (const std::string& body : std::vector<std::string>{
             "",
             "{",
             "[]",
             "null",
             "7",
             R"({"id": "no uuid"})",
             R"({"id": null})",
             R"({"name": 7})",
             R"({"name": ")" + long_text + R"("})",
             R"({"tags": [")" + long_text + R"("]})",
             R"({"tags": "a"})",
             R"({"tags": [1]})",
             R"({"visibility": "secret"})",
             R"({"visibility": null})",
             R"({"disk_format": "floppy"})",
             R"({"protected": "true"})",
             R"({"os_hidden": 1})",
             R"({"min_disk": -1})",
             R"({"min_ram": 2147483648})",
             R"({"min_ram": 1.5})",
             R"({"min_ram": null})",
             R"({"color": 7})",
             R"({"color": null})",
             R"({")" + long_text + R"(": "x"})",
             R"({"kernel_id": "no uuid"})",
             R"({"name": "a", "name": "b"})"})
        EXPECT_ERROR(Errc::invalid_argument, create(body)) << body;
    EXPECT_OK(create(R"({"name": ")" + long_text.substr(1) + R"("})"));
}

TEST(NewImage, RefusesReadOnlyAndReservedNames) {
    for (const char* body :
         {R"({"direct_url": "x"})",
          R"({"self": "x"})",
          R"({"file": "x"})",
          R"({"schema": "x"})",
          R"({"stores": "x"})",
          R"({"stores": 7})",
          R"({"location": "x"})",
          R"({"deleted": "x"})",
          R"({"deleted_at": "x"})",
          R"({"os_glance_x": "x"})",
          R"({"created_at": "2026-08-01T12:00:00Z"})",
          R"({"updated_at": "2026-08-01T12:00:00Z"})",
          R"({"status": "active"})",
          R"({"checksum": "x"})",
          R"({"size": 1})",
          R"({"virtual_size": 1})",
          R"({"os_hash_algo": "md5"})",
          R"({"os_hash_value": "x"})",
          R"({"locations": []})"})
        EXPECT_ERROR(Errc::forbidden, create(body)) << body;
}

TEST(ImagePatch, IsReadInBothDialects) {
    const auto v21 = patch(
        R"([{"op": "replace", "path": "/name", "value": "n"},
            {"op": "add", "path": "/a~1b~0c", "value": "v"},
            {"op": "remove", "path": "/color"}])"
    );
    const auto v20 = patch(
        R"([{"replace": "/name", "value": "n"}, {"add": "/a~1b~0c", "value": "v"},
            {"remove": "/color"}])",
        PatchDialect::v2_0
    );
    for (const auto* read : {&v21, &v20}) {
        ASSERT_OK(*read);
        const auto& operations = (*read)->operations;
        ASSERT_EQ(operations.size(), 3U);
        EXPECT_EQ(operations[0].verb, PatchVerb::replace);
        EXPECT_EQ(operations[0].name, "name");
        EXPECT_EQ(operations[0].value, service::AttributeValue(std::string("n")));
        EXPECT_EQ(operations[1].verb, PatchVerb::add);
        EXPECT_EQ(operations[1].name, "a/b~c");
        EXPECT_EQ(operations[2].verb, PatchVerb::remove);
        EXPECT_EQ(operations[2].name, "color");
    }
    EXPECT_TRUE(patch("[]").value().operations.empty());
    EXPECT_EQ(patch(R"([{"op": "remove", "path": "/ color "}])")->operations[0].name, "color");
}

TEST(ImagePatch, RefusesWhatIsNoPatch) {
    for (const char* body :
         {"",
          "{}",
          "[1]",
          R"([{"path": "/name", "value": "x"}])",
          R"([{"op": "replace", "value": "x"}])",
          R"([{"op": "move", "path": "/name", "from": "/color"}])",
          R"([{"op": "copy", "path": "/name", "from": "/color"}])",
          R"([{"op": "test", "path": "/name", "value": "x"}])",
          R"([{"op": "replace", "path": "name", "value": "x"}])",
          R"([{"op": "replace", "path": "/", "value": "x"}])",
          R"([{"op": "replace", "path": "//name", "value": "x"}])",
          R"([{"op": "replace", "path": "/ /name", "value": "x"}])",
          R"([{"op": "replace", "path": "/name/", "value": "x"}])",
          R"([{"op": "replace", "path": "/tags/0", "value": "x"}])",
          R"([{"op": "replace", "path": "/a~2", "value": "x"}])",
          R"([{"op": "replace", "path": "/a~", "value": "x"}])",
          R"([{"op": "replace", "path": "/name"}])",
          R"([{"op": "add", "path": "/color"}])",
          R"([{"op": "replace", "path": "/name", "value": 7}])",
          R"([{"op": "replace", "path": "/min_ram", "value": -1}])",
          R"([{"op": "replace", "path": "/color", "value": null}])"})
        EXPECT_ERROR(Errc::invalid_argument, patch(body)) << body;
    for (const char* body :
         {R"([{"value": "x"}])",
          R"([{"op": "replace", "path": "/name", "value": "x"}])",
          R"([{"add": "/name", "replace": "/name", "value": "x"}])"})
        EXPECT_ERROR(Errc::invalid_argument, patch(body, PatchDialect::v2_0)) << body;
}

TEST(ImagePatch, RefusesReadOnlyAndReservedRoots) {
    for (const char* name :
         {"created_at",
          "updated_at",
          "status",
          "checksum",
          "size",
          "virtual_size",
          "direct_url",
          "self",
          "file",
          "schema",
          "id",
          "os_hash_algo",
          "stores",
          "location",
          "os_hash_value",
          "deleted",
          "deleted_at",
          "os_glance_x"})
        for (const char* verb : {"add", "replace", "remove"})
            EXPECT_ERROR(
                Errc::forbidden,
                patch(
                    std::string(R"([{"op": ")") + verb + R"(", "path": "/)" + name +
                    R"(", "value": "x"}])"
                )
            ) << verb
              << " " << name;
}

TEST(ImagePatch, KeepsOperationsOnLocationsApart) {
    const auto read = patch(
        R"([{"op": "replace", "path": "/name", "value": "x"},
            {"op": "add", "path": "/locations/-",
             "value": {"url": "http://h/x", "metadata": {"store": "a", "b": ["c"]}}},
            {"op": "replace", "path": "/locations",
             "value": [{"url": "http://h/y", "metadata": {},
                        "validation_data": {"os_hash_algo": "sha512", "os_hash_value": "ab"}}]},
            {"op": "remove", "path": "/locations/1"}])"
    );
    ASSERT_TRUE(read);
    EXPECT_EQ(read->operations.size(), 1U);
    ASSERT_EQ(read->locations.size(), 3U);
    EXPECT_EQ(read->locations[0].values.at(0).url, "http://h/x");
    EXPECT_EQ(read->locations[0].values.at(0).metadata, R"({"b":["c"]})");
    EXPECT_FALSE(read->locations[0].index);
    EXPECT_TRUE(read->locations[1].whole_list);
    EXPECT_EQ(read->locations[1].values.at(0).validation.os_hash_value, "ab");
    EXPECT_EQ(read->locations[2].index, 1U);
}

TEST(ImagePatch, RefusesWhatIsNoLocation) {
    for (const char* operation :
         {R"({"op": "add", "path": "/locations", "value": {"url": "http://h/x", "metadata": {}}})",
          R"({"op": "remove", "path": "/locations"})",
          R"({"op": "replace", "path": "/locations/0", "value": []})",
          R"({"op": "replace", "path": "/locations", "value": {}})",
          R"({"op": "add", "path": "/locations/x", "value": {"url": "http://h/x", "metadata": {}}})",
          R"({"op": "add", "path": "/locations/-1", "value": {"url": "a", "metadata": {}}})",
          R"({"op": "add", "path": "/locations/-"})",
          R"({"op": "add", "path": "/locations/-", "value": {"url": "http://h/x"}})",
          R"({"op": "add", "path": "/locations/-", "value": {"metadata": {}}})",
          R"({"op": "add", "path": "/locations/-", "value": {"url": "a", "metadata": {"n": 1}}})"})
        EXPECT_ERROR(Errc::invalid_argument, patch("[" + std::string(operation) + "]"))
            << operation;
    EXPECT_ERROR(Errc::forbidden, patch(R"([{"op": "add", "path": "/ locations", "value": []}])"));
}

TEST(NewImage, HasWhatTheOperatorRequires) {
    DeclaredProperties declared;
    declared.required = {"name", "tier"};
    const ImageSchema strict({"raw"}, {"bare"}, declared);
    const auto read = [&](std::string_view body) {
        return read_new_image(strict, body, json::Limits(), "owner");
    };
    EXPECT_TRUE(read(R"({"name": "a", "tier": "b"})"));
    EXPECT_EQ(read(R"({"name": "a"})").error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace slipway::http::api
