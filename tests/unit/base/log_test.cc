#include "base/log.h"

#include <gtest/gtest.h>

namespace slipway::log {
namespace {

TEST(Log, EscapesWhatWouldBreakTheLine) {
    EXPECT_EQ(escaped("a\r\nb\x1b[31m\"c\\"), "a\\x0d\\x0ab\\x1b[31m\\\"c\\\\");
}

TEST(Log, CutsWhatIsTooLong) {
    EXPECT_LT(escaped(std::string(1U << 20U, 'x')).size(), 2100U);
}

}  // namespace
}  // namespace slipway::log
