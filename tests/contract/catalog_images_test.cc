#include "tests/contract/catalog_contract.h"

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

Image full_image() {
    Image image;
    image.id = image_id(7);
    image.name = "Ubuntu \xC3\xA9 :x '?' ;";
    image.visibility = Visibility::community;
    image.owner = "p";
    image.size_bytes = 1ULL << 40U;
    image.virtual_size_bytes = 3ULL << 40U;
    image.disk_format = "vmdk";
    image.container_format = "bare";
    image.min_disk_gib = 2147483647;
    image.min_ram_mib = 512;
    image.is_protected = true;
    image.hidden = true;
    image.tags = {"b", "a", "b"};
    image.properties = {{"empty", ""}, {"os", "linux"}, {"nothing", std::nullopt}};
    image.boot_form = BootForm{"sparse", 1ULL << 41U, 3ULL << 40U, "abc", "def"};
    return image;
}

TEST_P(CatalogContract, GivesBackAnImageAsItWasCreated) {
    create(full_image());
    const Image image = run(catalog_->find_image(image_id(7))).value();
    const Image expected = full_image();
    EXPECT_EQ(image.name, expected.name);
    EXPECT_EQ(image.status, ImageStatus::queued);
    EXPECT_EQ(image.visibility, Visibility::community);
    EXPECT_EQ(image.owner, "p");
    EXPECT_EQ(image.size_bytes, 1ULL << 40U);
    EXPECT_EQ(image.virtual_size_bytes, 3ULL << 40U);
    EXPECT_EQ(image.disk_format, "vmdk");
    EXPECT_EQ(image.container_format, "bare");
    EXPECT_EQ(image.min_disk_gib, 2147483647);
    EXPECT_EQ(image.min_ram_mib, 512);
    EXPECT_TRUE(image.is_protected);
    EXPECT_TRUE(image.hidden);
    EXPECT_EQ(image.checksum, std::nullopt);
    EXPECT_EQ(image.created_at, clock_.now());
    EXPECT_EQ(image.updated_at, clock_.now());
    EXPECT_THAT(image.tags, ElementsAre("a", "b"));
    EXPECT_EQ(image.properties, expected.properties);
    EXPECT_EQ(image.boot_form, expected.boot_form);
}

TEST_P(CatalogContract, TellsNullFromEmpty) {
    Image image;
    image.id = image_id(1);
    EXPECT_EQ(create(image).name, std::nullopt);
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().owner, std::nullopt);
    image.id = image_id(2);
    image.name = "";
    create(image);
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().name, "");
}

TEST_P(CatalogContract, RefusesAnIdThatIsOrWasInUse) {
    const Image image = create();
    EXPECT_ERROR(Errc::conflict, run(catalog_->create_image(image)));
    EXPECT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_ERROR(Errc::conflict, run(catalog_->create_image(image)));
}

TEST_P(CatalogContract, RefusesANewImageThatIsNotQueued) {
    Image image;
    image.id = image_id(1);
    image.status = ImageStatus::active;
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->create_image(image)));
}

TEST_P(CatalogContract, RefusesWhatTheSchemaRefusesAndGoesOn) {
    Image image;
    image.id = image_id(1);
    image.name = std::string(256, 'x');
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->create_image(image)));
    image.name = std::string("a\0b", 3);
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->create_image(image)));
    image.name.reset();
    image.size_bytes = ~std::uint64_t{0};
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->create_image(image)));
    image.size_bytes.reset();
    image.min_ram_mib = -1;
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->create_image(image)));
    image.min_ram_mib = 0;
    image.id = ImageId("short");
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->create_image(image)));
    image.id = image_id(1);
    for (int i = 0; i < 255; ++i) image.name = image.name.value_or("") + "\xC3\xA9";
    EXPECT_OK(run(catalog_->create_image(image)));
}

TEST_P(CatalogContract, LimitsPropertiesAndTagsOfANewImage) {
    Image image;
    image.id = image_id(1);
    for (int i = 0; i < 129; ++i) image.properties["k" + std::to_string(i)] = "v";
    EXPECT_ERROR(Errc::too_large, run(catalog_->create_image(image)));
    image.properties.erase("k0");
    for (int i = 0; i < 129; ++i) image.tags.push_back("t" + std::to_string(i));
    EXPECT_ERROR(Errc::too_large, run(catalog_->create_image(image)));
    image.tags.pop_back();
    EXPECT_OK(run(catalog_->create_image(image)));
}

TEST_P(CatalogContract, TakesANegativeLimitAsNone) {
    catalog_.reset();
    options_.limits.tags = -1;
    restart();
    Image image;
    image.id = image_id(1);
    for (int i = 0; i < 300; ++i) image.tags.push_back("t" + std::to_string(i));
    EXPECT_OK(run(catalog_->create_image(image)));
}

TEST_P(CatalogContract, DoesNotFindWhatIsNotThere) {
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_image(image_id(1))));
    EXPECT_ERROR(Errc::not_found, run(catalog_->delete_image(image_id(1), 0s)));
    EXPECT_ERROR(Errc::not_found, run(catalog_->advance(image_id(1), ImageEvent::deactivate)));
    EXPECT_ERROR(Errc::not_found, run(catalog_->list_members(image_id(1))));
}

TEST_P(CatalogContract, UpdatesWhatAClientMayEdit) {
    const Image before = create(full_image());
    clock_.advance(1s);
    const auto change = [](Image& image) -> Result<void> {
        image.name.reset();
        image.visibility = Visibility::public_;
        image.owner = "q";
        image.min_disk_gib = 3;
        image.is_protected = false;
        image.tags = {"z", "a"};
        image.properties.erase("empty");
        image.properties["os"] = "bsd";
        image.properties["new"] = std::nullopt;
        image.status = ImageStatus::active;
        image.size_bytes = 1;
        return {};
    };
    const Image told = run(catalog_->update_image(before.id, change)).value();
    const Image found = run(catalog_->find_image(before.id)).value();
    for (const Image& image : {told, found}) {
        EXPECT_EQ(image.name, std::nullopt);
        EXPECT_EQ(image.visibility, Visibility::public_);
        EXPECT_EQ(image.owner, "q");
        EXPECT_EQ(image.min_disk_gib, 3);
        EXPECT_FALSE(image.is_protected);
        EXPECT_TRUE(image.hidden);
        EXPECT_THAT(image.tags, ElementsAre("a", "z"));
        EXPECT_EQ(image.properties.size(), 3U);
        EXPECT_EQ(image.properties.at("os"), "bsd");
        EXPECT_EQ(image.properties.at("new"), std::nullopt);
        EXPECT_EQ(image.updated_at, clock_.now());
        EXPECT_EQ(image.created_at, before.created_at);
        EXPECT_EQ(image.status, ImageStatus::queued) << "not a client's to edit";
        EXPECT_EQ(image.size_bytes, 1ULL << 40U);
    }
}

TEST_P(CatalogContract, RollsAnUpdateBackWhenTheChangeFailsOrThrows) {
    const Image before = create(full_image());
    clock_.advance(1s);
    const auto fails = [](Image& image) -> Result<void> {
        image.name = "other";
        return Error(Errc::forbidden, "no");
    };
    EXPECT_ERROR(Errc::forbidden, run(catalog_->update_image(before.id, fails)));
    const auto throws = [](Image&) -> Result<void> { throw std::runtime_error("broken"); };
    EXPECT_THROW((void)run(catalog_->update_image(before.id, throws)), std::runtime_error);
    const auto too_long = [](Image& image) -> Result<void> {
        image.name = "other";
        image.properties["os"] = "bsd";
        image.tags = {std::string(256, 't')};
        return {};
    };
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->update_image(before.id, too_long)));
    const Image after = run(catalog_->find_image(before.id)).value();
    EXPECT_EQ(after.name, before.name);
    EXPECT_EQ(after.tags, before.tags);
    EXPECT_EQ(after.properties, before.properties);
    EXPECT_EQ(after.updated_at, before.updated_at);
}

TEST_P(CatalogContract, LimitsGrowthAndNotWhatWasThereBefore) {
    Image image;
    image.id = image_id(1);
    image.tags = {"a", "b", "c"};
    create(image);
    options_.limits.tags = 1;
    restart();
    const auto rename = [](Image& edited) -> Result<void> {
        edited.name = "new";
        edited.tags.pop_back();
        return {};
    };
    EXPECT_OK(run(catalog_->update_image(image.id, rename)));
    const auto grow = [](Image& edited) -> Result<void> {
        edited.tags.push_back("d");
        return {};
    };
    EXPECT_ERROR(Errc::too_large, run(catalog_->update_image(image.id, grow)));
}

TEST_P(CatalogContract, CountsOnlyPropertiesOfClients) {
    options_.limits.properties = 1;
    restart();
    Image image;
    image.id = image_id(1);
    image.properties = {{"os_glance_failed_import", ""}, {"os_glance_importing_to_stores", ""}};
    create(image);
    const auto add = [&](const char* name) {
        return run(catalog_->update_image(image.id, [&](Image& edited) -> Result<void> {
            edited.properties[name] = "v";
            return {};
        }));
    };
    EXPECT_OK(add("a"));
    EXPECT_ERROR(Errc::too_large, add("b"));
}

TEST_P(CatalogContract, DeactivatesAndReactivates) {
    const Image image = create_active();
    EXPECT_EQ(
        run(catalog_->advance(image.id, ImageEvent::deactivate)).value().status,
        ImageStatus::deactivated
    );
    EXPECT_OK(run(catalog_->advance(image.id, ImageEvent::deactivate)));
    EXPECT_EQ(
        run(catalog_->advance(image.id, ImageEvent::reactivate)).value().status, ImageStatus::active
    );
    EXPECT_ERROR(Errc::conflict, run(catalog_->advance(create().id, ImageEvent::deactivate)));
    EXPECT_ERROR(
        Errc::invalid_argument, run(catalog_->advance(image.id, ImageEvent::upload_finished))
    );
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().size_bytes, 100U);
}

TEST_P(CatalogContract, DeletesAnImageAndKeepsItsLocationsAsGarbage) {
    Image image;
    image.id = image_id(1);
    image.owner = "p";
    image.tags = {"a"};
    image.properties = {{"k", "v"}};
    create(image);
    EXPECT_OK(run(catalog_->add_member(image.id, "q")));
    const Location location = begin_upload(image.id);
    EXPECT_OK(run(catalog_->finish_upload(location.id, outcome_of(100))));

    EXPECT_OK(run(catalog_->delete_image(image.id, 60s)));
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_image(image.id)));
    EXPECT_ERROR(Errc::not_found, run(catalog_->delete_image(image.id, 60s)));
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_member(image.id, "q")));
    EXPECT_TRUE(run(catalog_->list_images(everything())).value().empty());
    EXPECT_TRUE(run(catalog_->live_locations(image.id)).value().empty());
    EXPECT_EQ(state_of(location.id), LocationState::garbage);
    EXPECT_THAT(garbage(), ElementsAre());
    clock_.advance(60s);
    EXPECT_THAT(garbage(), ElementsAre("l1"));
    const auto db = open_db();
    for (const char* const table : {"image_members", "image_tags", "image_properties"})
        EXPECT_TRUE(db->query("select image_id from " + std::string(table)).value().empty())
            << table;
}

TEST_P(CatalogContract, RefusesToDeleteAProtectedImage) {
    Image image;
    image.id = image_id(1);
    image.is_protected = true;
    create(image);
    EXPECT_ERROR(Errc::forbidden, run(catalog_->delete_image(image.id, 0s)));
    EXPECT_EQ(status_of(image.id), ImageStatus::queued);
}

TEST_P(CatalogContract, CountsBytesThatAreWrittenLiveOrGarbage) {
    EXPECT_EQ(run(catalog_->usage_of("p"))->bytes, 0U);
    create_active("live", 3ULL << 40U);
    begin_upload(create("writing").id);
    const Image gone = create_active("gone", 7);
    EXPECT_OK(run(catalog_->delete_image(gone.id, 0s)));
    EXPECT_EQ(run(catalog_->usage_of("p"))->bytes, (3ULL << 40U) + 100 + 7);
    EXPECT_EQ(run(catalog_->usage_of("q"))->bytes, 0U);
    EXPECT_OK(run(catalog_->forget_location(LocationId("l3"))));
    EXPECT_EQ(run(catalog_->usage_of("p"))->bytes, (3ULL << 40U) + 100);
}

TEST_P(CatalogContract, SharesAnImageWithMembers) {
    const Image image = create();
    const Member added = run(catalog_->add_member(image.id, "q")).value();
    EXPECT_EQ(added.project, "q");
    EXPECT_EQ(added.status, "pending");
    EXPECT_EQ(added.created_at, clock_.now());
    EXPECT_ERROR(Errc::conflict, run(catalog_->add_member(image.id, "q")));
    clock_.advance(1s);
    const Member changed = run(catalog_->set_member_status(image.id, "q", "accepted")).value();
    EXPECT_EQ(changed.status, "accepted");
    EXPECT_EQ(changed.updated_at, clock_.now());
    EXPECT_EQ(changed.created_at, added.created_at);
    EXPECT_ERROR(Errc::invalid_argument, run(catalog_->set_member_status(image.id, "q", "maybe")));
    EXPECT_ERROR(Errc::not_found, run(catalog_->set_member_status(image.id, "r", "accepted")));
    EXPECT_ERROR(Errc::not_found, run(catalog_->find_member(image.id, "r")));
    EXPECT_OK(run(catalog_->add_member(image.id, "a")));
    const auto members = run(catalog_->list_members(image.id)).value();
    ASSERT_EQ(members.size(), 2U);
    EXPECT_EQ(members[0].project, "q");
    EXPECT_EQ(members[1].project, "a");
    EXPECT_OK(run(catalog_->remove_member(image.id, "q")));
    EXPECT_ERROR(Errc::not_found, run(catalog_->remove_member(image.id, "q")));
    EXPECT_EQ(run(catalog_->add_member(image.id, "q")).value().status, "pending");
}

TEST_P(CatalogContract, LimitsMembers) {
    options_.limits.members = 2;
    restart();
    const Image image = create();
    EXPECT_OK(run(catalog_->add_member(image.id, "a")));
    EXPECT_OK(run(catalog_->add_member(image.id, "b")));
    EXPECT_ERROR(Errc::too_large, run(catalog_->add_member(image.id, "c")));
    EXPECT_ERROR(Errc::conflict, run(catalog_->add_member(image.id, "b")));
    EXPECT_EQ(run(catalog_->list_members(image.id)).value().size(), 2U);
}

}  // namespace
}  // namespace slipway::test
