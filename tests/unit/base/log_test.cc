#include "base/log.h"

#include <gtest/gtest.h>

namespace slipway::log {
namespace {

TEST(Log, EscapesWhatWouldBreakTheLine) {
    EXPECT_EQ(escaped("a\r\nb\x1b[31m\"c\\"), "a\\x0d\\x0ab\\x1b[31m\\\"c\\\\");
}

TEST(Log, LeavesOtherPeoplesLettersAlone) {
    EXPECT_EQ(escaped("Müller 画像 🙂"), "Müller 画像 🙂");
}

TEST(Log, EscapesWhatWouldReadOtherwise) {
    EXPECT_EQ(escaped("a\xe2\x80\xaetxt.exe"), "a\\xe2\\x80\\xaetxt.exe");  // right to left
    EXPECT_EQ(
        escaped("a\xc2\x9b"
                "2J"),
        "a\\xc2\\x9b2J"
    );  // C1: as ESC [
    EXPECT_EQ(
        escaped("a\xe2\x80\xa8"
                "b"),
        "a\\xe2\\x80\\xa8b"
    );  // line separator
}

TEST(Log, EscapesBytesThatAreNoText) {
    EXPECT_EQ(escaped("\xff\xc3"), "\\xff\\xc3");
    EXPECT_EQ(escaped("\xc0\xaf"), "\\xc0\\xaf");           // '/' in two bytes
    EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half a surrogate pair
}

TEST(Log, CutsWhatIsTooLong) {
    EXPECT_LT(escaped(std::string(1U << 20U, 'x')).size(), 2100U);
}

}  // namespace
}  // namespace slipway::log
