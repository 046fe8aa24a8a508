#include "service/pump.h"

#include "tests/support/results.h"
#include "tests/support/run.h"
#include "tests/support/sources.h"

#include <gtest/gtest.h>

#include <vector>

namespace slipway::service {
namespace {

using test::fails_with;
using test::pattern_byte;
using test::PatternSource;
using test::succeeds;

constexpr std::size_t kThreeChunks = 2 * kChunkBytes + 1;
constexpr std::size_t kPiece = 1'000'003;

class KeepingSink final : public ByteSink {
public:
    awaitable<Result<void>> write(std::span<const std::byte> bytes) override {
        if (kept.size() >= fails_at) co_return Error(Errc::no_space, "the sink fails");
        kept.insert(kept.end(), bytes.begin(), bytes.end());
        co_return Result<void>();
    }

    std::vector<std::byte> kept;
    std::size_t fails_at = SIZE_MAX;
};

class KeepingTap final : public Tap {
public:
    Result<void> see(std::span<const std::byte> chunk) override {
        if (seen.size() >= fails_at) return Error(Errc::unsupported, "the tap fails");
        seen.insert(seen.end(), chunk.begin(), chunk.end());
        return {};
    }

    std::vector<std::byte> seen;
    std::size_t fails_at = SIZE_MAX;
};

class Pump : public testing::Test {
protected:
    Result<std::uint64_t> move(ByteSource& source) {
        return test::run(pump(source, sink, {&first, &second}, pool));
    }

    BlockingPool pool{1};
    KeepingSink sink;
    KeepingTap first;
    KeepingTap second;
};

TEST_F(Pump, MovesEveryByteInOrderAndShowsItToEveryTap) {
    for (const std::size_t bytes :
         {std::size_t{0}, std::size_t{1}, kChunkBytes, kChunkBytes + 1, kThreeChunks}) {
        sink.kept.clear();
        first.seen.clear();
        second.seen.clear();
        PatternSource source(bytes, {.piece = kPiece});
        EXPECT_EQ(move(source).value(), bytes);
        ASSERT_EQ(sink.kept.size(), bytes);
        for (std::size_t i = 0; i < bytes; i += 4099)
            ASSERT_EQ(sink.kept[i], pattern_byte(i)) << "byte " << i;
        EXPECT_EQ(first.seen, sink.kept);
        EXPECT_EQ(second.seen, sink.kept);
    }
}

TEST_F(Pump, ReportsATapBeforeTheSinkAndTheSinkBeforeTheSource) {
    PatternSource all_fail(kThreeChunks, {.fails_at = kChunkBytes, .piece = kPiece});
    first.fails_at = 0;
    sink.fails_at = 0;
    EXPECT_ERROR(Errc::unsupported, move(all_fail));

    PatternSource two_fail(kThreeChunks, {.fails_at = kChunkBytes, .piece = kPiece});
    first.fails_at = SIZE_MAX;
    EXPECT_ERROR(Errc::no_space, move(two_fail));

    PatternSource one_fails(kThreeChunks, {.fails_at = kChunkBytes, .piece = kPiece});
    sink.fails_at = SIZE_MAX;
    EXPECT_ERROR(Errc::cancelled, move(one_fails));
}

TEST_F(Pump, ShowsLaterTapsNothingThatAnEarlierOneRefused) {
    PatternSource source(kThreeChunks, {.piece = kPiece});
    first.fails_at = kChunkBytes;
    EXPECT_ERROR(Errc::unsupported, move(source));
    EXPECT_EQ(second.seen.size(), kChunkBytes);
}

TEST_F(Pump, PassesOnASourceThatFailsAtOnce) {
    PatternSource source(10, {.fails_at = 0});
    EXPECT_ERROR(Errc::cancelled, move(source));
    EXPECT_TRUE(sink.kept.empty());
}

}  // namespace
}  // namespace slipway::service
