#include "service/sites.h"

#include <gtest/gtest.h>

namespace slipway::service {
namespace {

Site site(const std::string& name, const std::vector<std::string>& networks) {
    Site made;
    made.name = name;
    for (const auto& text : networks) made.networks.push_back(Network::parse(text).value());
    return made;
}

Location on(const std::string& datastore, const std::string& store = "vc") {
    Location location;
    location.datastore = datastore;
    location.backend = BackendId(store);
    return location;
}

TEST(Network, HoldsTheAddressesOfItsPrefix) {
    const auto v4 = Network::parse("192.0.2.128/25").value();
    EXPECT_TRUE(v4.contains("192.0.2.128"));
    EXPECT_TRUE(v4.contains("192.0.2.255"));
    EXPECT_FALSE(v4.contains("192.0.2.127"));
    EXPECT_TRUE(v4.contains("::ffff:192.0.2.200")) << "as a listener for both families sees it";
    EXPECT_FALSE(v4.contains("2001:db8::1"));
    EXPECT_FALSE(v4.contains("unknown"));
    const auto v6 = Network::parse("2001:db8::/32").value();
    EXPECT_TRUE(v6.contains("2001:db8:ffff::1"));
    EXPECT_FALSE(v6.contains("2001:db9::1"));
    EXPECT_TRUE(Network::parse("192.0.2.7").value().contains("192.0.2.7"));
    EXPECT_FALSE(Network::parse("192.0.2.7").value().contains("192.0.2.8"));
    EXPECT_TRUE(Network::parse("0.0.0.0/0").value().contains("192.0.2.8"));
}

TEST(Network, IsNoneWhenItIsMalformed) {
    for (const char* text :
         {"",
          "192.0.2.0/33",
          "192.0.2.0/-1",
          "192.0.2.0/",
          "192.0.2/24",
          "a/8",
          "192.0.2.1/24",
          "2001:db8::/129",
          "192.0.2.0/24x"})
        EXPECT_FALSE(Network::parse(text)) << text;
}

TEST(Sites, AreFoundByTheSmallestNetwork) {
    const std::vector<Site> sites{
        site("all", {"0.0.0.0/0"}),
        site("east", {"198.51.100.0/24", "203.0.113.0/24"}),
        site("rack", {"203.0.113.64/26"})};
    EXPECT_EQ(site_of(sites, "203.0.113.65")->name, "rack");
    EXPECT_EQ(site_of(sites, "203.0.113.1")->name, "east");
    EXPECT_EQ(site_of(sites, "192.0.2.1")->name, "all");
    EXPECT_EQ(site_of(sites, "2001:db8::1"), nullptr);
    EXPECT_EQ(site_of(sites, ""), nullptr);
}

TEST(Sites, PutTheirOwnLocationsFirst) {
    Site near;
    near.datastores = {{"F0/DC1", "ssd*", {}}, {"", "", BackendId("nfs")}};
    std::vector<Location> locations{
        on("DC0/ssd1"), on("F0/DC1/hdd"), on("F0/DC1/ssd1"), on("", "nfs"), on("F0/DC1/ssd2")};
    sort_by_nearness(locations, nullptr);
    EXPECT_EQ(locations[0].datastore, "DC0/ssd1");
    sort_by_nearness(locations, &near);
    EXPECT_EQ(locations[0].datastore, "F0/DC1/ssd1");
    EXPECT_EQ(locations[1].backend.str(), "nfs");
    EXPECT_EQ(locations[2].datastore, "F0/DC1/ssd2");
    EXPECT_EQ(locations[3].datastore, "DC0/ssd1") << "the others stay in their order";
    EXPECT_EQ(locations[4].datastore, "F0/DC1/hdd");
}

}  // namespace
}  // namespace slipway::service
