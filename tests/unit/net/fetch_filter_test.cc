#include "net/fetch_filter.h"

#include <gtest/gtest.h>

namespace slipway::net {
namespace {

bool is_permitted(const FetchFilter& filter, std::string_view uri) {
    const auto url = check_uri(filter, uri);
    if (!url) EXPECT_EQ(url.error().code, Errc::invalid_argument) << uri;
    return url.has_value();
}

bool may_be_at(const FetchFilter& filter, const char* address) {
    return net::may_be_at(filter, "h.example", boost::asio::ip::make_address(address));
}

TEST(FetchFilter, TakesHttpAndHttpsByDefault) {
    EXPECT_TRUE(is_permitted({}, "http://h.example/x"));
    EXPECT_TRUE(is_permitted({}, "HTTPS://H.example:443/x?y"));
    EXPECT_TRUE(is_permitted({}, "https://203.0.113.7/x"));
    EXPECT_TRUE(is_permitted({}, "https://[2001:db8::1]/x"));
}

TEST(FetchFilter, RefusesOtherSchemesAndMalformedUrls) {
    for (const char* uri :
         {"",
          "h.example/x",
          "http:h.example",
          "http://",
          "file:///etc/passwd",
          "gopher://h.example/",
          "vsphere://vc/folder/x?dcPath=a&dsName=b",
          "http://good.example@evil.example/",
          "http://user:secret@h.example/",
          "http://h.example\\@evil.example/",
          "http://h.example/a\r\nX: y",
          "http://h\xc3\xa9.example/"})
        EXPECT_FALSE(is_permitted({}, uri)) << uri;
}

TEST(FetchFilter, SaysOfEveryUrlThatItDoesNotPass) {
    for (const char* uri :
         {"",
          "h.example/x",
          "http:///x",
          "http://h.example:99999/",
          "http://h.example/ x",
          "ftp://h/"})
        EXPECT_NE(
            check_uri({}, uri).error().message.find("does not pass filtering"), std::string::npos
        ) << uri;
}

TEST(FetchFilter, RefusesUnusualSpellingsOfAddresses) {
    for (const char* host :
         {"2130706433",
          "0x7f000001",
          "0X7F.1",
          "017700000001",
          "127.1",
          "127.0.0.01",
          "0177.0.0.1",
          "1.2.3.4.5",
          "256.1.1.1",
          "h.example.1",
          "2130706433.",
          "[fe80::1::2]"})
        EXPECT_FALSE(is_permitted({}, "http://" + std::string(host) + "/")) << host;
}

TEST(FetchFilter, GoesByAllowedHostsBeforeDisallowedOnes) {
    FetchFilter filter;
    filter.disallowed_hosts = {"evil.example"};
    EXPECT_TRUE(is_permitted(filter, "http://good.example/"));
    EXPECT_FALSE(is_permitted(filter, "http://EVIL.example./"));
    filter.allowed_hosts = {"evil.example"};
    EXPECT_FALSE(is_permitted(filter, "http://good.example/"));
    EXPECT_TRUE(is_permitted(filter, "http://evil.example/"));
}

TEST(FetchFilter, LooksAtAPortOnlyWhereOneIsNamed) {
    FetchFilter filter;
    filter.allowed_ports = {8080};
    EXPECT_TRUE(is_permitted(filter, "http://h.example/"));
    EXPECT_TRUE(is_permitted(filter, "http://[2001:db8::1]/a:22"));
    EXPECT_TRUE(is_permitted(filter, "http://h.example:8080/"));
    EXPECT_FALSE(is_permitted(filter, "http://h.example:80/"));
    EXPECT_FALSE(is_permitted(filter, "http://[2001:db8::1]:22/"));
    filter.allowed_ports.clear();
    filter.disallowed_ports = {22};
    EXPECT_TRUE(is_permitted(filter, "http://h.example:80/"));
    EXPECT_FALSE(is_permitted(filter, "http://h.example:22/"));
}

TEST(FetchFilter, KeepsAwayFromAddressesThatAreNobodysServer) {
    for (const char* address :
         {"127.0.0.1",
          "127.255.255.254",
          "0.0.0.0",
          "169.254.169.254",
          "224.0.0.1",
          "255.255.255.255",
          "192.0.0.192",
          "100.100.100.200",
          "::",
          "::1",
          "::127.0.0.1",
          "::ffff:127.0.0.1",
          "::ffff:169.254.169.254",
          "64:ff9b::7f00:1",
          "64:ff9b:1::1",
          "2002:7f00:1::",
          "2001:0:1::",
          "fe80::1",
          "ff02::1",
          "fd00:ec2::254"})
        EXPECT_FALSE(may_be_at({}, address)) << address;
    for (const char* address :
         {"203.0.113.7", "10.0.0.1", "192.168.1.1", "2001:db8::1", "fd00::1", "64:ff9b::cb00:7107"})
        EXPECT_TRUE(may_be_at({}, address)) << address;
}

TEST(FetchFilter, KeepsAwayFromPrivateNetworksWhenToldTo) {
    FetchFilter filter;
    filter.private_addresses = false;
    for (const char* address :
         {"10.0.0.1",
          "172.31.0.1",
          "192.168.1.1",
          "100.64.0.1",
          "fd00::1",
          "::ffff:10.0.0.1",
          "64:ff9b::a00:1"})
        EXPECT_FALSE(may_be_at(filter, address)) << address;
    EXPECT_TRUE(may_be_at(filter, "203.0.113.7"));
}

TEST(FetchFilter, LetsAnAllowedHostBeAnywhere) {
    FetchFilter filter;
    filter.allowed_hosts = {"h.example"};
    EXPECT_TRUE(may_be_at(filter, "127.0.0.1"));
}

TEST(FetchFilter, FollowsEveryFormOfARedirect) {
    const auto from = parse_url("http://h.example:8080/a/b?c=d").value();
    EXPECT_EQ(redirected(from, "https://g.example/x").value(), "https://g.example/x");
    EXPECT_EQ(redirected(from, "//g.example/x").value(), "http://g.example/x");
    EXPECT_EQ(redirected(from, "/x").value(), "http://h.example:8080/x");
    EXPECT_EQ(redirected(from, "x:/y").value(), "x:/y");
    EXPECT_EQ(redirected(from, "x#part").value(), "http://h.example:8080/a/x");
    EXPECT_EQ(redirected(from, "?e").value(), "http://h.example:8080/a/b?e");
    EXPECT_FALSE(redirected(from, ""));
}

}  // namespace
}  // namespace slipway::net
