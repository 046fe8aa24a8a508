#include "base/ids.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Uuid, IsRandomAndOfVersionFour) {
    const std::string one = new_uuid();
    EXPECT_TRUE(is_uuid(one));
    EXPECT_EQ(one[14], '4');
    EXPECT_NE(one, new_uuid());
}

TEST(ImageId, IsKeptInLowerCase) {
    EXPECT_EQ(
        parse_image_id("ABCDEF01-2345-6789-ABCD-EF0123456789").value().str(),
        "abcdef01-2345-6789-abcd-ef0123456789"
    );
}

TEST(ImageId, IsNotFoundWhenItIsNoUuid) {
    for (const char* text : {"", "none", "../etc", "abcdef01-2345-6789-abcd-ef012345678g"})
        EXPECT_EQ(parse_image_id(text).error().code, Errc::not_found) << text;
}

}  // namespace
}  // namespace slipway
