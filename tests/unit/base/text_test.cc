#include "base/text.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace slipway {
namespace {

using namespace std::string_view_literals;

TEST(Text, KnowsNoLettersBeyondAscii) {
    EXPECT_EQ(lower_case("AZ[`az\xC3\x84"), "az[`az\xC3\x84");
    EXPECT_TRUE(equals_ignoring_case("Content-LENGTH", "content-length"));
    EXPECT_FALSE(equals_ignoring_case("a", "ab"));
    EXPECT_FALSE(equals_ignoring_case("[", "{"));
    EXPECT_FALSE(equals_ignoring_case("\xC3\x84", "\xC3\xA4"));
}

TEST(Text, LosesTheBlanksAroundItAndNoOthers) {
    EXPECT_EQ(trimmed(" \ta b\t "), "a b");
    EXPECT_EQ(trimmed(" \t "), "");
    EXPECT_EQ(trimmed(""), "");
    EXPECT_EQ(trimmed("\va\r\n"), "\va\r\n");
    EXPECT_EQ(trimmed("\va\r\n", kWhitespace), "a");
}

TEST(Text, CountsCharactersNotBytes) {
    EXPECT_EQ(characters(""), 0U);
    EXPECT_EQ(characters("abc"), 3U);
    EXPECT_EQ(characters("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"), 3U);
}

TEST(Text, FindsControlCharacters) {
    for (const std::string_view text : {"\0"sv, "a\x1F"sv, "\x7F"sv, "\t"sv, "a\nb"sv})
        EXPECT_TRUE(has_control_characters(text));
    for (const std::string_view text : {""sv, " ~"sv, "\xC2\x85"sv})
        EXPECT_FALSE(has_control_characters(text));
}

TEST(Text, DecodesPercentCodesOnce) {
    EXPECT_EQ(percent_decoded("a%20%41%7e%2525+"), "a A~%25+");
    EXPECT_EQ(percent_decoded("%00"), std::string(1, '\0'));
    for (const char* text : {"%", "%4", "a%", "%g0", "%0g", "%%41", "%+1"})
        EXPECT_EQ(percent_decoded(text), std::nullopt) << text;
}

TEST(Text, EncodesAllThatIsReserved) {
    EXPECT_EQ(percent_encoded("aZ09-._~"), "aZ09-._~");
    EXPECT_EQ(percent_encoded("a b/%\xC3\xA4\n"), "a%20b%2F%25%C3%A4%0A");
    EXPECT_EQ(percent_decoded(percent_encoded(":?#[]@!$&'()*+,;=")), ":?#[]@!$&'()*+,;=");
}

TEST(Text, KnowsWhatAHeaderMayHold) {
    EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
    for (const std::string_view text : {""sv, "a b"sv, "a:"sv, "(a)"sv, "\xC3\xA4"sv, "a\0"sv})
        EXPECT_FALSE(is_token(text));
    EXPECT_TRUE(is_field_value(" a\tb \xFF"));
    EXPECT_TRUE(is_field_value(""));
    for (const std::string_view text : {"a\r"sv, "a\n"sv, "\0"sv, "\x7F"sv})
        EXPECT_FALSE(is_field_value(text));
}

TEST(Text, ReadsAMediaTypeWithoutItsParameters) {
    EXPECT_EQ(media_type("application/json"), "application/json");
    EXPECT_EQ(media_type("text/plain ; charset=utf-8"), "text/plain");
    EXPECT_EQ(media_type(" a/b\t;x"), "a/b");
    EXPECT_EQ(media_type(""), "");
}

}  // namespace
}  // namespace slipway
