#include "store/speed_meter.h"

#include "tests/support/run.h"

#include <gtest/gtest.h>

namespace slipway::store {
namespace {

constexpr std::uint64_t kMiB = 1U << 20U;

TEST(SpeedMeter, KnowsNothingAtFirst) {
    const SpeedMeter meter;
    EXPECT_FALSE(meter.of("DC0/images").write);
    EXPECT_FALSE(meter.of("DC0/images").read);
    EXPECT_FALSE(meter.of("DC0/images").copy);
}

TEST(SpeedMeter, TellsBytesPerSecondOfEachMovement) {
    SpeedMeter meter;
    meter.note("a", Movement::write, 10 * kMiB, 2);
    meter.note("a", Movement::copy, 100 * kMiB, 1);
    EXPECT_EQ(meter.of("a").write, 5 * kMiB);
    EXPECT_EQ(meter.of("a").copy, 100 * kMiB);
    EXPECT_FALSE(meter.of("a").read);
    EXPECT_FALSE(meter.of("b").write) << "another datastore";
}

TEST(SpeedMeter, ForgetsOldTransfersByAndBy) {
    SpeedMeter meter;
    meter.note("a", Movement::read, 100 * kMiB, 1);
    for (int i = 0; i < 50; ++i) meter.note("a", Movement::read, 10 * kMiB, 1);
    EXPECT_NEAR(static_cast<double>(meter.of("a").read.value()), 10.0 * kMiB, 0.01 * kMiB);
}

TEST(SpeedMeter, LeavesOutWhatIsTooSmallToTell) {
    SpeedMeter meter;
    meter.note("a", Movement::write, kMiB - 1, 1);
    meter.note("a", Movement::write, kMiB, 0);
    meter.note_copy("a", Error(Errc::conflict, "no copy"));
    EXPECT_FALSE(meter.of("a").write);
    EXPECT_FALSE(meter.of("a").copy);
}

TEST(SpeedMeter, MeasuresASourceThatIsRead) {
    const auto meter = std::make_shared<SpeedMeter>();
    auto source = measured(meter, "a", std::make_unique<TextSource>(std::string(2 * kMiB, 'x')));
    EXPECT_EQ(source->size_bytes(), 2 * kMiB);
    std::vector<std::byte> into(2 * kMiB);
    EXPECT_EQ(test::run(read_full(*source, into)).value(), 2 * kMiB);
    source.reset();
    EXPECT_TRUE(meter->of("a").read);
}

}  // namespace
}  // namespace slipway::store
