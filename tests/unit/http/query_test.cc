#include "http/query.h"

#include <gtest/gtest.h>

namespace slipway::http {
namespace {

TEST(Query, DecodesAsFormsDoAndKeepsOrderAndRepeats) {
    const auto query = parse_query("name=a+b&tag=x%20y&tag=%C3%A4&flag&empty=&&a=b=c&%6B=v");
    ASSERT_TRUE(query);
    const QueryParameters expected = {
        {"name", "a b"},
        {"tag", "x y"},
        {"tag", "\xC3\xA4"},
        {"flag", ""},
        {"empty", ""},
        {"a", "b=c"},
        {"k", "v"}};
    EXPECT_EQ(*query, expected);
}

TEST(Query, IsEmptyForNothing) {
    EXPECT_TRUE(parse_query("")->empty());
    EXPECT_TRUE(parse_query("&&")->empty());
}

TEST(Query, RefusesWhatIsNoPercentEncodedUtf8) {
    for (const char* raw :
         {"a=%",
          "a=%4",
          "a=%zz",
          "a=%FF",
          "%80=a",
          "a=%C0%AF",
          "a=%ED%A0%80",
          "a=%F4%90%80%80",
          "a=%C3",
          "a=%00"}) {
        const auto query = parse_query(raw);
        ASSERT_FALSE(query) << raw;
        EXPECT_EQ(query.error().code, Errc::invalid_argument) << raw;
    }
}

TEST(Utf8, IsCheckedStrictly) {
    for (const char* good :
         {"",
          "a",
          "\xC2\x80",
          "\xE0\xA0\x80",
          "\xEF\xBF\xBF",
          "\xF0\x90\x80\x80",
          "\xF4\x8F\xBF\xBF"})
        EXPECT_TRUE(is_valid_utf8(good)) << good;
    for (const char* bad :
         {"\x80",
          "\xC1\x81",
          "\xE0\x9F\x80",
          "\xED\xA0\x80",
          "\xF0\x8F\x80\x80",
          "\xF5\x80\x80\x80",
          "\xE2\x82"})
        EXPECT_FALSE(is_valid_utf8(bad)) << bad;
}

}  // namespace
}  // namespace slipway::http
