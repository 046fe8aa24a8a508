#pragma once

#include "model/caller.h"
#include "model/image.h"
#include "service/image_data_service.h"
#include "service/intake.h"
#include "store/backend_set.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace slipway::service {

// What is done to data between their arrival and their store, as Glance names it.
enum class ImportPlugin { no_op, inject_image_metadata, image_decompression, image_conversion };

std::optional<ImportPlugin> parse_import_plugin(std::string_view word);

struct ImportPluginOptions {
    std::vector<ImportPlugin> plugins;  // in their order
    // Of inject_image_metadata: what is added, and the roles whose imports are left alone.
    std::map<std::string, std::string> inject;
    std::vector<std::string> ignore_user_roles{"admin"};
    std::string output_format = "qcow2";  // of image_conversion: raw, qcow2, vmdk
    std::vector<std::string> vmdk_types{"streamOptimized", "monolithicSparse"};  // converted from
    format::FormatPolicy formats;
};

// The plug-ins of imports. Each reads the staged object back and puts another one by, on the same
// store; nothing touches a local disk.
class ImportPlugins {
public:
    ImportPlugins(store::BackendSet& backends, ImageDataService& data, ImportPluginOptions options)
        : backends_(backends), data_(data), options_(std::move(options)) {}

    [[nodiscard]] std::map<std::string, std::string> injected_properties(const Caller& caller
    ) const;

    // The staged data that all plug-ins have seen. May be run again on what it has returned.
    // Errors: unsupported, corrupt, too_large for what can not be unpacked or converted; those of
    // the store.
    awaitable<Result<StoredData>> run(
        const Image& image, StoredData data, store::CloneProgress& progress, const Call& call
    );

private:
    awaitable<Result<StoredData>> decompress(
        const Image& image, StoredData data, store::CloneProgress& progress, const Call& call
    );
    awaitable<Result<StoredData>> convert(
        const Image& image, StoredData data, store::CloneProgress& progress, const Call& call
    );

    [[nodiscard]] bool is_converted_from(format::VmdkKind kind) const;

    store::BackendSet& backends_;
    ImageDataService& data_;
    ImportPluginOptions options_;
};

}  // namespace slipway::service
