#include "tests/unit/service/services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

ServicesOptions reachable() {
    ServicesOptions options;
    options.store.publishes_locations = true;
    return options;
}

TEST(Copies, AreListedWithTheBootForm) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(4096)));
    const auto copies = services.await(services.copies.list(administrator(), id));
    ASSERT_OK(copies);
    EXPECT_THAT(copies->copies, SizeIs(1));
    EXPECT_TRUE(copies->image.boot_form);
    EXPECT_EQ(
        services.await(services.copies.list(member_of("owner"), id)).error().code, Errc::forbidden
    );
}

TEST(Copies, TheLastOneStays) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(4096)));
    const auto refused =
        services.await(services.copies.remove_from_store(administrator(), id, BackendId("memory")));
    EXPECT_EQ(refused.error().code, Errc::forbidden);
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(4096));
}

TEST(Copies, OfADatastoreWithoutAnotherFailAndKeepTheSource) {
    Services services(reachable());
    const ImageId id = services.create_image("raw");
    ASSERT_OK(services.upload(id, pattern(4096)));
    const auto tasks =
        services.await(services.copies.evacuate(administrator(), BackendId("memory"), "memory"));
    ASSERT_OK(tasks);
    ASSERT_THAT(*tasks, SizeIs(1));
    const auto handler = [&](const TaskRecord& task, store::CloneProgress& p, const Call& c) {
        return services.copies.run_task(task, p, c);
    };
    EXPECT_EQ(services.run_task(tasks->front(), handler).error().code, Errc::not_found);
    EXPECT_EQ(services.download(member_of("owner"), id).value(), pattern(4096));
}

TEST(Copies, AreEvacuatedByAdminsAlone) {
    Services services(reachable());
    EXPECT_EQ(
        services.await(services.copies.evacuate(service_of("nova"), BackendId("memory"), "memory"))
            .error()
            .code,
        Errc::forbidden
    );
}

}  // namespace
}  // namespace slipway::test
