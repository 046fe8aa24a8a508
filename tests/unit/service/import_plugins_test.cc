#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

namespace slipway::test {
namespace {

using service::ImportMethod;
using service::ImportPlugin;
using service::ImportRequest;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kBytes = 300'000;

ServicesOptions with(std::vector<ImportPlugin> plugins, std::string output_format = "raw") {
    ServicesOptions options;
    options.store.publishes_locations = true;
    options.plugins.plugins = std::move(plugins);
    options.plugins.output_format = std::move(output_format);
    options.plugins.inject = {{"injected", "yes"}};
    return options;
}

std::string gzip(const std::string& text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

// Stages `data` and runs its import.
Result<Account> import(Services& services, const ImageId& id, const std::string& data) {
    SLIPWAY_CHECK(services.stage(id, data));
    ImportRequest request;
    request.method = ImportMethod::glance_direct;
    SLIPWAY_CHECK(services.import(id, request));
    return services.run_import();
}

TEST(ImportPlugins, UnpackWhatIsPacked) {
    Services services(with({ImportPlugin::no_op, ImportPlugin::image_decompression}));
    const ImageId id = services.create_image("raw");
    ASSERT_OK(import(services, id, gzip(pattern(kBytes))));
    const Image image = services.image(id);
    EXPECT_EQ(image.size_bytes, kBytes);
    EXPECT_EQ(image.checksum, md5_of(pattern(kBytes)));
    EXPECT_TRUE(image.boot_form);
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(kBytes));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), SizeIs(1));
}

TEST(ImportPlugins, LeaveAloneWhatIsNotPackedOrShallStaySo) {
    Services services(with({ImportPlugin::image_decompression}));
    const ImageId plain = services.create_image("raw");
    ASSERT_OK(import(services, plain, pattern(kBytes)));
    EXPECT_EQ(services.image(plain).size_bytes, kBytes);
    const ImageId packed = services.create_image("raw", "compressed");
    ASSERT_OK(import(services, packed, gzip(pattern(kBytes))));
    EXPECT_EQ(services.download(member_of("owner"), packed).value(), gzip(pattern(kBytes)));
}

TEST(ImportPlugins, RefuseWhatIsDamagedAndLha) {
    Services services(with({ImportPlugin::image_decompression}));
    const ImageId id = services.create_image("raw");
    const std::string packed = gzip(pattern(kBytes));
    EXPECT_FALSE(import(services, id, packed.substr(0, packed.size() / 2)));
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
    const auto refused = import(services, id, "\x20\x30-lh5-" + std::string(100, 'x'));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("lha"));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

TEST(ImportPlugins, ConvertTheDiskAndItsRecord) {
    for (const char* target : {"qcow2", "vmdk", "raw"}) {
        Services services(with({ImportPlugin::image_conversion}, target));
        const ImageId id = services.create_image("raw");
        const std::string disk = pattern(5 * 65'536);
        ASSERT_OK(import(services, id, disk)) << target;
        const Image image = services.image(id);
        EXPECT_EQ(image.status, ImageStatus::active);
        EXPECT_EQ(image.disk_format, target);
        EXPECT_EQ(image.container_format, "bare");
        EXPECT_EQ(image.virtual_size_bytes, disk.size());
        EXPECT_EQ(image.property("vmware_disktype"), target == std::string("vmdk") ? "sparse" : "");
        EXPECT_TRUE(image.boot_form) << target;
        const std::string file = services.download(member_of("owner"), id).value();
        EXPECT_EQ(image.size_bytes, file.size());
        EXPECT_EQ(image.checksum, md5_of(file));
        if (target == std::string("qcow2")) EXPECT_EQ(file.substr(0, 4), "QFI\xfb");
        if (target == std::string("vmdk")) EXPECT_EQ(file.substr(0, 4), "KDMV");
    }
}

TEST(ImportPlugins, ConvertBackToTheSameDisk) {
    Services first(with({ImportPlugin::image_conversion}, "qcow2"));
    const std::string disk = pattern(5 * 65'536);
    const ImageId raw = first.create_image("raw");
    ASSERT_OK(import(first, raw, disk));
    const std::string qcow2 = first.download(member_of("owner"), raw).value();

    Services second(with({ImportPlugin::image_decompression, ImportPlugin::image_conversion}));
    const ImageId id = second.create_image("qcow2");
    ASSERT_OK(import(second, id, gzip(qcow2)));
    EXPECT_EQ(second.image(id).disk_format, "raw");
    EXPECT_EQ(second.download(member_of("owner"), id).value(), disk);
}

TEST(ImportPlugins, RefuseToConvertWhatIsNotWhatItClaims) {
    Services services(with({ImportPlugin::image_conversion}));
    const ImageId id = services.create_image("qcow2");
    const auto refused = import(services, id, pattern(kBytes));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("declared as qcow2"));
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
}

TEST(ImportPlugins, ConvertVmdksOfTheTypesThatAreAllowed) {
    Services maker(with({ImportPlugin::image_conversion}, "vmdk"));
    const ImageId raw = maker.create_image("raw");
    ASSERT_OK(import(maker, raw, pattern(5 * 65'536)));
    const std::string vmdk = maker.download(member_of("owner"), raw).value();

    ServicesOptions options = with({ImportPlugin::image_conversion});
    Services all(options);
    ASSERT_OK(import(all, all.create_image("vmdk"), vmdk));
    options.plugins.vmdk_types = {"streamOptimized"};
    Services few(options);
    const auto refused = import(few, few.create_image("vmdk"), vmdk);
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("monolithicSparse"));
}

// What the data are is told by their record once they are staged.
TEST(ImportPlugins, RememberWhatIsToleratedOfStagedData) {
    std::string disk(4096, '\0');
    disk[446] = '\x01';
    disk[450] = '\x83';
    disk.replace(510, 2, "\x55\xAA");
    for (const bool tolerant : {false, true}) {
        ServicesOptions options = with({});
        options.rules.formats.tolerates_bad_partition_tables = tolerant;
        Services services(options);
        const auto imported = import(services, services.create_image("raw"), disk);
        EXPECT_EQ(imported.has_value(), tolerant);
    }
}

TEST(ImportPlugins, InjectPropertiesButNotForAdministrators) {
    Services services(with({ImportPlugin::inject_image_metadata}));
    for (const bool admin : {false, true}) {
        const ImageId id = services.create_image("raw");
        ASSERT_OK(services.stage(id, "x"));
        ImportRequest request;
        request.method = ImportMethod::glance_direct;
        ASSERT_OK(services.import(id, request, admin ? administrator() : member_of("owner")));
        EXPECT_EQ(services.image(id).property("injected"), admin ? "" : "yes");
        ASSERT_OK(services.run_import());
    }
}

TEST(ImportPlugins, LetGoOfTheImageWhicheverCallFails) {
    for (int n = 0;; ++n) {
        ASSERT_LT(n, 300) << "it never succeeded";
        ServicesOptions options =
            with({ImportPlugin::image_decompression, ImportPlugin::image_conversion}, "qcow2");
        options.failing_call = n;
        Services services(options);
        const ImageId id = services.create_image("raw");
        if (!services.stage(id, gzip(pattern(65'536)))) continue;
        ImportRequest request;
        request.method = ImportMethod::glance_direct;
        ASSERT_OK(services.import(id, request));
        const auto done = services.run_import();
        const Image image = services.image(id);
        EXPECT_FALSE(image.properties.contains(store::kImportTask)) << n;
        if (done && image.boot_form) break;
        if (!done) EXPECT_EQ(image.status, ImageStatus::uploading) << n;
    }
}

}  // namespace
}  // namespace slipway::test
