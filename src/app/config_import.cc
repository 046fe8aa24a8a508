#include "app/config.h"
#include "app/config_reader.h"

#include <algorithm>

namespace slipway::app {

namespace {

service::ImportPluginOptions read_plugins(ConfigReader& reader) {
    service::ImportPluginOptions options;
    for (const std::string& word : reader.section("image_import_opts").list("image_import_plugins"))
        if (const auto plugin = service::parse_import_plugin(word))
            options.plugins.push_back(*plugin);
    Section inject = reader.section("inject_metadata_properties");
    for (auto& [name, value] : inject.dict("inject")) {
        if (name.starts_with("os_glance"))
            inject.mistake(
                "inject", "names \"" + name + "\", which is not for operators; remove it"
            );
        options.inject.emplace(name, value);
    }
    options.ignore_user_roles = inject.list("ignore_user_roles");
    options.output_format = reader.section("image_conversion").text("output_format");
    Section formats = reader.section("image_format");
    options.vmdk_types = formats.list("vmdk_allowed_types");
    for (const std::string& type : options.vmdk_types)
        if (type != to_string(format::VmdkKind::sparse) &&
            type != to_string(format::VmdkKind::stream_optimized))
            formats.warning(
                "vmdk_allowed_types", "holds " + type + ", a type that is never taken; remove it"
            );
    return options;
}

}  // namespace

ImportConfig read_imports(ConfigReader& reader, bool keystone) {
    ImportConfig imports;
    Section defaults = reader.section("DEFAULT");
    for (const std::string& word : defaults.list("enabled_import_methods"))
        if (const auto method = service::parse_import_method(word))
            imports.methods.push_back(*method);
    const bool asks_regions =
        std::ranges::find(imports.methods, service::ImportMethod::glance_download) !=
        imports.methods.end();
    if (asks_regions && !keystone)
        defaults.mistake(
            "enabled_import_methods",
            "has glance-download, which needs the callers' tokens, but without keystone they "
            "show none; remove it"
        );
    imports.plugins = read_plugins(reader);
    imports.region_properties =
        reader.section("glance_download_properties").list("extra_properties");
    imports.task_time_to_live =
        std::chrono::hours(reader.section("task").number_as<int>("task_time_to_live"));
    return imports;
}

}  // namespace slipway::app
