#include "service/stored_source.h"

#include "tests/unit/service/services.h"

#include <gtest/gtest.h>

#include <random>

namespace slipway::test {
namespace {

using service::StoredSource;

constexpr std::size_t kBytes = 12 * (1U << 20U) + 777;  // more than the source remembers

class StoredSourceTest : public testing::Test {
protected:
    StoredSourceTest() : data_(pattern(kBytes)) {
        const ImageId id = services_.create_image("raw");
        EXPECT_OK(services_.upload(id, data_));
        location_ = services_.live_locations(id).at(0);
    }

    // What the source gives, or the error.
    Result<std::string> read(StoredSource& source, std::uint64_t offset, std::size_t length) {
        std::string text(length, '\0');
        SLIPWAY_CHECK(
            services_.await(source.read_at(offset, std::as_writable_bytes(std::span(text))))
        );
        return text;
    }

    std::string data_;
    Services services_;
    Location location_;
};

TEST_F(StoredSourceTest, ReadsForwardsAndAnywhere) {
    StoredSource source(services_.memory, location_, Call(), services_.context.get_executor());
    EXPECT_EQ(source.size_bytes(), kBytes);
    for (std::uint64_t at = 0; at + 300'000 <= kBytes; at += 300'000)
        ASSERT_EQ(read(source, at, 300'000).value(), data_.substr(at, 300'000)) << at;
    std::mt19937 random(7);
    for (int i = 0; i < 200; ++i) {
        const std::size_t length = random() % 70'000;
        const std::uint64_t at = random() % (kBytes - length);
        ASSERT_EQ(read(source, at, length).value(), data_.substr(at, length)) << at;
    }
    EXPECT_EQ(read(source, kBytes - 5, 5).value(), data_.substr(kBytes - 5));
    EXPECT_EQ(read(source, kBytes, 0).value(), "");
}

TEST_F(StoredSourceTest, GivesNothingBeyondTheEnd) {
    StoredSource source(services_.memory, location_, Call(), services_.context.get_executor());
    EXPECT_EQ(read(source, kBytes - 4, 5).error().code, Errc::corrupt);
    EXPECT_EQ(read(source, kBytes + 1, 0).error().code, Errc::corrupt);
    EXPECT_EQ(read(source, ~0ULL, 1).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace slipway::test
