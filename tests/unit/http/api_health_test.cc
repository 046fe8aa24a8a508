#include "http/api/health.h"
#include "tests/fakes/temporary_folder.h"
#include "tests/support/fake_request.h"

#include <gtest/gtest.h>

#include <fstream>

namespace slipway::http::api {
namespace {

using test::FakeRequest;

Response check(const HealthOptions& options, FakeRequest request, bool draining = false) {
    return HealthCheck(options, [draining] { return draining; }).answer(request);
}

FakeRequest get() {
    return {"GET", "/healthcheck"};
}

TEST(HealthCheck, AnswersInTheFormThatIsAskedFor) {
    EXPECT_EQ(check({}, get()).text, "OK");
    EXPECT_EQ(
        check({}, get().with("Accept", "application/json")).text,
        R"({"detailed":false,"reasons":["OK"]})"
    );
    EXPECT_EQ(check({}, FakeRequest("HEAD", "/healthcheck")).status, 204);
}

TEST(HealthCheck, SaysMoreWhenItIsToBeDetailed) {
    const std::string text = check(
                                 {.disable_file = {}, .listener_files = {}, .detailed = true},
                                 get().with("Accept", "application/json")
    )
                                 .text;
    EXPECT_NE(text.find(R"("detailed":true)"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("reason":"OK")"), std::string::npos) << text;
}

TEST(HealthCheck, FailsWhileItsFileExists) {
    const test::TemporaryFolder folder;
    const std::string file = (folder.path() / "off").string();
    const HealthOptions everybody{.disable_file = file, .listener_files = {}, .detailed = false};
    const HealthOptions services{
        .disable_file = {}, .listener_files = {{Listener::services, file}}, .detailed = false};
    EXPECT_EQ(check(everybody, get()).status, 200);
    std::ofstream(file) << "";
    EXPECT_EQ(check(everybody, get()).status, 503);
    EXPECT_EQ(check(everybody, get()).text, "DISABLED BY FILE");
    EXPECT_EQ(check(everybody, FakeRequest("HEAD", "/healthcheck")).status, 503);
    EXPECT_EQ(check(services, get()).status, 200);
    FakeRequest at_services = get();
    at_services.door = Listener::services;
    EXPECT_EQ(check(services, at_services).status, 503);
}

TEST(HealthCheck, FailsWhileTheServerIsAboutToStop) {
    EXPECT_EQ(check({}, get(), true).text, "DRAINING");
}

}  // namespace
}  // namespace slipway::http::api
