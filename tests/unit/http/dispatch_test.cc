#include "http/dispatch.h"

#include "base/ids.h"
#include "http/problem.h"
#include "tests/support/fake_request.h"
#include "tests/support/run.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace slipway::http {
namespace {

using test::FakeRequest;

constexpr const char* kUuid = "0c7a5bd1-8ffe-4e50-a1a5-8c2b2a6a4a11";

std::string header_of(const Response& response, std::string_view wanted) {
    for (const auto& [name, value] : response.headers)
        if (name == wanted) return value;
    return {};
}

awaitable<Result<Response>> say_param(Request& request) {
    co_return json_response(200, request.params.at("id"));
}
awaitable<Result<Response>> read_body(Request& request) {
    SLIPWAY_CO_TRY(auto text, co_await request.read_text(5));
    co_return json_response(200, text);
}
awaitable<Result<Response>> fail(Request&) {
    co_return Error(Errc::conflict, "in use");
}
awaitable<Result<Response>> die(Request&) {
    throw std::runtime_error("broken");
    co_return no_content();
}

Router small_router() {
    Router router;
    router.add("GET", "/v2/things/{id}", BodyRule::refused, say_param);
    router.add("POST", "/v2/things", BodyRule::taken, read_body);
    router.add("DELETE", "/v2/things/{id}", BodyRule::refused, fail);
    router.add("PUT", "/v2/things/{id}", BodyRule::refused, die);
    router.add("GET", "/healthcheck", BodyRule::ignored, fail, {.request_id = false});
    return router;
}

Response answer(Request& request) {
    const auto router = small_router();
    return test::run(dispatch(router, request));
}

Response answer_filtered(Request& request) {
    const auto router = small_router();
    const Handler handler = with_request_id(with_access_log([&router](Request& inner) {
        return dispatch(router, inner);
    }));
    return test::run(handler(request));
}

TEST(Dispatch, RunsTheHandlerOfTheRoute) {
    FakeRequest request("GET", "/v2/things/7?x=1");
    const auto response = answer(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.text, "7");
    EXPECT_EQ(request.route, "/v2/things/{id}");
}

TEST(Dispatch, RoutesByTheRewrittenPath) {
    FakeRequest request("GET", "/v2.7/things/7");
    request.routed_path = "/v2/things/7";
    EXPECT_EQ(answer(request).status, 200);
}

TEST(Dispatch, AnswersOptionsWithTheMethodsOfThePathAndNoBody) {
    FakeRequest request("OPTIONS", "/v2/things/7");
    const auto response = answer(request);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(header_of(response, "Allow"), "GET, DELETE, PUT");
    EXPECT_EQ(response.text, "");
    FakeRequest elsewhere("OPTIONS", "/v2/else");
    const auto untold = answer(elsewhere);
    EXPECT_EQ(untold.status, 200);
    EXPECT_TRUE(untold.headers.empty());
}

TEST(Dispatch, AnswersWhatHasNoRoute) {
    FakeRequest unknown("GET", "/v2/else");
    EXPECT_EQ(answer(unknown).status, 404);
    FakeRequest strange("BREW", "/v2/else");
    EXPECT_EQ(answer(strange).status, 501);
    FakeRequest wrong("PATCH", "/v2/things/7");
    const auto response = answer(wrong);
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(header_of(response, "Allow"), "GET, DELETE, PUT");
}

TEST(Dispatch, RefusesABodyWhereNoneIsExpected) {
    FakeRequest fixed("GET", "/v2/things/7");
    EXPECT_EQ(answer(fixed.with_body("x")).status, 400);
    FakeRequest empty("GET", "/v2/things/7");
    EXPECT_EQ(answer(empty.with_body("")).status, 200);
    FakeRequest chunked("PUT", "/v2/things/7");
    EXPECT_EQ(answer_filtered(chunked.with_chunked_body("x")).status, 400);
    FakeRequest unusual("GET", "/v2/things/7");
    EXPECT_EQ(answer(unusual.with_chunked_body("x")).status, 200);
}

TEST(Dispatch, RefusesAPathOrAQueryThatCannotBeDecoded) {
    for (const char* target : {"/v2/things/7?a=%FF", "/v2/things/%FF", "/v2/%FF"}) {
        FakeRequest request("GET", target);
        EXPECT_EQ(answer(request).status, 400) << target;
    }
}

TEST(Dispatch, TurnsAnErrorIntoAProblem) {
    FakeRequest request("DELETE", "/v2/things/7");
    const auto response = answer(request);
    EXPECT_EQ(response.status, 409);
    EXPECT_EQ(response.text, "409 Conflict\n\nin use\n");
}

TEST(Dispatch, ReadsABodyOnlyUpToItsLimit) {
    FakeRequest fits("POST", "/v2/things");
    EXPECT_EQ(answer(fits.with_body("12345")).text, "12345");
    FakeRequest announced("POST", "/v2/things");
    EXPECT_EQ(answer(announced.with_body("123456")).status, 413);
    FakeRequest chunked("POST", "/v2/things");
    EXPECT_EQ(answer(chunked.with_chunked_body("123456")).status, 413);
}

TEST(Filters, TurnAnExceptionInto500AndClose) {
    FakeRequest request("PUT", "/v2/things/7");
    const auto response = answer_filtered(request);
    EXPECT_EQ(response.status, 500);
    EXPECT_TRUE(response.close);
    EXPECT_EQ(response.text.find("broken"), std::string::npos);
    EXPECT_NE(header_of(response, "x-openstack-request-id"), "");
}

TEST(Filters, EchoTheRequestId) {
    FakeRequest request("GET", "/v2/else");
    request.with("X-OpenStack-Request-ID", std::string("req-") + kUuid);
    EXPECT_EQ(
        header_of(answer_filtered(request), "x-openstack-request-id"), std::string("req-") + kUuid
    );
    EXPECT_EQ(request.caller.call.request_id, std::string("req-") + kUuid);
}

TEST(Filters, LeaveTheIdOutWhereTheRouteSaysSo) {
    FakeRequest request("GET", "/healthcheck");
    const auto response = answer_filtered(request);
    EXPECT_EQ(response.status, 409);
    EXPECT_EQ(header_of(response, "x-openstack-request-id"), "");
}

TEST(Filters, LeaveTheIdOutOf401) {
    const Handler handler = with_request_id([](Request& request) -> awaitable<Response> {
        co_return problem(request, 401, "who are you");
    });
    FakeRequest request("GET", "/v2/images");
    EXPECT_EQ(header_of(test::run(handler(request)), "x-openstack-request-id"), "");
}

TEST(Filters, LogWhenTheAnswerWasSentAndPassItOn) {
    std::uint64_t told = 0;
    const Handler handler = with_access_log([&told](Request&) -> awaitable<Response> {
        Response response = no_content();
        response.on_sent = [&told](const Transfer& transfer) { told = transfer.bytes_out; };
        co_return response;
    });
    FakeRequest request("GET", "/v2/images?token=secret");
    request.route = "/v2/images";
    testing::internal::CaptureStderr();
    const auto response = test::run(handler(request));
    ASSERT_TRUE(response.on_sent);
    response.on_sent(Transfer{.status = 204, .bytes_in = 1, .bytes_out = 42, .complete = true});
    const auto line = testing::internal::GetCapturedStderr();
    EXPECT_EQ(told, 42U);
    EXPECT_NE(line.find("http.request.done"), std::string::npos) << line;
    EXPECT_NE(line.find("bytes_out=42"), std::string::npos) << line;
    EXPECT_EQ(line.find("secret"), std::string::npos) << line;
}

TEST(Filters, RefuseARequestIdThatIsTooLong) {
    FakeRequest request("GET", "/v2/things/7");
    request.with("X-OpenStack-Request-ID", std::string("req-") + std::string(61, 'a'));
    const auto response = answer_filtered(request);
    EXPECT_EQ(response.status, 431);
    EXPECT_TRUE(header_of(response, "x-openstack-request-id").starts_with("req-"));
}

TEST(RequestId, TakesAWordAndGivesABareOneItsPrefix) {
    EXPECT_EQ(choose_request_id(std::string("req-") + kUuid), std::string("req-") + kUuid);
    EXPECT_EQ(choose_request_id(kUuid), std::string("req-") + kUuid);
    EXPECT_EQ(choose_request_id("night-run_7.1"), "req-night-run_7.1");
    for (const std::string offered : {"", "req-\r\nX: y", "a b", "\xc3\xa9", "a\"b"}) {
        const auto chosen = choose_request_id(offered);
        EXPECT_TRUE(chosen.starts_with("req-") && is_uuid(chosen.substr(4))) << chosen;
    }
}

}  // namespace
}  // namespace slipway::http
