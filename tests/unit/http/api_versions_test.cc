#include "http/api/versions.h"

#include "base/json.h"
#include "tests/support/fake_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::http::api {
namespace {

using test::FakeRequest;
using testing::ElementsAre;

Versions::Outcome resolve(
    const char* path, bool multi_store = false, const char* accept = nullptr
) {
    FakeRequest request("GET", path);
    request.with("Host", "glance:9292");
    if (accept != nullptr) request.with("Accept", accept);
    return Versions(multi_store, false, PublicUrl()).resolve(request);
}

int status_of(const Versions::Outcome& outcome) {
    return outcome.answer ? outcome.answer->status : 0;
}

std::vector<std::string> ids_of(const Versions::Outcome& outcome) {
    std::vector<std::string> ids;
    const auto document = json::Document::parse(outcome.answer->text).value();
    for (const json::Value& entry : document.root().find("versions")->elements()) {
        const std::string id(entry.find("id")->string());
        ids.push_back(id);
        EXPECT_EQ(entry.find("status")->string(), id == "v2.17" ? "CURRENT" : "SUPPORTED");
    }
    return ids;
}

TEST(Versions, AnswerWithTheDocument) {
    for (const char* path : {"/versions", "/versions/", "/versions/anything"})
        EXPECT_EQ(status_of(resolve(path)), 200) << path;
    for (const char* path :
         {"/",
          "//",
          "",
          "/v1",
          "/v3/images",
          "/V2/images",
          "/foo",
          "/v2.8/images",
          "/v2.14",
          "/v2.16/images",
          "/v2.18/images",
          "/v2.70/images"})
        EXPECT_EQ(status_of(resolve(path)), 300) << path;
}

TEST(Versions, AdvertiseWhatIsEnabled) {
    EXPECT_THAT(
        ids_of(resolve("/")),
        ElementsAre(
            "v2.15",
            "v2.13",
            "v2.12",
            "v2.9",
            "v2.17",
            "v2.7",
            "v2.6",
            "v2.5",
            "v2.4",
            "v2.3",
            "v2.2",
            "v2.1",
            "v2.0"
        )
    );
    EXPECT_THAT(
        ids_of(resolve("/", true)),
        ElementsAre(
            "v2.15",
            "v2.13",
            "v2.12",
            "v2.11",
            "v2.10",
            "v2.9",
            "v2.8",
            "v2.17",
            "v2.7",
            "v2.6",
            "v2.5",
            "v2.4",
            "v2.3",
            "v2.2",
            "v2.1",
            "v2.0"
        )
    );
}

TEST(Versions, RouteEveryAcceptedTokenToTheSamePlace) {
    for (const char* token : {"v2", "v2.0", "v2.7", "v2.9", "v2.15", "v2.17"}) {
        const auto outcome = resolve(("/" + std::string(token) + "/images").c_str());
        EXPECT_FALSE(outcome.answer) << token;
        EXPECT_EQ(outcome.path, "/v2/images");
    }
    for (const char* token : {"v2.8", "v2.10", "v2.11", "v2.12", "v2.13"})
        EXPECT_EQ(resolve(("/" + std::string(token) + "/images").c_str(), true).path, "/v2/images");
    EXPECT_EQ(resolve("/v2/").path, "/v2/");
}

TEST(Versions, RedirectWhereTheSlashIsMissing) {
    const auto outcome = resolve("/v2");
    ASSERT_EQ(status_of(outcome), 302);
    EXPECT_EQ(outcome.answer->text, "");
    EXPECT_THAT(
        outcome.answer->headers, ElementsAre(testing::Pair("Location", "http://glance:9292/v2/"))
    );
}

TEST(Versions, AreTakenFromTheMediaType) {
    const auto outcome = resolve("/images", false, "application/vnd.openstack.images-v2");
    EXPECT_FALSE(outcome.answer);
    EXPECT_EQ(outcome.path, "/v2/images");
    EXPECT_EQ(status_of(resolve("/images", false, "application/vnd.openstack.images-v9")), 300);
    EXPECT_EQ(status_of(resolve("/images", false, "application/json")), 300);
}

TEST(Versions, LinkToThePublicEndpointOrTheHost) {
    FakeRequest request("GET", "/versions");
    request.with("Host", "glance:9292")
        .with("X-Forwarded-Host", "evil")
        .with("Forwarded", "host=evil");
    const auto from_host = Versions(false, false, PublicUrl()).resolve(request);
    EXPECT_THAT(from_host.answer->text, testing::HasSubstr(R"("href":"http://glance:9292/v2/")"));
    EXPECT_THAT(from_host.answer->text, testing::Not(testing::HasSubstr("evil")));
    request.tls = true;
    EXPECT_THAT(
        Versions(false, false, PublicUrl()).resolve(request).answer->text,
        testing::HasSubstr(R"("href":"https://glance:9292/v2/")")
    );
    for (const char* endpoint : {"https://images.example", "https://images.example//"})
        EXPECT_THAT(
            Versions(false, false, PublicUrl{endpoint, false}).resolve(request).answer->text,
            testing::HasSubstr(R"("href":"https://images.example/v2/")")
        );
}

struct ProxyRow {
    std::vector<std::pair<const char*, const char*>> headers;
    const char* base;
};

TEST(PublicUrl, BelievesAProxyWhereItIsToldTo) {
    for (const ProxyRow& row : std::initializer_list<ProxyRow>{
             {{}, "http://own"},
             {{{"X-Forwarded-Proto", "https"}}, "https://own"},
             {{{"X-Forwarded-Proto", "https, http"}, {"X-Forwarded-Host", "a , b"}}, "https://a"},
             {{{"X-Forwarded-Proto", "gopher"}}, "http://own"},
             {{{"X-Forwarded-Prefix", "image/"}}, "http://own/image"},
             {{{"Forwarded", "proto=https;host=images.example"}}, "https://images.example"},
             {{{"Forwarded", "for=192.0.2.60;Proto=HTTPS;by=203.0.113.43;HOST=\"a:9292\""}},
              "https://a:9292"},
             {{{"Forwarded", "for=\"[2001:db8::1]:4711\" ; host=\"a\\b\""}}, "http://ab"},
             {{{"Forwarded", "host=first, host=second;proto=https"}}, "http://first"},
             {{{"Forwarded", "for=\"a,b\";host=c"}}, "http://c"},
             {{{"Forwarded", "for=1"}}, "http://own"},
             // What cannot be read says nothing, and the other headers stay out of it.
             {{{"Forwarded", "host=\"a"}, {"X-Forwarded-Host", "b"}}, "http://own"},
             {{{"Forwarded", "host=a b"}}, "http://own"},
             {{{"Forwarded", "host"}}, "http://own"},
             {{{"Forwarded", "=a"}}, "http://own"},
             {{{"Forwarded", "host=\"a\\"}}, "http://own"},
             {{{"Forwarded", ""}, {"X-Forwarded-Host", "b"}}, "http://own"},
             {{{"Forwarded", "host=a"}, {"X-Forwarded-Prefix", "/image"}}, "http://a/image"},
         }) {
        FakeRequest request("GET", "/versions");
        request.with("Host", "own");
        for (const auto& [name, value] : row.headers) request.with(name, value);
        EXPECT_EQ((PublicUrl{"", true}.base(request)), row.base)
            << (row.headers.empty() ? "" : row.headers.front().second);
        EXPECT_EQ((PublicUrl{"", false}.base(request)), "http://own");
    }
}

TEST(PublicUrl, TellsWhereTheClientIs) {
    const auto address = [](const char* name, const char* value, bool believe = true) {
        FakeRequest request("GET", "/");
        if (*name != '\0') request.with(name, value);
        return PublicUrl{"", believe}.client_address(request);
    };
    EXPECT_EQ(address("", ""), "192.0.2.1") << "the peer";
    EXPECT_EQ(address("X-Forwarded-For", "203.0.113.7", false), "192.0.2.1");
    EXPECT_EQ(address("X-Forwarded-For", "203.0.113.7, 198.51.100.1"), "203.0.113.7");
    EXPECT_EQ(address("X-Forwarded-For", "2001:db8::7"), "2001:db8::7");
    EXPECT_EQ(address("Forwarded", "for=\"203.0.113.7:4711\";proto=https"), "203.0.113.7");
    EXPECT_EQ(address("Forwarded", "for=\"[2001:db8::1]:4711\""), "2001:db8::1");
    EXPECT_EQ(address("Forwarded", "proto=https"), "192.0.2.1");
}

}  // namespace
}  // namespace slipway::http::api
