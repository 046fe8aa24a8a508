#include "tests/contract/catalog_contract.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace slipway::test {
namespace {

using namespace std::chrono_literals;

// A `writing` location of an image, of so many bytes.
Location to_write(const ImageId& image, const std::string& id, std::uint64_t bytes) {
    Location location;
    location.id = LocationId(id);
    location.image_id = image;
    location.backend = BackendId("b");
    location.datastore = "DC0/images";
    location.directory = "images/" + id;
    location.data_file = id + ".vmdk";
    location.stored_bytes = bytes;
    return location;
}

TEST_P(CatalogContract, KeepsAProjectToItsBytes) {
    EXPECT_OK(run(catalog_->limit_project("p", {.bytes = 1000})));
    create_active("first", 600);
    const Image second = create("second");
    EXPECT_EQ(code_of(run(catalog_->begin_upload(to_write(second.id, "a", 401)))), Errc::too_large);
    EXPECT_EQ(status_of(second.id), ImageStatus::queued);
    EXPECT_OK(run(catalog_->begin_upload(to_write(second.id, "b", 400))));
    EXPECT_EQ(run(catalog_->usage_of("p"))->bytes, 1000U);
    EXPECT_OK(run(catalog_->fail_upload(LocationId("b"))));
    EXPECT_EQ(code_of(run(catalog_->begin_upload(to_write(second.id, "c", 1)))), Errc::too_large)
        << "garbage counts until it is removed";
    EXPECT_OK(run(catalog_->forget_location(LocationId("b"))));
    EXPECT_OK(run(catalog_->begin_upload(to_write(second.id, "d", 400))));
}

TEST_P(CatalogContract, DoesNotCountTheTablesBeforeAnUpload) {
    EXPECT_OK(run(catalog_->limit_project("p", {.bytes = 1000})));
    const Image image = create();
    Location wrapped = to_write(image.id, "a", 66536);
    wrapped.data_offset = 65536;
    EXPECT_OK(run(catalog_->begin_upload(wrapped)));
    EXPECT_EQ(run(catalog_->usage_of("p"))->bytes, 1000U);
}

TEST_P(CatalogContract, FindsAtTheEndThatAnUploadOfUnknownLengthWasTooLong) {
    EXPECT_OK(run(catalog_->limit_project("p", {.bytes = 1000})));
    const Image image = create();
    EXPECT_OK(run(catalog_->begin_upload(to_write(image.id, "a", 0))));
    store::UploadOutcome outcome = outcome_of(1001);
    outcome.stored_bytes = 1001;
    EXPECT_EQ(code_of(run(catalog_->finish_upload(LocationId("a"), outcome))), Errc::too_large);
    EXPECT_EQ(status_of(image.id), ImageStatus::saving);
    outcome.stored_bytes = 1000;
    EXPECT_OK(run(catalog_->finish_upload(LocationId("a"), outcome)));
}

TEST_P(CatalogContract, CountsAsOsloLimitWhereKeystoneSaysSo) {
    EXPECT_OK(run(catalog_->limit_project("p", {.bytes = 1000, .like_oslo_limit = true})));
    create_active("first", 1000);
    const Image second = create("second");
    EXPECT_EQ(code_of(run(catalog_->begin_upload(to_write(second.id, "a", 1)))), Errc::too_large);
    EXPECT_OK(run(catalog_->begin_upload(to_write(second.id, "b", 0))))
        << "nothing is exceeded yet";
    store::UploadOutcome outcome = outcome_of(500);
    outcome.stored_bytes = 500;
    EXPECT_OK(run(catalog_->finish_upload(LocationId("b"), outcome)));
    const Image third = create("third");
    EXPECT_EQ(code_of(run(catalog_->begin_upload(to_write(third.id, "c", 0)))), Errc::too_large);
    EXPECT_OK(run(catalog_->delete_image(second.id, std::chrono::seconds(0))));
    EXPECT_EQ(run(catalog_->usage_of("p"))->bytes, 1000U) << "what was deleted counts no longer";
    EXPECT_OK(run(catalog_->begin_upload(to_write(third.id, "d", 0))));
}

TEST_P(CatalogContract, CountsABootFormBeforeItIsWritten) {
    EXPECT_OK(run(catalog_->limit_project("p", {.bytes = 1000})));
    const Image image = create_active("small", 10);
    EXPECT_EQ(
        code_of(run(catalog_->add_location(to_write(image.id, "huge", 991)))), Errc::too_large
    );
    EXPECT_OK(run(catalog_->add_location(to_write(image.id, "fits", 990))));
    EXPECT_OK(run(catalog_->add_location(to_write(image.id, "moved", 10), true)))
        << "what takes the place of another counts for nothing";
}

TEST_P(CatalogContract, KeepsAProjectToItsImagesAndUploads) {
    EXPECT_OK(run(catalog_->limit_project("p", {.images = 2, .uploads = 1})));
    const Image first = create("first");
    const Image second = create("second");
    Image third;
    third.id = image_id(900);
    third.owner = "p";
    EXPECT_EQ(code_of(run(catalog_->create_image(third))), Errc::too_large);
    begin_upload(first.id);
    EXPECT_EQ(code_of(run(catalog_->begin_upload(to_write(second.id, "a", 1)))), Errc::too_large);
    EXPECT_EQ(run(catalog_->usage_of("p"))->uploads, 1U);
    EXPECT_EQ(run(catalog_->usage_of("p"))->images, 2U);
    EXPECT_OK(run(catalog_->delete_image(first.id, 0s)));
    EXPECT_OK(run(catalog_->begin_upload(to_write(second.id, "b", 1))));
    EXPECT_OK(run(catalog_->create_image(third)));
}

TEST_P(CatalogContract, LimitsOneProjectAndNoOther) {
    EXPECT_OK(run(catalog_->limit_project("q", {.bytes = 0, .images = 0, .uploads = 0})));
    create_active("image", 100);
    Image others;
    others.id = image_id(900);
    others.owner = "q";
    EXPECT_EQ(code_of(run(catalog_->create_image(others))), Errc::too_large);
    EXPECT_OK(run(catalog_->limit_project("q", {})));
    EXPECT_OK(run(catalog_->create_image(others)));
}

TEST_P(CatalogContract, LetsTwoUploadsTogetherNotBeyondALimit) {
    // On PostgreSQL the second comes from another server, at the same time.
    std::unique_ptr<store::Catalog> other;
    if (!on_sqlite()) other = open_another().value();
    store::Catalog& rival = other ? *other : *catalog_;
    EXPECT_OK(run(catalog_->limit_project("p", {.bytes = 1000})));
    EXPECT_OK(run(rival.limit_project("p", {.bytes = 1000})));
    const Image first = create("first");
    const Image second = create("second");
    auto both = [&]() -> awaitable<int> {
        using namespace asio::experimental::awaitable_operators;
        const auto [one, two] = co_await (
            catalog_->begin_upload(to_write(first.id, "a", 600)) &&
            rival.begin_upload(to_write(second.id, "b", 600))
        );
        co_return (one ? 1 : 0) + (two ? 1 : 0);
    };
    EXPECT_EQ(run(both()), 1);
}

}  // namespace
}  // namespace slipway::test
