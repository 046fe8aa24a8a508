#include "auth/limits.h"

#include "tests/support/results.h"
#include "tests/support/run.h"
#include "tests/unit/auth/fake_keystone.h"

#include <gtest/gtest.h>

#include <limits>

namespace slipway::auth {
namespace {

using namespace slipway::test;
using test::FakeKeystone;
using test::kCall;

constexpr const char* kRegistered = R"({"registered_limits": [
    {"resource_name": "image_size_total", "default_limit": 10, "region_id": "R"},
    {"resource_name": "image_stage_total", "default_limit": -1, "region_id": "R"},
    {"resource_name": "image_count_total", "default_limit": 7, "region_id": "R"},
    {"resource_name": "image_count_total", "default_limit": 8, "region_id": "Other"},
    {"resource_name": "image_count_uploading", "default_limit": 2, "region_id": "R"}]})";
constexpr const char* kNone = R"({"limits": []})";

TEST(Limits, OfAProjectGoBeforeThoseThatAreRegistered) {
    const ProjectLimits registered{10 << 20, -1, 7, 2, true};
    EXPECT_EQ(parse_limits(kNone, kRegistered, "R").value(), registered);
    const auto own = parse_limits(
        R"({"limits": [{"resource_name": "image_count_total", "resource_limit": 3,
                        "region_id": "R"},
                       {"resource_name": "image_count_uploading", "resource_limit": 9,
                        "region_id": "Other"}]})",
        kRegistered,
        "R"
    );
    EXPECT_EQ(own->images, 3);
    EXPECT_EQ(own->uploads, 2);
}

TEST(Limits, AreNothingWhereNothingIsRegistered) {
    const auto limits = parse_limits(kNone, R"({"registered_limits": []})", "R");
    EXPECT_EQ(limits.value(), (ProjectLimits{0, 0, 0, 0, true}));
}

TEST(Limits, MayBeLargerThanAnything) {
    const auto limits = parse_limits(
        kNone,
        R"({"registered_limits": [{"resource_name": "image_size_total", "region_id": null,
                                   "default_limit": 9223372036854775807}]})",
        ""
    );
    EXPECT_EQ(limits->bytes, std::numeric_limits<std::int64_t>::max());
}

TEST(Limits, AreAskedForTheServiceOfTheEndpoint) {
    FakeKeystone keystone;
    ServiceSession session(keystone, test::account());
    Limits limits(session, "e1");
    EXPECT_ERROR(Errc::unavailable, run(limits.of("p1", kCall)));
    keystone.documents = {
        {"/endpoints/e1", R"({"endpoint": {"id": "e1", "service_id": "s1", "region_id": "R"}})"},
        {"/limits?service_id=s1&project_id=p1", kNone},
        {"/registered_limits?service_id=s1", kRegistered}};
    EXPECT_EQ(run(limits.of("p1", kCall))->images, 7);
    keystone.documents["/limits?service_id=s1&project_id=p1"] = "[]";
    EXPECT_ERROR(Errc::unavailable, run(limits.of("p1", kCall)));
}

}  // namespace
}  // namespace slipway::auth
