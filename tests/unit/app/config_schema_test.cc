#include "app/config.h"

#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kName = "schema-image.json";

TEST(ConfigSchema, HasTheUsualPropertiesWithoutAFile) {
    ConfigFolder folder;
    const auto report = folder.read("");
    ASSERT_TRUE(report.config);
    EXPECT_FALSE(report.config->schema);
    EXPECT_NE(ImageSchema({}, {}).find("kernel_id"), nullptr);
}

TEST(ConfigSchema, TakesTheFileBesideTheConfigurationInBothForms) {
    ConfigFolder folder;
    folder.write(kName, R"({"os_distro": {"type": ["null", "string"], "enum": [null, "debian"]}})");
    const auto flat = folder.read("");
    ASSERT_TRUE(flat.config && flat.config->schema);
    const ImageSchema schema({}, {}, flat.config->schema);
    EXPECT_EQ(schema.find("kernel_id"), nullptr);
    EXPECT_TRUE(schema.find("os_distro")->nullable);
    EXPECT_THAT(schema.find("os_distro")->choices, ElementsAre("debian"));

    folder.write(
        kName,
        R"({"properties": {"tier": {"type": "string", "pattern": "^[a-c]$", "maxLength": 1}},
            "required": ["name", "tier"]})"
    );
    const auto nested = folder.read("");
    ASSERT_TRUE(nested.config && nested.config->schema);
    EXPECT_THAT(nested.config->schema->required, ElementsAre("name", "tier"));
    EXPECT_TRUE(nested.config->schema->attributes.at(0).pattern->is_in("b"));
    EXPECT_FALSE(nested.config->schema->attributes.at(0).pattern->is_in("d"));
}

TEST(ConfigSchema, KeepsTheServerFromStartingWhereItCanNotBeUsed) {
    for (const char* text :
         {"[]",
          "{",
          R"({"size": {"type": "string"}})",
          R"({"tier": {"type": "integer"}})",
          R"({"tier": {"type": "string", "pattern": "("}})",
          R"({"properties": {}, "required": "name"})"}) {
        ConfigFolder folder;
        folder.write(kName, text);
        EXPECT_FALSE(folder.read("").config) << text;
        EXPECT_THAT(folder.findings(""), ElementsAre(HasSubstr("the image schema can not be used")))
            << text;
    }
}

}  // namespace
}  // namespace slipway::app
