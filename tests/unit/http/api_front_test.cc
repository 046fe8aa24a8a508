#include "http/api/front.h"

#include "tests/support/fake_request.h"
#include "tests/support/run.h"

#include <gtest/gtest.h>

namespace slipway::http::api {
namespace {

using test::FakeRequest;

struct Faces {
    bool by_token = true;
    bool by_listener = true;
};

// Whom the front takes for a service when there is no Keystone.
class FrontWithoutKeystone : public testing::Test {
protected:
    bool is_service(FakeRequest request, Faces faces = {}) {
        bool seen = false;
        bool administrator = false;
        auto handler = [&](Request& arrived) -> awaitable<Result<Response>> {
            seen = arrived.caller.identity.is_service;
            administrator = arrived.caller.identity.is_admin;
            co_return json_response(200, "{}");
        };
        Router router;
        router.add("GET", "/v2/images", BodyRule::refused, handler);
        Front front(Front::Parts{
            HealthCheck({}, [] { return false; }),
            Versions(false, false, PublicUrl()),
            identity_,
            policy_,
            router,
            faces.by_token,
            faces.by_listener});
        const Response answer = test::run(front.handle(request));
        EXPECT_EQ(answer.status, 200);
        EXPECT_TRUE(administrator) << "everybody is one";
        return seen;
    }

    static FakeRequest plain() { return {"GET", "/v2/images"}; }
    static FakeRequest with_service_token() { return plain().with("X-Service-Token", "any"); }
    static FakeRequest at_the_service_listener() {
        FakeRequest request = plain();
        request.door = Listener::services;
        return request;
    }

private:
    auth::NoIdentityService identity_;
    service::Policy policy_;
};

TEST_F(FrontWithoutKeystone, TakesAnyServiceTokenForAServices) {
    EXPECT_TRUE(is_service(with_service_token()));
    EXPECT_FALSE(is_service(plain()));
    EXPECT_FALSE(is_service(plain().with("X-Auth-Token", "any")));
    EXPECT_FALSE(is_service(plain().with("X-Service-Token", "")));
}

TEST_F(FrontWithoutKeystone, TakesWhoComesToTheServiceListenerForAService) {
    EXPECT_TRUE(is_service(at_the_service_listener()));
}

TEST_F(FrontWithoutKeystone, LooksOnlyAtWhatItIsToldTo) {
    EXPECT_FALSE(is_service(with_service_token(), {.by_token = false}));
    EXPECT_TRUE(is_service(at_the_service_listener(), {.by_token = false}));
    EXPECT_TRUE(is_service(with_service_token(), {.by_listener = false}));
    EXPECT_FALSE(is_service(at_the_service_listener(), {.by_listener = false}));
}

}  // namespace
}  // namespace slipway::http::api
