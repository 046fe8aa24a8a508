#include "service/image_patch.h"

#include "tests/support/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::service {
namespace {

using test::fails_with;
using test::succeeds;
using testing::ElementsAre;

class ImagePatchTest : public testing::Test {
protected:
    ImagePatchTest() {
        image.owner = "owner";
        image.disk_format = "raw";
        image.container_format = "bare";
        image.properties["color"] = "red";
        owner.project = "owner";
        owner.roles = {"reader", "member"};
        admin = owner;
        admin.roles.emplace_back("admin");
        admin.is_admin = true;
        nova = owner;
        nova.is_service = true;
    }

    Result<void> apply(
        const Identity& who,
        PatchVerb verb,
        const std::string& name,
        AttributeValue value = {},
        PatchDialect dialect = PatchDialect::v2_1
    ) {
        const ImagePatch patch{dialect, {{verb, name, std::move(value)}}, {}};
        return apply_patch(image, patch, {schema, policy, who});
    }
    Result<void> replace(const std::string& name, AttributeValue value) {
        return apply(owner, PatchVerb::replace, name, std::move(value));
    }

    const ImageSchema schema{{"raw", "vmdk"}, {"bare"}};
    const Policy policy;
    Image image;
    Identity owner;
    Identity admin;
    Identity nova;
};

TEST_F(ImagePatchTest, SetsEveryBaseAttribute) {
    EXPECT_OK(replace("name", std::string("n")));
    EXPECT_OK(replace("visibility", std::string("private")));
    EXPECT_OK(replace("min_disk", std::int64_t{5}));
    EXPECT_OK(replace("min_ram", std::int64_t{6}));
    EXPECT_OK(replace("protected", true));
    EXPECT_OK(replace("os_hidden", true));
    EXPECT_OK(replace("tags", std::vector<std::string>{"b", "a", "b"}));
    EXPECT_OK(replace("disk_format", std::string("vmdk")));
    EXPECT_OK(replace("container_format", std::monostate()));

    EXPECT_EQ(image.name, "n");
    EXPECT_EQ(image.visibility, Visibility::private_);
    EXPECT_EQ(image.min_disk_gib, 5);
    EXPECT_EQ(image.min_ram_mib, 6);
    EXPECT_TRUE(image.is_protected);
    EXPECT_TRUE(image.hidden);
    EXPECT_THAT(image.tags, ElementsAre("a", "b"));
    EXPECT_EQ(image.disk_format, "vmdk");
    EXPECT_EQ(image.container_format, std::nullopt);
    EXPECT_OK(replace("name", std::monostate()));
    EXPECT_EQ(image.name, std::nullopt);
}

TEST_F(ImagePatchTest, ReplacesAndRemovesOnlyPropertiesThatAreThere) {
    EXPECT_OK(replace("color", std::string("blue")));
    EXPECT_EQ(image.property("color"), "blue");
    EXPECT_ERROR(Errc::conflict, replace("shape", std::string("round")));
    EXPECT_OK(apply(owner, PatchVerb::remove, "color"));
    EXPECT_FALSE(image.properties.contains("color"));
    EXPECT_ERROR(Errc::conflict, apply(owner, PatchVerb::remove, "color"));
}

TEST_F(ImagePatchTest, AddsOverWhatIsThereInTheNewDialectOnly) {
    const AttributeValue blue = std::string("blue");
    EXPECT_OK(apply(owner, PatchVerb::add, "color", blue));
    EXPECT_EQ(image.property("color"), "blue");
    EXPECT_OK(apply(owner, PatchVerb::add, "name", blue));
    EXPECT_ERROR(Errc::conflict, apply(owner, PatchVerb::add, "color", blue, PatchDialect::v2_0));
    EXPECT_ERROR(Errc::conflict, apply(owner, PatchVerb::add, "name", blue, PatchDialect::v2_0));
    EXPECT_OK(apply(owner, PatchVerb::add, "shape", blue, PatchDialect::v2_0));
    EXPECT_EQ(image.property("shape"), "blue");
}

TEST_F(ImagePatchTest, RemovesNoBaseAttribute) {
    EXPECT_ERROR(Errc::forbidden, apply(owner, PatchVerb::remove, "name"));
    EXPECT_ERROR(Errc::forbidden, apply(admin, PatchVerb::remove, "tags"));
}

TEST_F(ImagePatchTest, GivesAnImageAwayByAdministratorsOnly) {
    const AttributeValue other = std::string("other");
    EXPECT_ERROR(Errc::forbidden, apply(owner, PatchVerb::replace, "owner", other));
    EXPECT_ERROR(Errc::forbidden, apply(owner, PatchVerb::add, "owner", other));
    EXPECT_OK(apply(admin, PatchVerb::add, "owner", other));
    EXPECT_EQ(image.owner, "other");
}

TEST_F(ImagePatchTest, PublishesByAdministratorsAndCommunitizesByTheOwner) {
    const AttributeValue open = std::string("public");
    EXPECT_ERROR(Errc::forbidden, apply(owner, PatchVerb::replace, "visibility", open));
    EXPECT_OK(apply(owner, PatchVerb::replace, "visibility", std::string("community")));
    EXPECT_OK(apply(admin, PatchVerb::replace, "visibility", open));
    EXPECT_EQ(image.visibility, Visibility::public_);
}

TEST_F(ImagePatchTest, ChangesFormatsWhileThereIsNoData) {
    image.status = ImageStatus::active;
    EXPECT_ERROR(Errc::forbidden, replace("disk_format", std::string("vmdk")));
    EXPECT_ERROR(Errc::forbidden, replace("container_format", std::monostate()));
    EXPECT_ERROR(Errc::forbidden, replace("disk_format", std::string("raw"))) << "as it is";
    image.status = ImageStatus::saving;
    EXPECT_ERROR(Errc::forbidden, replace("disk_format", std::string("vmdk")));
    for (const ImageStatus status : {ImageStatus::uploading, ImageStatus::importing}) {
        image.status = status;
        EXPECT_OK(replace("disk_format", std::string("vmdk")));
    }
}

TEST_F(ImagePatchTest, TakesWhatAServiceWasShownForNoChange) {
    image.status = ImageStatus::active;
    image.boot_form = BootForm{"sparse", 196'608, 131'072, "c", "h"};
    EXPECT_OK(apply(nova, PatchVerb::replace, "disk_format", std::string("vmdk")));
    EXPECT_OK(apply(nova, PatchVerb::replace, "vmware_disktype", std::string("sparse")));
    EXPECT_EQ(image.disk_format, "raw");
    EXPECT_FALSE(image.properties.contains("vmware_disktype"));
    EXPECT_ERROR(
        Errc::forbidden, apply(owner, PatchVerb::replace, "disk_format", std::string("vmdk"))
    );
}

// Cinder after the upload of a volume: it was shown a disk type that the record lacks.
TEST_F(ImagePatchTest, LetsAServiceReplaceAndRemoveWhatOnlyItsFaceHas) {
    image.boot_form = BootForm{"sparse", 100, 3ULL << 30U, "", ""};
    EXPECT_OK(apply(nova, PatchVerb::replace, "min_disk", std::int64_t{3}));
    EXPECT_EQ(image.min_disk_gib, 0);
    EXPECT_OK(apply(nova, PatchVerb::remove, "vmware_disktype"));
    EXPECT_FALSE(image.properties.contains("vmware_disktype"));
    EXPECT_OK(apply(nova, PatchVerb::replace, "vmware_disktype", std::string("streamOptimized")));
    EXPECT_EQ(image.property("vmware_disktype"), "streamOptimized");
    EXPECT_ERROR(
        Errc::conflict, apply(nova, PatchVerb::replace, "hw_disk_bus", std::string("scsi"))
    );
}

TEST_F(ImagePatchTest, StopsAtTheFirstOperationThatFails) {
    const ImagePatch patch{
        PatchDialect::v2_1,
        {{PatchVerb::replace, "name", std::string("first")},
         {PatchVerb::remove, "absent", {}},
         {PatchVerb::replace, "name", std::string("third")}},
        {}};
    EXPECT_ERROR(Errc::conflict, apply_patch(image, patch, {schema, policy, owner}));
    EXPECT_EQ(image.name, "first");
}

}  // namespace
}  // namespace slipway::service
