#include "http/problem.h"

#include "tests/support/fake_request.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace slipway::http {
namespace {

using test::FakeRequest;

std::string content_type(const Response& response) {
    for (const auto& [name, value] : response.headers)
        if (name == "Content-Type") return value;
    return {};
}

TEST(Problem, MapsEveryCodeToItsStatus) {
    const std::vector<std::pair<Errc, int>> table = {
        {Errc::internal, 500},
        {Errc::invalid_argument, 400},
        {Errc::unauthenticated, 401},
        {Errc::forbidden, 403},
        {Errc::not_found, 404},
        {Errc::conflict, 409},
        {Errc::gone, 410},
        {Errc::too_large, 413},
        {Errc::no_space, 413},
        {Errc::unsupported, 415},
        {Errc::unavailable, 503},
        {Errc::timeout, 504},
        {Errc::cancelled, 503},
        {Errc::corrupt, 500},
    };
    for (const auto& [code, status] : table) EXPECT_EQ(status_of(code), status) << to_string(code);
}

TEST(Problem, NamesStatusesAsGlanceDoes) {
    EXPECT_EQ(reason_phrase(413), "Request Entity Too Large");
    EXPECT_EQ(reason_phrase(416), "Request Range Not Satisfiable");
    EXPECT_EQ(reason_phrase(404), "Not Found");
}

TEST(Problem, IsShapedAsAcceptAsks) {
    const std::string json = "application/json";
    const std::string html = "text/html; charset=UTF-8";
    const std::string plain = "text/plain; charset=UTF-8";
    const std::vector<std::pair<const char*, std::string>> table = {
        {"application/json", json},
        {"Application/JSON", json},
        {"application/*", json},
        {"text/html", html},
        {"text/*", html},
        {"*/*", html},
        {"*/*;q=0.1", html},
        {"", plain},
        {"text/plain", plain},
        {"application/xml", plain},
        {"nonsense", plain},
        {",,;;", plain},
        {"application/json;q=0.5, text/html;q=0.9", html},
        {"application/json;q=0.9, text/html;q=0.5", json},
        {"application/json, text/html", html},
        {"application/json, */*;q=0.8", json},
        {"application/json, */*", html},
        {"text/html;q=0, */*", json},
        {"text/html;q=0, application/json;q=0", plain},
        {"application/json;q=0.000", plain},
        {"application/json;q=2", plain},
        {"application/json;q=x", plain},
        {"application/json;q=nan", plain},
        {"application/json; q=1.0", json},
    };
    for (const auto& [accept, expected] : table) {
        FakeRequest request("GET", "/v2/images/x");
        request.with("Accept", accept);
        EXPECT_EQ(content_type(problem(request, 404, "m")), expected) << accept;
    }
    EXPECT_EQ(content_type(problem(FakeRequest("GET", "/v2/images/x"), 404, "m")), plain);
}

TEST(Problem, WritesJsonAsGlanceDoes) {
    FakeRequest request("GET", "/v2/images/none");
    request.with("Accept", "application/json");
    const auto response =
        problem(request, Error(Errc::not_found, "No image found with ID \"none\" <b>"));
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(
        response.text,
        R"({"message":"No image found with ID \"none\" <b>","code":"404 Not Found","title":"Not Found"})"
    );
}

TEST(Problem, WritesHtmlThatClientsReduceToOneLine) {
    FakeRequest request("GET", "/v2/images/none");
    request.with("Accept", "*/*");
    EXPECT_EQ(
        problem(request, 404, "No <script> & \"x\"").text,
        "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not "
        "Found</h1>\n"
        "  No &lt;script&gt; &amp; &quot;x&quot;<br /><br />\n </body>\n</html>\n"
    );
}

TEST(Problem, WritesPlainTextOnOneLine) {
    EXPECT_EQ(problem(FakeRequest("GET", "/x"), 409, "a\nb").text, "409 Conflict\n\na b\n");
    EXPECT_EQ(plain_problem(400, "").text, "400 Bad Request\n\n\n");
}

TEST(Problem, WritesOurOwnObjectBelowOurOwnPath) {
    FakeRequest request("GET", "/slipway/v1/tasks/x");
    request.with("Accept", "text/html");
    const auto response = problem(request, 409, "what happened");
    EXPECT_EQ(content_type(response), "application/json");
    EXPECT_EQ(
        response.text, R"({"error":{"code":409,"title":"Conflict","message":"what happened"}})"
    );
    EXPECT_EQ(
        content_type(problem(FakeRequest("GET", "/slipway/v10"), 404, "m")),
        "text/plain; charset=UTF-8"
    );
}

TEST(Problem, KeepsAnInternalMessageToItself) {
    const auto response =
        problem(FakeRequest("GET", "/x"), Error(Errc::internal, "table images: secret"));
    EXPECT_EQ(response.status, 500);
    EXPECT_EQ(response.text.find("secret"), std::string::npos);
}

TEST(Problem, ClosesTheConnectionOfACancelledRequest) {
    EXPECT_TRUE(problem(FakeRequest("GET", "/x"), Error(Errc::cancelled, "m")).close);
    EXPECT_FALSE(problem(FakeRequest("GET", "/x"), Error(Errc::conflict, "m")).close);
}

TEST(Problem, HasNoBodyWhereNoneMayBe) {
    for (const int status : {204, 304})
        EXPECT_EQ(problem(FakeRequest("GET", "/x"), status, "m").text, "");
}

TEST(Problem, AnswersInUtf8WhateverItRepeats) {
    for (const char* accept : {"application/json", "text/html", "text/plain"}) {
        FakeRequest request("GET", "/v2/images");
        request.with("Accept", accept);
        const std::string bad = problem(request, 400, "no store \xC3 here").text;
        EXPECT_NE(bad.find("no store ? here"), std::string::npos) << bad;
        const std::string good = problem(request, 400, "no store \xC3\xA4 here").text;
        EXPECT_NE(good.find("no store \xC3\xA4 here"), std::string::npos) << good;
    }
}

}  // namespace
}  // namespace slipway::http
