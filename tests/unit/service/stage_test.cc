#include "tests/unit/service/imports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Stage, PutsTheDataByWhereTheImportCommitsThem) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    EXPECT_EQ(services.image(id).status, ImageStatus::uploading);
    EXPECT_EQ(services.image(id).size_bytes, kBytes);
    EXPECT_EQ(services.image(id).checksum, std::nullopt);
    EXPECT_THAT(services.live_locations(id), IsEmpty());
    const auto directories = services.memory.directories();
    ASSERT_THAT(directories, SizeIs(1));

    ASSERT_OK(services.import(id, direct()));
    EXPECT_EQ(services.image(id).status, ImageStatus::importing);
    const auto account = services.run_import();
    ASSERT_OK(account);
    EXPECT_EQ(account->bytes_through, 0U) << "a commit moves nothing";

    Services uploaded(reachable());
    const ImageId other = uploaded.create_image("raw");
    ASSERT_OK(uploaded.upload(other, pattern(kBytes)));
    const Image image = services.image(id);
    EXPECT_EQ(image.status, ImageStatus::active);
    EXPECT_EQ(image.checksum, uploaded.image(other).checksum);
    EXPECT_EQ(image.os_hash_value, uploaded.image(other).os_hash_value);
    EXPECT_EQ(image.virtual_size_bytes, kBytes);
    ASSERT_TRUE(image.boot_form);
    EXPECT_EQ(image.boot_form->disk_type, "sparse");
    EXPECT_EQ(services.memory.directories(), directories);
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(kBytes));
    EXPECT_EQ(
        md5_of(services.download(service_of("owner"), id).value()), image.boot_form->checksum
    );
    EXPECT_FALSE(image.properties.contains(store::kImportTask));
    EXPECT_THAT(services.activated, ElementsAre(id));
}

TEST(Stage, TakesAnythingAndTheImportJudgesIt) {
    Services services(reachable());
    const ImageId id = services.create_image("qcow2");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    EXPECT_EQ(services.image(id).status, ImageStatus::uploading);
    ASSERT_OK(services.import(id, direct()));
    const auto refused = services.run_import();
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("declared as qcow2"));
    EXPECT_EQ(services.image(id).status, ImageStatus::queued);
    EXPECT_EQ(services.image(id).size_bytes, std::nullopt);
    EXPECT_EQ(last_task(services).error->message, refused.error().message);
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

TEST(Stage, NeedsNoFormatsButTheImportDoes) {
    Services services(reachable());
    const ImageId id = services.create_image(Image());
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    EXPECT_EQ(services.import(id, direct()).error().code, Errc::conflict);
    ASSERT_OK(services.await(services.catalog->update_image(id, [](Image& image) -> Result<void> {
        image.disk_format = "raw";
        image.container_format = "bare";
        return {};
    })));
    ASSERT_OK(services.import(id, direct()));
    ASSERT_OK(services.run_import());
    EXPECT_TRUE(services.image(id).boot_form);
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(kBytes));
}

TEST(Stage, IsRefusedForWhoMayNotAndInTheWrongStatus) {
    Services services;
    const ImageId id = services.create_image("raw");
    PiecewiseSource body("x");
    const service::UploadRequest request{id, 1, std::nullopt};
    const Caller stranger = member_of("stranger");
    EXPECT_EQ(
        services.await(services.data.stage(stranger, request, body)).error().code, Errc::not_found
    );
    ASSERT_OK(services.stage(id, "x"));
    EXPECT_EQ(services.stage(id, "x").error().code, Errc::conflict);
    EXPECT_EQ(services.upload(id, "x").error().code, Errc::conflict);
}

TEST(Stage, LeavesTheImageQueuedWhicheverCallFails) {
    for (const auto moment : {FailureMoment::before, FailureMoment::after}) {
        for (int n = 0;; ++n) {
            ASSERT_LT(n, 100) << "it never succeeded";
            ServicesOptions options = reachable();
            options.failing_call = n;
            options.moment = moment;
            Services services(options);
            const ImageId id = services.create_image("raw");
            if (services.stage(id, pattern(kBytes))) break;
            EXPECT_EQ(services.image(id).status, ImageStatus::queued) << n;
            EXPECT_EQ(services.image(id).size_bytes, std::nullopt) << n;
            EXPECT_FALSE(staged(services, id)) << n;
        }
    }
}

TEST(Stage, WhatWasStagedGoesWithItsImage) {
    Services services;
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.stage(id, pattern(kBytes)));
    ASSERT_OK(services.await(services.images.remove(member_of("owner"), id)));
    services.clock.advance(std::chrono::seconds(60));
    EXPECT_OK(services.await(services.collector.collect_once()));
    EXPECT_THAT(services.memory.directories(), IsEmpty());
}

}  // namespace
}  // namespace slipway::test
