#include "service/pump.h"

#include "tests/support/results.h"
#include "tests/support/run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace slipway::service {
namespace {

using test::fails_with;
using test::succeeds;

constexpr std::size_t kThreeChunks = 2 * kChunkBytes + 1;

// Byte i is i % 251, up to `bytes`; after `fails_at` bytes it fails instead.
class CountingSource final : public ByteSource {
public:
    explicit CountingSource(std::size_t bytes) : bytes_(bytes) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        if (fails_at && read_ >= *fails_at) co_return Error(Errc::cancelled, "the source fails");
        const std::size_t count = std::min({into.size(), bytes_ - read_, std::size_t{1'000'003}});
        for (std::size_t i = 0; i < count; ++i) into[i] = static_cast<std::byte>((read_ + i) % 251);
        read_ += count;
        co_return count;
    }

    std::optional<std::size_t> fails_at;

private:
    std::size_t bytes_;
    std::size_t read_ = 0;
};

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
        CountingSource source(bytes);
        EXPECT_EQ(move(source).value(), bytes);
        ASSERT_EQ(sink.kept.size(), bytes);
        for (std::size_t i = 0; i < bytes; i += 4099)
            ASSERT_EQ(sink.kept[i], static_cast<std::byte>(i % 251)) << "byte " << i;
        EXPECT_EQ(first.seen, sink.kept);
        EXPECT_EQ(second.seen, sink.kept);
    }
}

TEST_F(Pump, ReportsATapBeforeTheSinkAndTheSinkBeforeTheSource) {
    CountingSource all_fail(kThreeChunks);
    all_fail.fails_at = kChunkBytes;
    first.fails_at = 0;
    sink.fails_at = 0;
    EXPECT_ERROR(Errc::unsupported, move(all_fail));

    CountingSource two_fail(kThreeChunks);
    two_fail.fails_at = kChunkBytes;
    first.fails_at = SIZE_MAX;
    EXPECT_ERROR(Errc::no_space, move(two_fail));

    CountingSource one_fails(kThreeChunks);
    one_fails.fails_at = kChunkBytes;
    sink.fails_at = SIZE_MAX;
    EXPECT_ERROR(Errc::cancelled, move(one_fails));
}

TEST_F(Pump, ShowsLaterTapsNothingThatAnEarlierOneRefused) {
    CountingSource source(kThreeChunks);
    first.fails_at = kChunkBytes;
    EXPECT_ERROR(Errc::unsupported, move(source));
    EXPECT_EQ(second.seen.size(), kChunkBytes);
}

TEST_F(Pump, PassesOnASourceThatFailsAtOnce) {
    CountingSource source(10);
    source.fails_at = 0;
    EXPECT_ERROR(Errc::cancelled, move(source));
    EXPECT_TRUE(sink.kept.empty());
}

}  // namespace
}  // namespace slipway::service
