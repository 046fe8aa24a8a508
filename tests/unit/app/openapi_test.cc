// schema/openapi.json describes what the server serves: no less, no more.
#include "http/api/openapi.h"
#include "app/application.h"
#include "tests/unit/app/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <rapidjson/document.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace slipway::app {
namespace {

// Answered before the router is asked.
const std::set<std::string> kBeforeTheRouter = {"GET /", "GET /healthcheck", "GET /versions"};

// Parameters go by their place, not by their name.
std::string without_names(const std::string& route) {
    std::string bare;
    bool within = false;
    for (const char c : route) {
        within = (within || c == '{') && c != '}';
        if (!within) bare += c == '}' ? '*' : c;
    }
    return bare;
}

std::set<std::string> described() {
    rapidjson::Document document;
    document.Parse(http::api::kOpenApiJson.data(), http::api::kOpenApiJson.size());
    std::set<std::string> routes;
    if (document.HasParseError()) return routes;
    for (const auto& [path, operations] : document["paths"].GetObject())
        for (const auto& [name, operation] : operations.GetObject()) {
            std::string method = name.GetString();
            std::ranges::transform(method, method.begin(), [](unsigned char c) {
                return static_cast<char>(std::toupper(c));
            });
            const std::string route = method + " " + path.GetString();
            if (!kBeforeTheRouter.contains(route)) routes.insert(without_names(route));
        }
    return routes;
}

TEST(OpenApi, DescribesEveryRouteOfTheServerAndNoOther) {
    ConfigFolder folder;
    const auto report = folder.read(
        "[DEFAULT]\nbind_port = 0\nenabled_backends = local:file\n[glance_store]\n"
        "default_backend = local\n[local]\nfilesystem_store_datadir = " +
        folder.path("images") + "\n[database]\nconnection = sqlite:///" + folder.path("catalog") +
        "\n[paste_deploy]\nflavor =\n"
    );
    ASSERT_TRUE(report.config.has_value());
    auto application = Application::create(*report.config);
    ASSERT_TRUE(application) << application.error().message;
    std::set<std::string> served;
    for (const std::string& route : (*application)->routes()) served.insert(without_names(route));
    EXPECT_THAT(described(), testing::ContainerEq(served));
}

}  // namespace
}  // namespace slipway::app
