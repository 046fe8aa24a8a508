#include "app/config.h"

#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::app {
namespace {

using service::ImportMethod;
using service::ImportPlugin;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(ConfigImport, HasGlancesMethodsAndNoPlugIns) {
    ConfigFolder folder;
    const auto report = folder.read("");
    ASSERT_TRUE(report.config);
    const ImportConfig& imports = report.config->imports;
    EXPECT_THAT(
        imports.methods,
        ElementsAre(
            ImportMethod::glance_direct, ImportMethod::web_download, ImportMethod::copy_image
        )
    );
    EXPECT_THAT(imports.plugins.plugins, IsEmpty());
    EXPECT_EQ(imports.task_time_to_live, std::chrono::hours(48));
    EXPECT_THAT(imports.region_properties, Contains("hw_"));
}

TEST(ConfigImport, ReadsPlugInsInTheirOrder) {
    ConfigFolder folder;
    const auto report = folder.read(
        "[image_import_opts]\n"
        "image_import_plugins = ['image_decompression', 'image_conversion']\n"
    );
    ASSERT_TRUE(report.config);
    EXPECT_THAT(
        report.config->imports.plugins.plugins,
        ElementsAre(ImportPlugin::image_decompression, ImportPlugin::image_conversion)
    );
    const auto plain = folder.read(
        "[image_import_opts]\n"
        "image_import_plugins = [inject_image_metadata, image_conversion]\n"
        "[inject_metadata_properties]\ninject = a:b, c:d\nignore_user_roles = admin, ops\n"
        "[image_conversion]\noutput_format = vmdk\n[task]\ntask_time_to_live = 1\n"
    );
    ASSERT_TRUE(plain.config);
    const ImportConfig& imports = plain.config->imports;
    EXPECT_THAT(
        imports.plugins.plugins,
        ElementsAre(ImportPlugin::inject_image_metadata, ImportPlugin::image_conversion)
    );
    EXPECT_EQ(imports.plugins.inject.at("c"), "d");
    EXPECT_THAT(imports.plugins.ignore_user_roles, ElementsAre("admin", "ops"));
    EXPECT_EQ(imports.plugins.output_format, "vmdk");
    EXPECT_EQ(imports.task_time_to_live, std::chrono::hours(1));
}

TEST(ConfigImport, RefusesWhatCanNotWork) {
    ConfigFolder folder;
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nenabled_import_methods = glance-download\n"),
        Contains(HasSubstr("glance-download"))
    );
    EXPECT_THAT(
        folder.findings("[DEFAULT]\nenabled_import_methods = carrier-pigeon\n"),
        Contains(HasSubstr("carrier-pigeon"))
    );
    EXPECT_THAT(
        folder.findings("[inject_metadata_properties]\ninject = os_glance_x:1\n"),
        Contains(HasSubstr("os_glance_x"))
    );
}

TEST(ConfigFormats, AreStrictUnlessToldOtherwise) {
    ConfigFolder folder;
    const auto usual = folder.read("");
    ASSERT_TRUE(usual.config);
    EXPECT_TRUE(usual.config->images.formats.require_image_format_match);
    EXPECT_FALSE(usual.config->images.formats.tolerates_bad_partition_tables);
    EXPECT_THAT(
        usual.config->imports.plugins.vmdk_types, ElementsAre("streamOptimized", "monolithicSparse")
    );
    const auto report = folder.read(
        "[image_format]\nrequire_image_format_match = false\n"
        "gpt_safety_checks_nonfatal = mbr, gptmbr\nvmdk_allowed_types = streamOptimized\n"
    );
    ASSERT_TRUE(report.config);
    EXPECT_THAT(report.findings, IsEmpty());
    EXPECT_FALSE(report.config->images.formats.require_image_format_match);
    EXPECT_TRUE(report.config->images.formats.tolerates_bad_partition_tables);
    EXPECT_FALSE(report.config->imports.plugins.formats.require_image_format_match);
    EXPECT_TRUE(report.config->imports.plugins.formats.tolerates_bad_partition_tables);
    EXPECT_THAT(report.config->imports.plugins.vmdk_types, ElementsAre("streamOptimized"));
}

TEST(ConfigFormats, AreCalledByTheirNames) {
    ConfigFolder folder;
    const auto only_gpt = folder.read("[image_format]\ngpt_safety_checks_nonfatal = gptmbr\n");
    ASSERT_TRUE(only_gpt.config);
    EXPECT_FALSE(only_gpt.config->images.formats.tolerates_bad_partition_tables);
    EXPECT_THAT(
        folder.findings("[image_format]\ngpt_safety_checks_nonfatal = gpt\n"),
        Contains(HasSubstr("gpt_safety_checks_nonfatal"))
    );
    EXPECT_THAT(
        folder.findings("[image_format]\nvmdk_allowed_types = monolithicFlat\n"),
        ElementsAre(HasSubstr("holds monolithicFlat, a type that is never taken"))
    );
}

}  // namespace
}  // namespace slipway::app
