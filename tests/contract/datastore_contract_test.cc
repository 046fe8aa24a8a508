#include "tests/contract/backend_contract.h"
#include "tests/contract/datastore_fixture.h"

namespace slipway::test {
namespace {

std::unique_ptr<BackendFixture> make_direct() {
    return std::make_unique<DatastoreFixture>(DatastoreFixture::Setup{});
}
std::unique_ptr<BackendFixture> make_through_vcenter() {
    return std::make_unique<DatastoreFixture>(DatastoreFixture::Setup{.direct_to_host = false});
}
std::unique_ptr<BackendFixture> make_oddly_named() {
    return std::make_unique<DatastoreFixture>(DatastoreFixture::Setup{
        .datastore = "ds with space+%&\xc3\xbc"});
}

INSTANTIATE_TEST_SUITE_P(
    Datastore,
    BackendContract,
    testing::Values(
        BackendUnderTest{"DirectToHost", make_direct},
        BackendUnderTest{"ThroughVcenter", make_through_vcenter},
        BackendUnderTest{"OddlyNamed", make_oddly_named}
    ),
    backend_name
);

}  // namespace
}  // namespace slipway::test
