#include "tests/unit/format/disk_builder.h"
#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using testing::IsEmpty;

const BackendId kStore("memory");
constexpr const char* kName = "1bea47ed-f6a9-463b-b423-14b9cca9ad27";

ServicesOptions reachable() {
    ServicesOptions options;
    options.store.publishes_locations = true;
    return options;
}

Result<service::StoredObject> put(Services& services, std::string bytes) {
    PiecewiseSource body(std::move(bytes));
    return services.await(
        services.objects.put(service_of("glance"), kStore, kName, std::nullopt, body)
    );
}

Result<std::string> get(Services& services, ByteRange range) {
    SLIPWAY_TRY(
        auto source,
        services.await(services.objects.open(service_of("glance"), kStore, kName, range))
    );
    std::string text(range.length + 1, '\0');
    SLIPWAY_TRY(
        const std::size_t got,
        services.await(read_full(*source, std::as_writable_bytes(std::span(text))))
    );
    text.resize(got);
    return text;
}

TEST(Objects, AreKeptAsTheyCameWithTheirDigests) {
    Services services(reachable());
    const auto stored = put(services, pattern(102'400));
    ASSERT_OK(stored);
    EXPECT_EQ(stored->size_bytes, 102'400U);
    EXPECT_EQ(stored->checksum, md5_of(pattern(102'400)));
    EXPECT_EQ(stored->os_hash_algo, "sha512");
    EXPECT_EQ(get(services, {0, 102'400}).value(), pattern(102'400));
    EXPECT_EQ(get(services, {1000, 7}).value(), pattern(102'400).substr(1000, 7));
}

TEST(Objects, AreNoImages) {
    Services services(reachable());
    ASSERT_OK(put(services, pattern(102'400)));
    const auto page = services.await(services.images.list(administrator(), ImageQuery()));
    ASSERT_OK(page);
    EXPECT_THAT(page->images, IsEmpty());
    const Image image = services.await(services.catalog->find_object(kStore, kName)).value();
    EXPECT_EQ(
        services.await(services.images.show(administrator(), image.id)).error().code,
        Errc::not_found
    );
    EXPECT_EQ(services.await(services.catalog->consumer_id(image.id)).value(), kName);
}

TEST(Objects, HaveOneNameEachUntilTheyAreRemoved) {
    Services services(reachable());
    ASSERT_OK(put(services, pattern(1024)));
    EXPECT_EQ(put(services, pattern(2048)).error().code, Errc::conflict);
    EXPECT_EQ(get(services, {0, 1024}).value(), pattern(1024));
    ASSERT_OK(services.await(services.objects.remove(service_of("glance"), kStore, kName)));
    EXPECT_EQ(get(services, {0, 1}).error().code, Errc::not_found);
    ASSERT_OK(put(services, pattern(2048)));
    EXPECT_EQ(get(services, {0, 2048}).value(), pattern(2048));
}

TEST(Objects, CanBePutAgainWhenTheServerDiedMeanwhile) {
    Services services(reachable());
    Image left;
    left.id = ImageId(new_uuid());
    ASSERT_OK(services.await(services.catalog->create_object(kStore, kName, left)));
    ASSERT_OK(put(services, pattern(2048)));
    EXPECT_EQ(get(services, {0, 2048}).value(), pattern(2048));
}

TEST(Objects, AreForServicesAndAdmins) {
    Services services(reachable());
    PiecewiseSource body("hello");
    const auto refused =
        services.await(services.objects.put(member_of("owner"), kStore, kName, std::nullopt, body));
    EXPECT_EQ(refused.error().code, Errc::forbidden);
}

TEST(Objects, HaveNamesThatHostsTake) {
    Services services(reachable());
    for (const char* const name : {"", "..", ".hidden", "a/b", "a b", "a%2fb"}) {
        PiecewiseSource body("hello");
        const auto refused =
            services.await(services.objects.put(administrator(), kStore, name, std::nullopt, body));
        EXPECT_EQ(refused.error().code, Errc::invalid_argument) << name;
    }
}

TEST(Objects, OfAnUploadThatBreaksAreGone) {
    Services services(reachable());
    PiecewiseSource body(pattern(400'000), [](std::size_t read) -> awaitable<Result<void>> {
        if (read > 200'000) co_return Error(Errc::cancelled, "the client went away");
        co_return Result<void>();
    });
    const auto broken =
        services.await(services.objects.put(administrator(), kStore, kName, std::nullopt, body));
    EXPECT_FALSE(broken);
    ASSERT_OK(put(services, pattern(1024)));
}

}  // namespace
}  // namespace slipway::test
