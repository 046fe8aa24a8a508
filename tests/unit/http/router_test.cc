#include "http/router.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace slipway::http {
namespace {

Router images_router() {
    Router router;
    for (const char* method : {"GET", "POST"})
        router.add(method, "/v2/images", BodyRule::ignored, {});
    for (const char* method : {"GET", "PATCH", "DELETE"})
        router.add(method, "/v2/images/{image_id}", BodyRule::refused, {});
    router.add("PUT", "/v2/images/{image_id}/tags/{tag}", BodyRule::refused, {});
    router.add("POST", "/v2/images/{image_id}/locations", BodyRule::taken, {});
    router.add(
        "GET", "/v2/images/{image_id}/locations", BodyRule::ignored, {}, {.in_allow = false}
    );
    router.add("GET", "/v2/images/{image_id}/tasks", BodyRule::refused, {}, {.in_allow = false});
    router.add("GET", "/", BodyRule::ignored, {});
    return router;
}

TEST(Router, FindsARouteAndItsParameters) {
    const auto router = images_router();
    const auto match = router.match("PUT", "/v2/images/abc/tags/a%20b%C3%A4");
    ASSERT_NE(match.route, nullptr);
    EXPECT_EQ(match.route->path, "/v2/images/{image_id}/tags/{tag}");
    EXPECT_EQ(match.params.at("image_id"), "abc");
    EXPECT_EQ(match.params.at("tag"), "a b\xC3\xA4");
}

TEST(Router, FindsTheRoot) {
    EXPECT_NE(images_router().match("GET", "/").route, nullptr);
    EXPECT_EQ(images_router().match("GET", "//").status, 404);
}

TEST(Router, DecodesOnce) {
    EXPECT_EQ(images_router().match("PUT", "/v2/images/x/tags/%252F").params.at("tag"), "%2F");
}

TEST(Router, AnswersAMethodThatThePathDoesNotHave) {
    const auto match = images_router().match("PUT", "/v2/images/abc");
    EXPECT_EQ(match.route, nullptr);
    EXPECT_EQ(match.status, 405);
    EXPECT_EQ(match.allowed, (std::vector<std::string>{"GET", "PATCH", "DELETE"}));
    EXPECT_EQ(images_router().match("HEAD", "/v2/images/abc").status, 405);
    EXPECT_EQ(images_router().match("BREW", "/v2/images/abc").status, 405);
    EXPECT_EQ(images_router().match("get", "/v2/images/abc").status, 405);
}

TEST(Router, TellsTheMethodsOfAPathToWhoAsks) {
    const auto match = images_router().match("OPTIONS", "/v2/images/abc");
    EXPECT_EQ(match.route, nullptr);
    EXPECT_EQ(match.status, 200);
    EXPECT_EQ(match.allowed, (std::vector<std::string>{"GET", "PATCH", "DELETE"}));
    for (const char* path : {"/v2/nothing", "/v2/images/a/tasks"}) {
        const auto untold = images_router().match("OPTIONS", path);
        EXPECT_EQ(untold.status, 200) << path;
        EXPECT_TRUE(untold.allowed.empty()) << path;
    }
}

TEST(Router, LeavesOutOfAllowWhatIsNotNamedThere) {
    EXPECT_NE(images_router().match("GET", "/v2/images/a/locations").route, nullptr);
    EXPECT_EQ(
        images_router().match("PUT", "/v2/images/a/locations").allowed,
        std::vector<std::string>{"POST"}
    );
    for (const char* method : {"PUT", "TRACE"})
        EXPECT_EQ(images_router().match(method, "/v2/images/a/tasks").status, 404) << method;
}

TEST(Router, AnswersAnUnknownPathByTheMethod) {
    for (const char* method : {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"})
        EXPECT_EQ(images_router().match(method, "/v2/nothing").status, 404) << method;
    for (const char* method : {"TRACE", "BREW", "get"})
        EXPECT_EQ(images_router().match(method, "/v2/nothing").status, 501) << method;
}

TEST(Router, TakesADoubledSlashAfterTheVersionOnly) {
    const auto router = images_router();
    EXPECT_NE(router.match("GET", "/v2//images").route, nullptr);
    EXPECT_NE(router.match("GET", "/v2//images/abc").route, nullptr);
    for (const char* path :
         {"/v2///images",
          "//v2/images",
          "/v2/images//",
          "/v2/images/",
          "/v2/images/abc/",
          "/v2/images//tags/x",
          "/v2/"})
        EXPECT_EQ(router.match("GET", path).route, nullptr) << path;
}

TEST(Router, LeadsNowhereWithSegmentsThatHideSomething) {
    const auto router = images_router();
    for (const char* tag :
         {"%2F", "a%2fb", "%5C", "\\", "%00", "a%00", ".", "..", "%2e%2e", "%2E", ""})
        EXPECT_EQ(router.match("PUT", "/v2/images/x/tags/" + std::string(tag)).status, 404) << tag;
    EXPECT_EQ(router.match("GET", "/v2/images/../images").status, 404);
    EXPECT_EQ(router.match("GET", "").status, 200);
}

TEST(Router, RefusesAPathThatIsNoPercentEncodedUtf8) {
    const auto router = images_router();
    for (const char* text : {"%", "%4", "%zz", "%FF", "%C3", "%C0%AF", "%ED%A0%80"})
        for (const char* method : {"PUT", "OPTIONS"})
            EXPECT_EQ(router.match(method, "/v2/images/x/tags/" + std::string(text)).status, 400)
                << text;
    EXPECT_EQ(router.match("GET", "/%FF").status, 400);
    EXPECT_EQ(router.match("PUT", "/v2/images/x/tags/%C3%A4").params.at("tag"), "\u00E4");
}

TEST(Router, PrefersTheRouteAddedFirst) {
    Router router;
    router.add("GET", "/v2/info/stores", BodyRule::refused, {});
    router.add("GET", "/v2/info/{what}", BodyRule::refused, {});
    EXPECT_EQ(router.match("GET", "/v2/info/stores").route->path, "/v2/info/stores");
    EXPECT_EQ(router.match("GET", "/v2/info/else").route->path, "/v2/info/{what}");
}

}  // namespace
}  // namespace slipway::http
