#include "service/image_record.h"

#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using service::ImageRecord;
using service::LocationVisibility;
using service::Policy;
using service::record_of;
using testing::ElementsAre;

std::unique_ptr<MemoryBackend> backend(const std::string& id, int weight) {
    MemoryBackendOptions options;
    options.id = BackendId(id);
    options.is_default = id == "light";
    options.weight = weight;
    options.publishes_locations = true;
    return std::make_unique<MemoryBackend>(options);
}

store::BackendSet two_backends(bool multi_store) {
    std::vector<std::unique_ptr<store::Backend>> backends;
    backends.push_back(backend("light", 1));
    backends.push_back(backend("heavy", 2));
    return {std::move(backends), multi_store};
}

Location location_in(const std::string& store, StoredForm form = StoredForm::original) {
    Location location;
    location.backend = BackendId(store);
    location.directory = store;
    location.data_file = "image.vmdk";
    location.form = form;
    return location;
}

// An active public image of "owner" that lies in both stores.
class ImageRecordTest : public testing::Test {
protected:
    ImageRecordTest() {
        image.owner = "owner";
        image.status = ImageStatus::active;
        image.visibility = Visibility::public_;
        image.disk_format = "vmdk";
        image.container_format = "bare";
    }

    [[nodiscard]] ImageRecord record(
        const Caller& caller, const LocationVisibility& options = {true, true, true}
    ) const {
        return record_of(image, live, caller, {backends, policy, options, sites});
    }

    Image image;
    std::vector<Location> live{location_in("light"), location_in("heavy")};
    store::BackendSet backends = two_backends(true);
    Policy policy;
    std::vector<service::Site> sites;
};

constexpr const char* kHeavyUrl =
    "vsphere://memory/folder/heavy/image.vmdk?dcPath=DC0&dsName=memory";
constexpr const char* kLightUrl =
    "vsphere://memory/folder/light/image.vmdk?dcPath=DC0&dsName=memory";

TEST_F(ImageRecordTest, ShowsLocationsToWhomTheOptionsSay) {
    struct Row {
        LocationVisibility options;
        // Of owner, stranger, administrator and service, in order: l locations, d direct_url,
        // b both, - none.
        const char* shown;
    };
    const std::vector<Caller> callers{
        member_of("owner"), member_of("stranger"), administrator(), service_of("services")};
    for (const Row& row :
         {Row{{true, false, false}, "---b"},
          Row{{true, true, false}, "l-lb"},
          Row{{true, false, true}, "d-db"},
          Row{{true, true, true}, "b-bb"},
          Row{{false, false, false}, "----"},
          Row{{false, true, false}, "l-l-"},
          Row{{false, false, true}, "d-d-"},
          Row{{false, true, true}, "b-b-"}})
        for (std::size_t i = 0; i < callers.size(); ++i) {
            const ImageRecord shown = record(callers[i], row.options);
            const char what = shown.locations && shown.direct_url ? 'b'
                              : shown.locations                   ? 'l'
                              : shown.direct_url                  ? 'd'
                                                                  : '-';
            EXPECT_EQ(what, row.shown[i]) << "caller " << i << " of " << row.shown;
        }
}

TEST_F(ImageRecordTest, NamesTheHeaviestStoreFirst) {
    const ImageRecord shown = record(member_of("owner"));
    EXPECT_EQ(shown.stores, "heavy,light");
    EXPECT_EQ(shown.direct_url, kHeavyUrl);
    ASSERT_TRUE(shown.locations);
    std::vector<std::string> urls;
    for (const auto& location : *shown.locations) urls.push_back(location.url);
    EXPECT_THAT(urls, ElementsAre(kHeavyUrl, kLightUrl));
    EXPECT_EQ(shown.locations->front().store, "heavy");
}

TEST_F(ImageRecordTest, ShowsNoLocationOfWhatItsContainerSaysIsNoDisk) {
    for (Location& location : live) location.data_file = "image.img";
    for (const char* const container : {"docker", "ova", "compressed"}) {
        image.container_format = container;
        const ImageRecord shown = record(service_of("services"));
        EXPECT_EQ(shown.direct_url, std::nullopt) << container;
        ASSERT_TRUE(shown.locations);
        EXPECT_TRUE(shown.locations->empty()) << container;
    }
    live.front().url = "https://web.example.org/image";  // whoever named it knows it
    EXPECT_EQ(record(service_of("services")).locations->size(), 1U);
}

TEST_F(ImageRecordTest, NamesNoStoreWhereTheOperatorNamedNone) {
    backends = two_backends(false);
    EXPECT_EQ(record(administrator()).stores, std::nullopt);
}

TEST_F(ImageRecordTest, NamesNoStoreOfAnImageWithoutData) {
    live.clear();
    const ImageRecord shown = record(administrator());
    EXPECT_EQ(shown.stores, std::nullopt);
    EXPECT_EQ(shown.direct_url, std::nullopt);
    ASSERT_TRUE(shown.locations);
    EXPECT_TRUE(shown.locations->empty());
}

TEST_F(ImageRecordTest, HidesTheStoresOfADeactivatedImageFromAllButAdministrators) {
    image.status = ImageStatus::deactivated;
    EXPECT_EQ(record(member_of("owner")).stores, std::nullopt);
    EXPECT_EQ(record(member_of("stranger")).stores, std::nullopt);
    EXPECT_EQ(record(service_of("services")).stores, std::nullopt);
    EXPECT_EQ(record(administrator()).stores, "heavy,light");
}

TEST_F(ImageRecordTest, HidesTheUrlsOfADeactivatedImageFromAllButAdministrators) {
    image.status = ImageStatus::deactivated;
    for (const Caller& caller :
         {member_of("owner"), member_of("stranger"), service_of("services"), service_of("owner")}) {
        const ImageRecord shown = record(caller);
        EXPECT_EQ(shown.direct_url, std::nullopt);
        EXPECT_TRUE(!shown.locations || shown.locations->empty());
    }
    const ImageRecord shown = record(administrator());
    EXPECT_EQ(shown.direct_url, kHeavyUrl);
    ASSERT_TRUE(shown.locations);
    EXPECT_EQ(shown.locations->size(), 2U);
}

TEST_F(ImageRecordTest, ShowsNoUrlWhoseBytesAreNotTheImage) {
    live = {location_in("light", StoredForm::sparse)};
    live.front().data_offset = 65'536;
    const ImageRecord shown = record(member_of("owner"));
    EXPECT_EQ(shown.direct_url, std::nullopt);
    ASSERT_TRUE(shown.locations);
    EXPECT_TRUE(shown.locations->empty());
    EXPECT_EQ(shown.stores, "light");
}

TEST_F(ImageRecordTest, ShowsServicesNoUrlOfAnIso) {
    image.disk_format = "iso";
    EXPECT_EQ(record(service_of("services")).direct_url, std::nullopt);
    EXPECT_EQ(record(member_of("owner")).direct_url, kHeavyUrl);
}

TEST_F(ImageRecordTest, ShowsACallerTheLocationsOfItsSiteFirst) {
    service::Site site;
    site.networks.push_back(service::Network::parse("198.51.100.0/24").value());
    site.datastores.push_back({"", "", BackendId("light")});
    sites.push_back(std::move(site));
    Caller caller = service_of("nova");

    caller.address = "203.0.113.7";
    EXPECT_EQ(record(caller).direct_url, kHeavyUrl);
    caller.address = "198.51.100.7";
    const ImageRecord near = record(caller);
    EXPECT_EQ(near.direct_url, kLightUrl);
    ASSERT_TRUE(near.locations);
    EXPECT_EQ(near.locations->at(0).url, kLightUrl);
    EXPECT_EQ(near.locations->at(1).url, kHeavyUrl);
    EXPECT_EQ(near.stores, record(service_of("nova")).stores) << "stores stay ordered by weight";
}

}  // namespace
}  // namespace slipway::test
