#include "net/url.h"

#include "base/text.h"

#include <gtest/gtest.h>

namespace slipway::net {
namespace {

TEST(ParseUrl, TakesAUrlApart) {
    const auto url = parse_url("https://vc.example.org:8443/sdk/vimService?x=1").value();
    EXPECT_EQ(url.scheme, "https");
    EXPECT_EQ(url.host, "vc.example.org");
    EXPECT_EQ(url.port, 8443);
    EXPECT_EQ(url.target, "/sdk/vimService?x=1");
    EXPECT_EQ(url.authority(), "vc.example.org:8443");
    EXPECT_EQ(url.str(), "https://vc.example.org:8443/sdk/vimService?x=1");
}

TEST(ParseUrl, FillsInPortAndPath) {
    EXPECT_EQ(parse_url("https://h").value().str(), "https://h/");
    EXPECT_EQ(parse_url("http://h").value().port, 80);
    EXPECT_EQ(parse_url("HTTPS://H:443").value().str(), "https://h/");
    EXPECT_EQ(parse_url("https://h?a=b").value().target, "/?a=b");
}

TEST(ParseUrl, KeepsBracketsOfIpv6OutOfTheHost) {
    const auto url = parse_url("https://[2001:DB8::1]:444/x").value();
    EXPECT_EQ(url.host, "2001:db8::1");
    EXPECT_EQ(url.authority(), "[2001:db8::1]:444");
}

TEST(ParseUrl, RefusesWhatIsNoPlainTarget) {
    const std::vector<std::string> bad = {
        "",
        "h/x",
        "ftp://h/",
        "https://",
        "https:///x",
        "https://user@h/",
        "https://user:secret@h/",
        "https://h/#part",
        "https://h:0/",
        "https://h:65536/",
        "https://h:/",
        "https://h:+1/",
        "https://h:1x/",
        "https://-h/",
        "https://.h/",
        "https://a..b/",
        "https://h h/",
        "https://h\r\nX: y/",
        "https://h/a b",
        "https://h/a\r\nX: y",
        "https://h/\xc3\xa9",
        "https://h/%",
        "https://h/%4",
        "https://h/%zz",
        "https://h/a\\b",
        "https://h/[a]",
        "https://[::1/",
        "https://[::1]x/",
        "https://[xyz]/",
        "https://h\\@evil/",
        "https://h/" + std::string(9000, 'a'),
        "https://" + std::string(300, 'a') + "/",
    };
    for (const auto& text : bad) {
        const auto url = parse_url(text);
        ASSERT_FALSE(url) << text;
        EXPECT_EQ(url.error().code, Errc::invalid_argument);
    }
}

TEST(ParseUrl, KeepsSecretsOutOfItsMessage) {
    EXPECT_EQ(parse_url("https://u:hunter2@h/").error().message.find("hunter2"), std::string::npos);
}

TEST(Encode, EncodesAllButUnreservedCharacters) {
    EXPECT_EQ(encode_segment("a b+c%d&e#f?g/h[i]"), "a%20b%2Bc%25d%26e%23f%3Fg%2Fh%5Bi%5D");
    EXPECT_EQ(encode_query_value("/Folder/DC 1"), "%2FFolder%2FDC%201");
    EXPECT_EQ(encode_segment("Aa0-._~"), "Aa0-._~");
    EXPECT_EQ(encode_segment("d\xc3\xa9j\xc3\xa0"), "d%C3%A9j%C3%A0");
}

TEST(Encode, ComesBackFromDecoding) {
    for (const std::string name :
         {"a b",
          "100%",
          "R&D",
          "a+b",
          "#1",
          "[x] y",
          "d\xc3\xa9j\xc3\xa0",
          "%2f",
          "a=b;c",
          "\x01\x7f"}) {
        EXPECT_EQ(percent_decoded(encode_segment(name)), name);
        EXPECT_EQ(percent_decoded(encode_query_value(name)), name);
        EXPECT_TRUE(parse_url(
            "https://h/folder/" + encode_segment(name) + "?dsName=" + encode_query_value(name)
        ));
    }
}

}  // namespace
}  // namespace slipway::net
