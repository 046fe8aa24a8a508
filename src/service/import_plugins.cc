#include "service/import_plugins.h"

#include "base/log.h"
#include "format/disk_reader.h"
#include "format/qcow2_disk_source.h"
#include "format/raw_disk_source.h"
#include "format/sparse_disk_source.h"
#include "format/unpacking_source.h"
#include "service/policy.h"
#include "service/stored_source.h"
#include "service/upload_inspection.h"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <memory>

namespace slipway::service {

namespace {

constexpr std::size_t kHeadBytes = 32;
constexpr std::array<std::pair<ImportPlugin, std::string_view>, 4> kPlugins{{
    {ImportPlugin::no_op, "no_op"},
    {ImportPlugin::inject_image_metadata, "inject_image_metadata"},
    {ImportPlugin::image_decompression, "image_decompression"},
    {ImportPlugin::image_conversion, "image_conversion"},
}};

// The uploaded bytes in a stored file, read anywhere.
class UploadSource final : public format::RandomSource {
public:
    UploadSource(
        store::Backend& backend,
        const StoredData& data,
        const Call& call,
        asio::any_io_executor home
    )
        : file_(backend, data.location, call, std::move(home)),
          offset_(data.location.data_offset),
          size_(data.size_bytes) {}

    [[nodiscard]] std::uint64_t size_bytes() const override { return size_; }
    awaitable<Result<void>> read_at(std::uint64_t offset, std::span<std::byte> into) override {
        if (offset > size_ || into.size() > size_ - offset)
            co_return Error(Errc::corrupt, "The image ends before the data that it says it has.");
        co_return co_await file_.read_at(offset_ + offset, into);
    }

private:
    StoredSource file_;
    std::uint64_t offset_;
    std::uint64_t size_;
};

// Stops a plug-in whose import was cancelled.
class CancelTap final : public Tap {
public:
    explicit CancelTap(store::CloneProgress& progress) : progress_(progress) {}

    Result<void> see(std::span<const std::byte>) override {
        if (progress_.cancelled()) return Error(Errc::cancelled, "The import was cancelled.");
        return {};
    }

private:
    store::CloneProgress& progress_;
};

ByteRange upload_range(const StoredData& data) {
    return {data.location.data_offset, data.size_bytes};
}

}  // namespace

std::optional<ImportPlugin> parse_import_plugin(std::string_view word) {
    for (const auto& [plugin, name] : kPlugins)
        if (name == word) return plugin;
    return std::nullopt;
}

std::map<std::string, std::string> ImportPlugins::injected_properties(const Caller& caller) const {
    const bool injects = std::ranges::find(options_.plugins, ImportPlugin::inject_image_metadata) !=
                         options_.plugins.end();
    if (!injects || holds_any_role(caller.identity, options_.ignore_user_roles)) return {};
    return options_.inject;
}

awaitable<Result<StoredData>> ImportPlugins::run(
    const Image& image, StoredData data, store::CloneProgress& progress, const Call& call
) {
    for (const ImportPlugin plugin : options_.plugins) {
        if (plugin == ImportPlugin::image_decompression) {
            SLIPWAY_CO_TRY(data, co_await decompress(image, std::move(data), progress, call));
        } else if (plugin == ImportPlugin::image_conversion) {
            SLIPWAY_CO_TRY(data, co_await convert(image, std::move(data), progress, call));
        }
    }
    co_return data;
}

awaitable<Result<StoredData>> ImportPlugins::decompress(
    const Image& image, StoredData data, store::CloneProgress& progress, const Call& call
) {
    if (image.container_format == "compressed" || data.size_bytes == 0) co_return data;
    SLIPWAY_CO_TRY(store::Backend* const backend, backends_.find(data.location.backend));
    std::array<std::byte, kHeadBytes> head{};
    const std::size_t seen = std::min<std::uint64_t>(head.size(), data.size_bytes);
    SLIPWAY_CO_TRY(
        auto beginning,
        co_await backend->open_reader(data.location, {data.location.data_offset, seen}, call)
    );
    SLIPWAY_CO_CHECK(co_await read_full(*beginning, std::span(head).first(seen)));
    const auto packing = format::packing_of(std::span(head).first(seen));
    if (!packing) co_return data;
    beginning.reset();
    SLIPWAY_CO_TRY(
        auto packed, co_await backend->open_reader(data.location, upload_range(data), call)
    );
    format::UnpackingSource unpacked(*packed, *packing);
    SLIPWAY_CO_TRY(const std::uint64_t allowed, co_await data_.allowance(image, std::nullopt));
    CancelTap watch(progress);
    SLIPWAY_CO_TRY(
        StoredData done,
        co_await data_.put_by(
            image,
            {*backend, Intake::Purpose::fetch, allowed, {&watch}, data.converted_to},
            std::nullopt,
            unpacked,
            call
        )
    );
    log::info(
        call,
        "import.decompress.done",
        {{"image", image.id.str()}, {"packed", data.size_bytes}, {"bytes", done.size_bytes}}
    );
    co_return done;
}

bool ImportPlugins::is_converted_from(format::VmdkKind kind) const {
    return std::ranges::find(options_.vmdk_types, to_string(kind)) != options_.vmdk_types.end();
}

awaitable<Result<StoredData>> ImportPlugins::convert(
    const Image& image, StoredData data, store::CloneProgress& progress, const Call& call
) {
    const bool is_iso = image.disk_format == "iso";
    if (is_iso || data.converted_to == options_.output_format) co_return data;
    SLIPWAY_CO_CHECK(check_content(image, data.found, options_.formats));
    if (const auto& kind = data.found.vmdk_kind; kind && !is_converted_from(*kind))
        co_return Error(
            Errc::unsupported,
            "vmdk images of type " + std::string(to_string(*kind)) + " are not converted here"
        );
    if (image.disk_format == options_.output_format && image.container_format == "bare")
        co_return data;
    SLIPWAY_CO_TRY(store::Backend* const backend, backends_.find(data.location.backend));
    UploadSource source(*backend, data, call, co_await asio::this_coro::executor);
    SLIPWAY_CO_TRY(
        const auto disk,
        co_await format::open_disk(source, *image.disk_format, *image.container_format)
    );
    SLIPWAY_CO_TRY(format::GrainMap used, co_await disk->used_grains());
    std::unique_ptr<ByteSource> converted;
    if (options_.output_format == "raw") {
        converted = std::make_unique<format::RawDiskSource>(*disk, std::move(used));
    } else if (options_.output_format == "qcow2") {
        converted = std::make_unique<format::Qcow2DiskSource>(*disk, std::move(used));
    } else {
        SLIPWAY_CO_TRY(
            converted,
            format::SparseDiskSource::create(
                *disk, std::move(used), adapter_of(image), format::DiskIdentity::random()
            )
        );
    }
    Image described = image;
    StoredData target;
    target.converted_to = options_.output_format;
    apply_conversion(described, target);
    const auto size_bytes = converted->size_bytes();
    SLIPWAY_CO_TRY(const std::uint64_t allowed, co_await data_.allowance(image, size_bytes));
    CancelTap watch(progress);
    SLIPWAY_CO_TRY(
        StoredData done,
        co_await data_.put_by(
            described,
            {*backend, Intake::Purpose::fetch, allowed, {&watch}, options_.output_format},
            size_bytes,
            *converted,
            call
        )
    );
    log::info(
        call,
        "import.convert.done",
        {{"image", image.id.str()},
         {"from", *image.disk_format},
         {"to", options_.output_format},
         {"bytes", done.size_bytes}}
    );
    co_return done;
}

}  // namespace slipway::service
