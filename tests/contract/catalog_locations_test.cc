#include "tests/contract/catalog_contract.h"

namespace slipway::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kNode = "http://node-1:9292";

store::NewForeignLocation named(const ImageId& image, const std::string& id, std::uint64_t bytes) {
    store::NewForeignLocation added;
    added.location.id = LocationId(id);
    added.location.image_id = image;
    added.location.backend = BackendId("web");
    added.location.directory = "web";
    added.location.url = "https://h.example/" + id;
    added.location.stored_bytes = bytes;
    added.event = ImageEvent::located;
    return added;
}

TEST_P(CatalogContract, TakesALocationOfAClientsForTheData) {
    const Image image = create();
    auto added = named(image.id, "one", 100);
    added.location.metadata = R"({"a":"b"})";
    added.digests = store::ImageDigests{std::nullopt, "sha512", std::nullopt};
    ASSERT_OK(run(catalog_->add_foreign_location(added)));
    const Image active = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(active.status, ImageStatus::active);
    EXPECT_EQ(active.size_bytes, 100U);
    EXPECT_EQ(active.os_hash_algo, "sha512");
    const auto live = run(catalog_->live_locations(image.id)).value();
    ASSERT_THAT(live, SizeIs(1));
    EXPECT_TRUE(live[0].is_foreign());
    EXPECT_EQ(live[0].metadata, R"({"a":"b"})");
    EXPECT_EQ(
        run(catalog_->add_foreign_location(named(image.id, "two", 100))).error().code,
        Errc::conflict
    ) << "it is not queued any more";
}

TEST_P(CatalogContract, KeepsAnOwnedFileWhileAnotherImageNamesIt) {
    store::NewForeignLocation owned = named(create().id, "one", 100);
    owned.location.data_file = "file";
    owned.location.is_owned = true;
    ASSERT_OK(run(catalog_->add_foreign_location(owned)));
    EXPECT_TRUE(run(catalog_->find_location(LocationId("one"))).value().is_owned);
    store::NewForeignLocation other = named(create().id, "two", 100);
    other.location.data_file = "file";
    ASSERT_OK(run(catalog_->add_foreign_location(other)));
    EXPECT_FALSE(run(catalog_->find_location(LocationId("two"))).value().is_owned);

    ASSERT_OK(run(catalog_->delete_image(owned.location.image_id, 0s)));
    EXPECT_THAT(garbage(), IsEmpty());
    ASSERT_OK(run(catalog_->delete_image(other.location.image_id, 0s)));
    EXPECT_THAT(garbage(), testing::UnorderedElementsAre("one", "two"));
}

TEST_P(CatalogContract, HasOneOwnerOfAFile) {
    store::NewForeignLocation owned = named(create().id, "one", 100);
    owned.location.data_file = "file";
    owned.location.is_owned = true;
    ASSERT_OK(run(catalog_->add_foreign_location(owned)));
    owned.location.id = LocationId("two");
    owned.location.image_id = create().id;
    EXPECT_EQ(run(catalog_->add_foreign_location(owned)).error().code, Errc::conflict);
}

TEST_P(CatalogContract, AddsMoreLocationsOfTheSameSizeOnly) {
    const Image image = create();
    ASSERT_OK(run(catalog_->add_foreign_location(named(image.id, "one", 100))));
    auto more = named(image.id, "two", 100);
    more.event.reset();
    more.most_locations = 2;
    ASSERT_OK(run(catalog_->add_foreign_location(more)));
    more.location.id = LocationId("three");
    EXPECT_EQ(run(catalog_->add_foreign_location(more)).error().code, Errc::too_large);
    more.most_locations = -1;
    EXPECT_EQ(run(catalog_->add_foreign_location(more)).error().code, Errc::invalid_argument)
        << "the same URL with the same metadata";
    more.location.url += "#other";
    more.location.stored_bytes = 99;
    EXPECT_EQ(run(catalog_->add_foreign_location(more)).error().code, Errc::invalid_argument);
}

TEST_P(CatalogContract, EditsLocationsWithTheRestOfTheImageOrNothing) {
    const Image image = create();
    const auto renamed = [](Image& edited) -> Result<void> {
        edited.name = "renamed";
        return {};
    };
    auto more = named(image.id, "two", 100);
    more.event.reset();
    const std::vector<store::LocationEdit> edits{
        named(image.id, "one", 100),
        more,
        store::LocationMetadata{LocationId("two"), R"({"n":"1"})"},
        store::DroppedLocation{LocationId("one"), 0s}};
    auto wrong = edits;
    wrong.emplace_back(store::DroppedLocation{LocationId("two"), 0s});
    EXPECT_ERROR(Errc::conflict, run(catalog_->update_image(image.id, renamed, wrong)))
        << "it is the last one";
    wrong.back() = store::LocationMetadata{LocationId("none"), "{}"};
    EXPECT_ERROR(Errc::conflict, run(catalog_->update_image(image.id, renamed, wrong)));
    EXPECT_EQ(status_of(image.id), ImageStatus::queued);
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().name, "image");
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), IsEmpty());
    EXPECT_THAT(garbage(), IsEmpty());

    const auto updated = run(catalog_->update_image(image.id, renamed, edits));
    ASSERT_OK(updated);
    EXPECT_EQ(updated->name, "renamed");
    EXPECT_EQ(updated->status, ImageStatus::active);
    EXPECT_EQ(updated->size_bytes, 100U);
    const auto live = run(catalog_->live_locations(image.id)).value();
    ASSERT_THAT(live, SizeIs(1));
    EXPECT_EQ(live[0].metadata, R"({"n":"1"})");
    EXPECT_THAT(garbage(), ElementsAre("one"));
}

TEST_P(CatalogContract, PutsALocationBetweenOthers) {
    const Image image = create();
    ASSERT_OK(run(catalog_->add_foreign_location(named(image.id, "one", 100))));
    for (const char* id : {"two", "three"}) {
        clock_.advance(1s);
        auto more = named(image.id, id, 100);
        more.event.reset();
        if (more.location.id == LocationId("three"))
            more.location.created_at =
                run(catalog_->find_location(LocationId("two"))).value().created_at -
                std::chrono::microseconds(1);
        ASSERT_OK(run(catalog_->add_foreign_location(more)));
    }
    std::vector<std::string> order;
    for (const Location& location : run(catalog_->live_locations(image.id)).value())
        order.push_back(location.id.str());
    EXPECT_THAT(order, ElementsAre("one", "three", "two"));
}

TEST_P(CatalogContract, DigestsThatFollowMoveTheTimeOfTheImage) {
    const Image image = create();
    ASSERT_OK(run(catalog_->add_foreign_location(named(image.id, "one", 100))));
    clock_.advance(1min);
    store::ForeignOutcome outcome;
    outcome.digests = {"aa", "sha256", "bb"};
    ASSERT_OK(run(catalog_->settle_foreign_location(LocationId("one"), outcome)));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().updated_at, clock_.now());
}

TEST_P(CatalogContract, SettlesWhatWasLookedAtBeforeItIsActive) {
    const Image image = create();
    auto added = named(image.id, "one", 100);
    added.event = ImageEvent::import_started;
    ASSERT_OK(run(catalog_->add_foreign_location(added)));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().status, ImageStatus::importing);
    store::ForeignOutcome outcome;
    outcome.event = ImageEvent::import_finished;
    outcome.digests = {"aa", "sha256", "bb"};
    ASSERT_OK(run(catalog_->settle_foreign_location(LocationId("one"), outcome)));
    const Image active = run(catalog_->find_image(image.id)).value();
    EXPECT_EQ(active.status, ImageStatus::active);
    EXPECT_EQ(active.checksum, "aa");
    EXPECT_OK(run(catalog_->settle_foreign_location(LocationId("one"), outcome)))
        << "twice is fine";
    ASSERT_OK(run(catalog_->delete_image(image.id, 0s)));
    EXPECT_EQ(
        run(catalog_->settle_foreign_location(LocationId("one"), outcome)).error().code, Errc::gone
    );
}

TEST_P(CatalogContract, ForgetsARefusedLocationWhenTheImageIsFilledAnew) {
    const Image image = create();
    auto added = named(image.id, "one", 100);
    added.event = ImageEvent::import_started;
    ASSERT_OK(run(catalog_->add_foreign_location(added)));
    store::ForeignOutcome refused;
    refused.event = ImageEvent::import_failed;
    ASSERT_OK(run(catalog_->settle_foreign_location(LocationId("one"), refused)));
    EXPECT_EQ(run(catalog_->find_image(image.id)).value().status, ImageStatus::queued);
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), SizeIs(1));
    begin_upload(image.id);
    EXPECT_THAT(run(catalog_->live_locations(image.id)).value(), IsEmpty());
}

TEST_P(CatalogContract, LetsTwoImagesNameOneFile) {
    const Image first = create();
    const Image second = create();
    auto one = named(first.id, "one", 100);
    auto other = named(second.id, "two", 100);
    other.location.url = one.location.url;
    EXPECT_OK(run(catalog_->add_foreign_location(one)));
    EXPECT_OK(run(catalog_->add_foreign_location(other)));
}

TEST_P(CatalogContract, KeepsARegisterOfTheImageCacheByNode) {
    const Image first = create_active();
    const Image second = create_active();
    ASSERT_OK(run(catalog_->cache_image(kNode, first.id)));
    ASSERT_OK(run(catalog_->cache_image(kNode, first.id)));
    ASSERT_OK(run(catalog_->count_cache_hit(kNode, first.id)));
    ASSERT_OK(run(catalog_->count_cache_hit("other", second.id)));
    const auto cached = run(catalog_->cached_images(kNode)).value();
    ASSERT_THAT(cached, SizeIs(1));
    EXPECT_EQ(cached[0].image, first.id);
    EXPECT_EQ(cached[0].number, 1);
    EXPECT_EQ(cached[0].hits, 1);
    EXPECT_THAT(run(catalog_->nodes_with_cached(second.id)).value(), ElementsAre("other"));
    ASSERT_OK(run(catalog_->uncache_images("other", std::nullopt)));
    EXPECT_THAT(run(catalog_->cached_images("other")).value(), IsEmpty());
    ASSERT_OK(run(catalog_->delete_image(first.id, 0s)));
    EXPECT_THAT(run(catalog_->cached_images(kNode)).value(), IsEmpty());
}

TEST_P(CatalogContract, PrunesTheRegisterDownToABound) {
    std::uint64_t size = 0;
    for (int i = 0; i < 3; ++i) {
        const Image image = create_active();
        size = image.size_bytes.value_or(0);
        ASSERT_OK(run(catalog_->cache_image(kNode, image.id)));
    }
    ASSERT_GT(size, 0U);
    const auto pruned = run(catalog_->prune_cache(kNode, 2 * size)).value();
    EXPECT_EQ(pruned.images, 1U);
    EXPECT_EQ(pruned.bytes, size);
    EXPECT_THAT(run(catalog_->cached_images(kNode)).value(), SizeIs(2));
}

}  // namespace
}  // namespace slipway::test
