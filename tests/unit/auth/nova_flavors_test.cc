#include "auth/nova_flavors.h"

#include "tests/support/results.h"
#include "tests/support/run.h"
#include "tests/unit/auth/fake_keystone.h"

#include <gmock/gmock.h>

namespace slipway::auth {
namespace {

using testing::ElementsAre;
using namespace slipway::test;
using test::FakeKeystone;
using test::kCall;

constexpr const char* kFirst =
    R"({"flavors": [{"id": "a", "disk": 20}, {"id": "b b", "disk": 0}],
        "flavors_links": [{"rel": "next", "href": "http://elsewhere/?marker=b"}]})";
constexpr const char* kSecond = R"({"flavors": [{"id": "c", "disk": 8}, {"id": "d", "disk": 20}]})";

class NovaFlavorsTest : public testing::Test {
protected:
    Result<std::vector<std::uint64_t>> ask() { return run(flavors.root_disks(kCall)); }

    FakeKeystone cloud;
    ServiceSession session{cloud, test::account()};
    // The fake answers below the URL of Keystone.
    NovaFlavors flavors{session, test::account().auth_url + "/nova"};
};

TEST_F(NovaFlavorsTest, GiveEachSizeOfAllPagesOnce) {
    cloud.documents = {
        {"/nova/flavors/detail?is_public=None", kFirst},
        {"/nova/flavors/detail?is_public=None&marker=b%20b", kSecond}};
    EXPECT_THAT(ask().value(), ElementsAre(8U, 20U));
}

TEST_F(NovaFlavorsTest, EndWithANovaThatRepeatsItself) {
    cloud.documents = {
        {"/nova/flavors/detail?is_public=None", kFirst},
        {"/nova/flavors/detail?is_public=None&marker=b%20b", kFirst}};
    EXPECT_THAT(ask().value(), ElementsAre(20U));
}

TEST_F(NovaFlavorsTest, AreUnknownWhenNovaDoesNotSay) {
    EXPECT_ERROR(Errc::unavailable, ask());
    for (const char* body : {"[]", "{}", R"({"flavors": [7]})", R"({"flavors": [{"disk": 1}]})"}) {
        cloud.documents = {{"/nova/flavors/detail?is_public=None", body}};
        EXPECT_FALSE(ask()) << body;
    }
}

TEST_F(NovaFlavorsTest, AreAskedForWhereTheCatalogueSays) {
    NovaFlavors by_catalogue(session, "");
    EXPECT_ERROR(Errc::not_found, run(by_catalogue.root_disks(kCall)));
}

}  // namespace
}  // namespace slipway::auth
