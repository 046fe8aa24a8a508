#include "store/datastore_cache.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

constexpr const char* kId = "71c675ab-d94f-49cd-a114-e12490b328d9";

SeedPlace place(bool is_iso = false) {
    SeedPlace seed;
    seed.base_folder = "prod_base";
    seed.name = kId;
    seed.is_iso = is_iso;
    return seed;
}

TEST(SeedPlace, NamesWhatTheComputeServicesLookFor) {
    EXPECT_EQ(place().folder(), "prod_base/71c675ab-d94f-49cd-a114-e12490b328d9");
    EXPECT_EQ(place().base_file(), "71c675ab-d94f-49cd-a114-e12490b328d9.vmdk");
    EXPECT_EQ(place().sized_file(40), "71c675ab-d94f-49cd-a114-e12490b328d9.40.vmdk");
    EXPECT_EQ(place(true).base_file(), "71c675ab-d94f-49cd-a114-e12490b328d9.iso");
}

TEST(SeedPlace, KnowsASizedDiskByItsName) {
    const std::string id = kId;
    EXPECT_EQ(place().size_of(id + ".40.vmdk"), 40U);
    for (const auto& other :
         {id + ".vmdk",
          id + "-flat.vmdk",
          id + ".40-flat.vmdk",
          id + ".040.vmdk",
          id + ".-1.vmdk",
          id + ".4 0.vmdk",
          id + "..vmdk",
          id + ".99999999999999999999.vmdk",
          std::string("other.40.vmdk"),
          std::string()})
        EXPECT_EQ(place().size_of(other), std::nullopt) << other;
    EXPECT_EQ(place(true).size_of(id + ".40.vmdk"), std::nullopt);
}

TEST(SeedPlace, KnowsAnAgeingMark) {
    EXPECT_TRUE(is_ageing_mark("ts-2026-08-01-12-00-59"));
    for (const auto* other :
         {"ts-2026-08-01-12-00",
          "ts-2026-08-01-12-00-591",
          "ts-2026-08-01-12-00-5x",
          "ts_2026-08-01-12-00-59",
          "ts-2026-08-01 12-00-59",
          "ts-*",
          ""})
        EXPECT_FALSE(is_ageing_mark(other)) << other;
}

TEST(SeedPlace, IsNeverOneOfTheStoresOwnFolders) {
    EXPECT_TRUE(check_seed_place("glance", "192.0.2.10_base", kId));
    EXPECT_TRUE(check_seed_place("glance", "glance_base", kId));
    EXPECT_TRUE(check_seed_place("a/glance", "a/prod_base", kId));
    for (const auto* base :
         {"",
          "glance",
          "glance/x",
          "glance_seeding",
          "glance_seeding/y",
          "..",
          "a//b",
          "/a",
          "a b"})
        EXPECT_EQ(check_seed_place("glance", base, kId).error().code, Errc::invalid_argument)
            << base;
    EXPECT_FALSE(check_seed_place("a/glance", "a", kId));
    EXPECT_FALSE(check_seed_place("glance", "prod_base", "not-an-id"));
    EXPECT_FALSE(check_seed_place("glance", "prod_base", ".."));
}

TEST(SeedPlace, HasSizesThatTheDiskFits) {
    SeedRequest request;
    request.capacity_bytes = 3ULL << 30U;
    request.sizes_gib = {3, 10, 20};
    EXPECT_TRUE(check_seed_sizes(request));
    for (const std::vector<std::uint64_t>& sizes :
         {std::vector<std::uint64_t>{2},
          std::vector<std::uint64_t>{10, 10},
          std::vector<std::uint64_t>{20, 10},
          std::vector<std::uint64_t>{0},
          std::vector<std::uint64_t>{1ULL << 60U}}) {
        request.sizes_gib = sizes;
        EXPECT_EQ(check_seed_sizes(request).error().code, Errc::invalid_argument);
    }
}

}  // namespace
}  // namespace slipway::store
