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

}  // namespace
}  // namespace slipway::app
