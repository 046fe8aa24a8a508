#include "tests/fakes/faulty_backend.h"

#include "tests/fakes/memory_backend.h"
#include "tests/support/run.h"

#include <gtest/gtest.h>

#include <array>

namespace slipway::test {
namespace {

// Places, writes, commits, reads back and removes one object of five bytes.
Result<void> live_and_die(store::Backend& backend) {
    const Call call;
    Location location;
    location.image_id = ImageId(new_uuid());
    location.data_file = "data.img";
    location.stored_bytes = 5;
    SLIPWAY_TRY(
        const auto placement, test::run(backend.place({location.image_id, 5, {}, {}}, call))
    );
    location.directory = placement.directory;
    SLIPWAY_TRY(auto writer, test::run(backend.open_writer(location, 5, call)));
    SLIPWAY_CHECK(test::run(writer->write(as_bytes_of("hello"))));
    SLIPWAY_CHECK(test::run(writer->commit(5, {})));
    SLIPWAY_TRY(auto reader, test::run(backend.open_reader(location, {0, 5}, call)));
    std::array<std::byte, 5> bytes{};
    SLIPWAY_CHECK(test::run(reader->read_some(bytes)));
    return test::run(backend.remove(location, call));
}

class FaultyBackendTest : public testing::TestWithParam<FailureMoment> {};

TEST_P(FaultyBackendTest, FailsEveryCallOnceThenNone) {
    for (int n = 0; n < 7; ++n) {
        MemoryBackend inner;
        FaultyBackend backend(inner, n, GetParam());
        const auto outcome = live_and_die(backend);
        ASSERT_FALSE(outcome) << "call " << n;
        EXPECT_EQ(outcome.error().code, Errc::unavailable);
        EXPECT_TRUE(backend.has_failed());
    }
    MemoryBackend inner;
    FaultyBackend backend(inner, 7, GetParam());
    EXPECT_TRUE(live_and_die(backend));
    EXPECT_FALSE(backend.has_failed());
}

INSTANTIATE_TEST_SUITE_P(
    Moments, FaultyBackendTest, testing::Values(FailureMoment::before, FailureMoment::after)
);

TEST(FaultyBackend, LeavesTheEffectOfACallWhoseAnswerIsLost) {
    MemoryBackend inner;
    FaultyBackend backend(inner, 1, FailureMoment::after);
    EXPECT_FALSE(live_and_die(backend));
    EXPECT_EQ(inner.directories().size(), 1U);
}

}  // namespace
}  // namespace slipway::test
