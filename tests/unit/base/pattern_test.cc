#include "base/pattern.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Pattern, LooksForAPart) {
    const Pattern pattern = Pattern::compile("^x_.*n$").value();
    EXPECT_TRUE(pattern.is_in("x_own"));
    EXPECT_FALSE(pattern.is_in("ax_own"));
    EXPECT_TRUE(Pattern::compile("own").value().is_in("x_owner"));
    EXPECT_EQ(pattern.str(), "^x_.*n$");
}

TEST(Pattern, SaysWhatIsWrong) {
    for (const char* expression : {"(", "a{2,1}", "(a)\\1", "(?=a)"}) {
        const auto refused = Pattern::compile(expression);
        ASSERT_FALSE(refused) << expression;
        EXPECT_EQ(refused.error().code, Errc::invalid_argument);
        EXPECT_NE(refused.error().message.find(expression), std::string::npos);
    }
}

TEST(Pattern, IsNotSlowedDownByNestedRepeats) {
    EXPECT_FALSE(Pattern::compile("^(a+)+$").value().is_in(std::string(100'000, 'a') + "b"));
}

}  // namespace
}  // namespace slipway
