#include "service/stored_layout.h"
#include "tests/unit/format/disk_builder.h"
#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ServicesOptions reachable() {
    ServicesOptions options;
    options.store.publishes_locations = true;
    return options;
}

std::string text_of(const Bytes& bytes) {
    std::string text;
    for (const std::byte byte : bytes) text.push_back(static_cast<char>(byte));
    return text;
}

// The location of that form; the test fails without one.
Location location_of(Services& services, const ImageId& id, StoredForm form) {
    for (const Location& location : services.live_locations(id))
        if (location.form == form) return location;
    ADD_FAILURE() << "no such location";
    return {};
}

TEST(BootForm, LiesBesideAnUploadThatNoHostCanBoot) {
    Services services(reachable());
    const ImageId id = services.create_image("qcow2");
    const std::string qcow2 = text_of(qcow2_disk());
    ASSERT_OK(services.upload(id, qcow2));

    const Image image = services.image(id);
    EXPECT_EQ(image.status, ImageStatus::active);
    EXPECT_EQ(image.size_bytes, qcow2.size());
    ASSERT_TRUE(image.boot_form) << image.boot_reason.value_or("");
    EXPECT_EQ(image.boot_form->disk_type, "sparse");
    EXPECT_THAT(services.live_locations(id), SizeIs(2));
    const Location disk = location_of(services, id, StoredForm::boot);
    const auto file = services.memory.file(disk.directory, id.str() + ".vmdk");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->substr(0, 4), "KDMV");
    EXPECT_EQ(image.boot_form->size_bytes, file->size());
    EXPECT_EQ(image.boot_form->checksum, md5_of(*file));
    EXPECT_TRUE(services.memory.file(disk.directory, id.str() + ".json"));
    // Each face gives the bytes of its own record.
    EXPECT_EQ(services.download(member_of("owner"), id).value(), qcow2);
    EXPECT_EQ(services.download(service_of("owner"), id).value(), *file);
}

TEST(BootForm, IsMadeOfEveryDiskFormat) {
    const std::vector<std::pair<std::string, Bytes>> disks{
        {"vhd", dynamic_vhd()},
        {"vhdx", vhdx_disk()},
        {"vdi", vdi_disk()},
        {"vmdk", stream_with_footer()},
    };
    for (const auto& [format, bytes] : disks) {
        Services services(reachable());
        Image wanted;
        wanted.disk_format = format;
        wanted.container_format = "bare";
        if (format == "vmdk") wanted.properties["vmware_disktype"] = "streamOptimized";
        const ImageId id = services.create_image(wanted);
        ASSERT_OK(services.upload(id, text_of(bytes))) << format;
        EXPECT_TRUE(services.image(id).boot_form || services.image(id).boot_reason) << format;
    }
}

TEST(BootForm, IsNotMadeWhereHostsCanNotReachIt) {
    Services services;
    const ImageId id = services.create_image("qcow2");
    ASSERT_OK(services.upload(id, text_of(qcow2_disk())));
    EXPECT_FALSE(services.image(id).boot_form);
    EXPECT_THAT(services.live_locations(id), SizeIs(1));
}

TEST(BootForm, IsLeftOutWhenTheImageSaysSo) {
    Services services(reachable());
    Image wanted;
    wanted.disk_format = "qcow2";
    wanted.container_format = "bare";
    wanted.properties["slipway_boot_form"] = "off";
    const ImageId id = services.create_image(wanted);
    ASSERT_OK(services.upload(id, text_of(qcow2_disk())));
    EXPECT_FALSE(services.image(id).boot_form);
}

TEST(BootForm, FollowsByATaskWhereUploadsDoNotWaitForIt) {
    ServicesOptions options = reachable();
    options.wait_for_boot_form = false;
    Services services(options);
    const ImageId id = services.create_image("qcow2");
    const std::string qcow2 = text_of(qcow2_disk());
    ASSERT_OK(services.upload(id, qcow2));
    EXPECT_EQ(services.image(id).status, ImageStatus::active);
    EXPECT_FALSE(services.image(id).boot_form);
    // Until it is there, services see what users see.
    EXPECT_EQ(services.download(service_of("owner"), id).value(), qcow2);

    const auto tasks = services.tasks();
    ASSERT_THAT(tasks, SizeIs(1));
    EXPECT_EQ(tasks[0].kind, TaskKind::boot_form);
    const auto account = services.run_task(
        tasks[0],
        [&](const TaskRecord& task, store::CloneProgress& progress, const Call& call) {
            return services.boot_forms.run(task, progress, call);
        }
    );
    ASSERT_OK(account);
    EXPECT_EQ(account->path, "stream");
    EXPECT_TRUE(services.image(id).boot_form);
    EXPECT_THAT(services.live_locations(id), SizeIs(2));
}

TEST(BootForm, OfAnImageThatIsDeletedMeanwhileLeavesNothing) {
    ServicesOptions options = reachable();
    options.wait_for_boot_form = false;
    Services services(options);
    const ImageId id = services.create_image("qcow2");
    ASSERT_OK(services.upload(id, text_of(qcow2_disk())));
    const TaskRecord task = services.tasks().at(0);
    ASSERT_OK(services.await(services.catalog->delete_image(id, std::chrono::seconds(0))));
    const auto handler = [&](const TaskRecord& t, store::CloneProgress& p, const Call& c) {
        return services.boot_forms.run(t, p, c);
    };
    EXPECT_FALSE(services.run_task(task, handler));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

// Whatever the store fails at while the boot form is made, the upload is kept.
TEST(BootForm, ThatFailsForNowDoesNotCostTheUpload) {
    bool postponed = false;
    for (int call = 0; call < 40 && !postponed; ++call) {
        ServicesOptions options = reachable();
        options.failing_call = call;
        Services services(options);
        const ImageId id = services.create_image("qcow2");
        const std::string qcow2 = text_of(qcow2_disk());
        if (!services.upload(id, qcow2)) continue;
        ASSERT_EQ(services.image(id).status, ImageStatus::active);
        EXPECT_EQ(services.download(member_of("owner"), id).value(), qcow2);
        if (services.image(id).boot_form) continue;
        postponed = true;
        ASSERT_THAT(services.tasks(), SizeIs(1));
        EXPECT_THAT(services.image(id).boot_reason.value_or(""), HasSubstr("tried again"));
        const auto made = services.run_task(
            services.tasks()[0],
            [&](const TaskRecord& task, store::CloneProgress& progress, const Call& call) {
                return services.boot_forms.run(task, progress, call);
            }
        );
        ASSERT_OK(made);
        EXPECT_TRUE(services.image(id).boot_form);
        EXPECT_FALSE(services.image(id).boot_reason);
    }
    EXPECT_TRUE(postponed);
}

ServicesOptions replacing() {
    ServicesOptions options = reachable();
    options.store.boot_form = BootFormMode::replace;
    return options;
}

// Record, location, bytes and faces of an image whose boot form is all there is.
void expect_replaced(Services& services, const ImageId& id) {
    const Image image = services.image(id);
    EXPECT_EQ(image.status, ImageStatus::active);
    EXPECT_EQ(image.disk_format, "vmdk");
    EXPECT_EQ(image.container_format, "bare");
    EXPECT_EQ(image.property("vmware_disktype"), "sparse");
    ASSERT_TRUE(image.boot_form);
    EXPECT_EQ(image.virtual_size_bytes, image.boot_form->capacity_bytes);
    const auto live = services.live_locations(id);
    ASSERT_THAT(live, SizeIs(1));
    EXPECT_EQ(live[0].form, StoredForm::original);
    EXPECT_EQ(live[0].data_offset, 0U);
    const auto file = services.memory.file(live[0].directory, id.str() + ".vmdk");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->substr(0, 4), "KDMV");
    EXPECT_EQ(image.size_bytes, file->size());
    EXPECT_EQ(image.checksum, md5_of(*file));
    EXPECT_EQ(services.download(member_of("owner"), id).value(), *file);
    EXPECT_EQ(services.download(service_of("owner"), id).value(), *file);
    services.clock.advance(std::chrono::seconds(60));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), SizeIs(1)) << "the original is removed";
}

TEST(ReplacingBootForm, IsTheRecordOfARawImage) {
    Services services(replacing());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(100'000)));
    expect_replaced(services, id);
    EXPECT_EQ(services.image(id).virtual_size_bytes, 131072U);
    const auto file = services.download(member_of("owner"), id).value();
    EXPECT_NE(file.find(pattern(100'000)), std::string::npos);
}

TEST(ReplacingBootForm, IsTheRecordOfARawImageOfUnknownLength) {
    Services services(replacing());
    const ImageId id = services.create_image("raw");
    PiecewiseSource body(pattern(100'000));
    ASSERT_OK(services.upload(id, body, std::nullopt));
    expect_replaced(services, id);
}

TEST(ReplacingBootForm, IsTheRecordOfAnImageInAnotherFormat) {
    Services services(replacing());
    const ImageId id = services.create_image("qcow2");
    ASSERT_OK(services.upload(id, text_of(qcow2_disk())));
    expect_replaced(services, id);
}

TEST(ReplacingBootForm, IsAskedForByAnImageItself) {
    Services services(reachable());
    Image wanted;
    wanted.disk_format = "qcow2";
    wanted.container_format = "bare";
    wanted.properties["slipway_boot_form"] = "replace";
    const ImageId id = services.create_image(wanted);
    ASSERT_OK(services.upload(id, text_of(qcow2_disk())));
    expect_replaced(services, id);
}

TEST(ReplacingBootForm, IsNotMadeOfAnotherServicesObject) {
    Image image;
    image.is_object = true;
    BackendInfo store;
    store.boot_form = BootFormMode::replace;
    EXPECT_EQ(service::boot_form_mode(image, store), BootFormMode::sparse);
}

TEST(ReplacingBootForm, LeavesAnImageThatNoDiskCanBeMadeOfAsItCame) {
    ServicesOptions options = replacing();
    options.rules.formats.require_image_format_match = false;
    Services services(options);
    const ImageId id = services.create_image("iso");
    ASSERT_OK(services.upload(id, pattern(100)));
    const Image image = services.image(id);
    EXPECT_EQ(image.disk_format, "iso");
    EXPECT_EQ(image.size_bytes, 100U);
    EXPECT_EQ(image.property("vmware_disktype"), "");
}

TEST(ReplacingBootForm, ComesByATaskWhereUploadsDoNotWaitForIt) {
    ServicesOptions options = replacing();
    options.wait_for_boot_form = false;
    Services services(options);
    const ImageId id = services.create_image("qcow2");
    ASSERT_OK(services.upload(id, text_of(qcow2_disk())));
    EXPECT_EQ(services.image(id).disk_format, "qcow2");
    const auto handler = [&](const TaskRecord& t, store::CloneProgress& p, const Call& c) {
        return services.boot_forms.run(t, p, c);
    };
    ASSERT_OK(services.run_task(services.tasks().at(0), handler));
    expect_replaced(services, id);
}

// Whatever the store fails at, the image is queued, or active with one record and its bytes.
TEST(ReplacingBootForm, IsTheRecordWholeOrNotAtAll) {
    const std::string qcow2 = text_of(qcow2_disk());
    for (const FailureMoment moment : {FailureMoment::before, FailureMoment::after}) {
        for (int call = 0;; ++call) {
            ASSERT_LT(call, 100) << "the upload never succeeded";
            ServicesOptions options = replacing();
            options.failing_call = call;
            options.moment = moment;
            Services services(options);
            const ImageId id = services.create_image("qcow2");
            const auto outcome = services.upload(id, qcow2);
            const Image image = services.image(id);
            if (!outcome) {
                EXPECT_EQ(image.status, ImageStatus::queued) << "after failing call " << call;
                EXPECT_EQ(image.disk_format, "qcow2");
                EXPECT_THAT(services.live_locations(id), IsEmpty());
                continue;
            }
            if (image.disk_format == "qcow2") {
                EXPECT_EQ(image.size_bytes, qcow2.size());
                EXPECT_EQ(services.download(member_of("owner"), id).value(), qcow2);
                EXPECT_THAT(services.tasks(), SizeIs(1)) << "it follows";
                continue;
            }
            // The failing call has not come yet, so that the store is only looked at from outside.
            EXPECT_EQ(image.disk_format, "vmdk");
            const auto live = services.live_locations(id);
            ASSERT_THAT(live, SizeIs(1));
            const auto file = services.memory.file(live[0].directory, id.str() + ".vmdk");
            ASSERT_TRUE(file);
            EXPECT_EQ(image.size_bytes, file->size());
            EXPECT_EQ(image.checksum, md5_of(*file));
            break;
        }
    }
}

}  // namespace
}  // namespace slipway::test
