#include "tests/unit/format/disk_builder.h"
#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace slipway::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

ServicesOptions objects() {
    ServicesOptions options;
    options.store.publishes_locations = true;
    options.store.keeps_disks_as_objects = true;
    return options;
}

std::string text_of(const Bytes& bytes) {
    std::string text;
    for (const std::byte byte : bytes) text.push_back(static_cast<char>(byte));
    return text;
}

Result<Account> run_only_task(Services& services) {
    return services.run_task(
        services.tasks().at(0),
        [&](const TaskRecord& task, store::CloneProgress& progress, const Call& call) {
            return services.boot_forms.run(task, progress, call);
        }
    );
}

std::vector<Location> managed(Services& services, const ImageId& id) {
    auto locations = services.live_locations(id);
    std::erase_if(locations, [](const Location& location) { return !location.is_managed(); });
    return locations;
}

TEST(DiskImporter, PutsADiskBesideTheBootForm) {
    Services services(objects());
    const ImageId id = services.create_image("qcow2");
    const std::string qcow2 = text_of(qcow2_disk());
    ASSERT_OK(services.upload(id, qcow2));
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
    ASSERT_THAT(services.tasks(), SizeIs(1));
    const auto shown = services.download(service_of("owner"), id);
    ASSERT_OK(shown);

    const auto account = run_only_task(services);
    ASSERT_OK(account);
    EXPECT_EQ(account->path, "nfc");
    EXPECT_THAT(services.live_locations(id), SizeIs(3));
    ASSERT_THAT(managed(services, id), SizeIs(1));
    const Location disk = managed(services, id).front();
    EXPECT_EQ(disk.clone_source(), id.str() + ".vmdk");
    const auto stream = services.memory.file(disk.directory, disk.data_file);
    ASSERT_TRUE(stream);
    EXPECT_EQ(stream->substr(0, 8), std::string("KDMV\3\0\0\0", 8)) << "stream-optimised";
    EXPECT_EQ(account->bytes_through, stream->size());
    EXPECT_THAT(services.imported, SizeIs(1));
    // Neither face is touched by it.
    EXPECT_EQ(services.download(member_of("owner"), id).value(), qcow2);
    EXPECT_EQ(services.download(service_of("owner"), id).value(), *shown);
    EXPECT_FALSE(services.image(id).boot_reason);
}

TEST(DiskImporter, ReadsRawDisksOutOfTheFileThatHoldsThem) {
    Services services(objects());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(200'000)));
    EXPECT_EQ(run_only_task(services).value().path, "nfc");
    EXPECT_THAT(managed(services, id), SizeIs(1));
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(200'000));
}

TEST(DiskImporter, ReadsRawDisksOfUnknownLengthOnceTheyAreWrapped) {
    Services services(objects());
    const ImageId id = services.create_image("raw");
    PiecewiseSource body(pattern(200'000));
    ASSERT_OK(services.upload(id, body, std::nullopt));
    EXPECT_EQ(run_only_task(services).value().path, "nfc");
    EXPECT_THAT(services.live_locations(id), SizeIs(2));
}

TEST(DiskImporter, IsNotAskedWhereThereIsNoDisk) {
    Services services(objects());
    Image wanted;
    wanted.disk_format = "qcow2";
    wanted.container_format = "bare";
    wanted.properties["slipway_boot_form"] = "off";
    ASSERT_OK(services.upload(services.create_image(wanted), text_of(qcow2_disk())));
    EXPECT_THAT(services.tasks(), IsEmpty());
}

TEST(DiskImporter, ImportsStreamsWhereBootFormsAreSwitchedOff) {
    Services services(objects());
    Image wanted;
    wanted.disk_format = "vmdk";
    wanted.container_format = "bare";
    wanted.properties["vmware_disktype"] = "streamOptimized";
    wanted.properties["slipway_boot_form"] = "off";
    const ImageId id = services.create_image(wanted);
    const std::string stream = text_of(stream_with_footer());
    ASSERT_OK(services.upload(id, stream));
    EXPECT_EQ(run_only_task(services).value().path, "nfc");
    EXPECT_THAT(managed(services, id), SizeIs(1));
    EXPECT_FALSE(services.image(id).boot_form);
    EXPECT_EQ(services.download(service_of("owner"), id).value(), stream);
}

TEST(DiskImporter, TellsWhyThereIsNoDiskAndLeavesTheRest) {
    bool told = false;
    for (int call = 0; call < 60 && !told; ++call) {
        ServicesOptions options = objects();
        options.failing_call = call;
        Services services(options);
        const ImageId id = services.create_image("qcow2");
        const std::string qcow2 = text_of(qcow2_disk());
        if (!services.upload(id, qcow2) || services.tasks().empty()) continue;
        if (run_only_task(services)) continue;
        EXPECT_THAT(managed(services, id), IsEmpty()) << call;
        EXPECT_EQ(services.download(member_of("owner"), id).value(), qcow2);
        told = services.image(id).boot_form && services.image(id).boot_reason;
    }
    EXPECT_TRUE(told);
}

}  // namespace
}  // namespace slipway::test
