#include "auth/access_rules.h"

#include <gtest/gtest.h>

namespace slipway::auth {
namespace {

TEST(AccessRules, MatchWholePathsByTheirWildcards) {
    struct Case {
        std::string_view pattern;
        std::string_view path;
        bool matches;
    };
    const Case cases[] = {
        {"/v2/images", "/v2/images", true},
        {"/v2/images", "/v2/images/", false},
        {"/v2/images", "/v2/images/1", false},
        {"/v2/images", "/x/v2/images", false},
        {"/v2/images/*", "/v2/images/1", true},
        {"/v2/images/*", "/v2/images/", false},
        {"/v2/images/*", "/v2/images/1/file", false},
        {"/v2/images/{image_id}/file", "/v2/images/1/file", true},
        {"/v2/images/{image_id}/file", "/v2/images/1/2/file", false},
        {"/v2/**", "/v2/images/1/file", true},
        {"/v2/**", "/v2/", true},
        {"/v2/**", "/v2", false},
        {"**", "", true},
        {"/v2/**/file", "/v2/images/1/file", true},
        {"/v2.images", "/v2/images", false},
        {"/a+b(c)$", "/a+b(c)$", true},
        {"/{open", "/{open", true},
        {"/v2/images/*", "/v2/images/\xC3\xA9", true},
        {"", "/v2/images", false},
    };
    for (const Case& one : cases)
        EXPECT_EQ(matches_path(one.pattern, one.path), one.matches)
            << one.pattern << ' ' << one.path;
}

TEST(AccessRules, NameServiceAndMethod) {
    const std::vector<AccessRule> rules{
        {"compute", "DELETE", "/v2/images"}, {"image", "GET", "/v2/images"}};
    EXPECT_TRUE(is_admitted(rules, "image", "GET", "/v2/images"));
    EXPECT_FALSE(is_admitted(rules, "image", "DELETE", "/v2/images"));
    EXPECT_FALSE(is_admitted(rules, "image", "HEAD", "/v2/images"));
    EXPECT_FALSE(is_admitted({}, "image", "GET", "/v2/images"));
}

}  // namespace
}  // namespace slipway::auth
