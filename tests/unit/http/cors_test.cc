#include "http/cors.h"
#include "tests/support/fake_request.h"
#include "tests/support/run.h"

#include <gtest/gtest.h>

namespace slipway::http {
namespace {

using test::FakeRequest;

constexpr const char* kHorizon = "https://horizon.example";

CorsOptions horizon_only() {
    CorsOptions options;
    options.allowed_origins = {kHorizon};
    options.expose_headers = {"X-OpenStack-Request-ID", "X-Auth-Token"};
    options.allow_methods = {"GET", "PUT"};
    options.allow_headers = {"X-Auth-Token"};
    return options;
}

std::string header_of(const Response& response, std::string_view wanted) {
    for (const auto& [name, value] : response.headers)
        if (name == wanted) return value;
    return {};
}

Response answer(FakeRequest request, std::vector<CorsOptions> all = {horizon_only()}) {
    const Handler handler = with_cors(std::move(all), [](Request&) -> awaitable<Response> {
        co_return json_response(201, "made");
    });
    return test::run(handler(request));
}

FakeRequest question(std::string method, std::string headers) {
    FakeRequest request("OPTIONS", "/v2/images");
    request.with("Origin", kHorizon).with("Access-Control-Request-Method", std::move(method));
    if (!headers.empty()) request.with("Access-Control-Request-Headers", std::move(headers));
    return request;
}

TEST(Cors, LetsPagesOfAnAllowedOriginReadTheAnswer) {
    FakeRequest request("POST", "/v2/images");
    request.with("Origin", kHorizon);
    const Response response = answer(std::move(request));
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), kHorizon);
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(
        header_of(response, "Access-Control-Expose-Headers"), "X-OpenStack-Request-ID, X-Auth-Token"
    );
    EXPECT_EQ(header_of(response, "Vary"), "Origin");
}

TEST(Cors, SaysNothingToOthers) {
    FakeRequest elsewhere("POST", "/v2/images");
    elsewhere.with("Origin", "https://horizon.example.evil");
    for (FakeRequest& request : std::vector<FakeRequest>{FakeRequest("POST", "/"), elsewhere}) {
        const Response response = answer(request);
        EXPECT_EQ(response.status, 201);
        EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "");
    }
}

TEST(Cors, AnswersAPreflightItself) {
    const Response response = answer(question("PUT", "x-auth-token, Content-Type"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.text, "");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), kHorizon);
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Methods"), "PUT");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Headers"), "x-auth-token, Content-Type");
    EXPECT_EQ(header_of(response, "Access-Control-Max-Age"), "3600");
}

TEST(Cors, PermitsNoOtherMethodsAndHeaders) {
    for (FakeRequest& request : std::vector<FakeRequest>{
             question("DELETE", ""), question("PUT", "X-Auth-Token, X-Roles")}) {
        const Response response = answer(request);
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "");
    }
}

TEST(Cors, SendsNoCredentialsToEveryone) {
    CorsOptions options = horizon_only();
    options.allowed_origins = {"*"};
    FakeRequest request("GET", "/v2/images");
    request.with("Origin", "https://anywhere.example");
    const Response response = answer(std::move(request), {options});
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(header_of(response, "Access-Control-Allow-Credentials"), "");
}

TEST(Cors, HoldsEachOriginToItsOwnRules) {
    CorsOptions everyone;
    everyone.allowed_origins = {"*"};
    everyone.allow_methods = {"GET"};
    const std::vector<CorsOptions> all{everyone, horizon_only()};
    EXPECT_EQ(header_of(answer(question("PUT", ""), all), "Access-Control-Allow-Origin"), kHorizon);
    FakeRequest elsewhere("OPTIONS", "/v2/images");
    elsewhere.with("Origin", "https://anywhere.example");
    FakeRequest reads = elsewhere;
    reads.with("Access-Control-Request-Method", "GET");
    FakeRequest writes = elsewhere;
    writes.with("Access-Control-Request-Method", "PUT");
    EXPECT_EQ(header_of(answer(reads, all), "Access-Control-Allow-Origin"), "*");
    EXPECT_EQ(header_of(answer(writes, all), "Access-Control-Allow-Origin"), "");
}

TEST(Cors, LeavesOptionsWithoutAQuestionToTheRouter) {
    FakeRequest request("OPTIONS", "/v2/images");
    request.with("Origin", kHorizon);
    EXPECT_EQ(answer(std::move(request)).status, 201);
}

}  // namespace
}  // namespace slipway::http
