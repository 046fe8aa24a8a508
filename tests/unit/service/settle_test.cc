#include "service/settle.h"

#include "tests/support/results.h"
#include "tests/support/run.h"

#include <gtest/gtest.h>

namespace slipway::test {
namespace {

// Fails with `first`, and then with `second` or not at all.
Result<void> settled(Errc first, std::optional<Errc> second, bool lost = false) {
    int calls = 0;
    auto step = [&]() -> awaitable<Result<void>> {
        if (++calls == 1) co_return Error(first, "first");
        if (second) co_return Error(*second, "second");
        co_return Result<void>();
    };
    return run(service::settle(Call(), step, [lost] { return lost; }));
}

TEST(Settle, TriesAgainWhatMayPass) {
    for (const Errc passing : {Errc::unavailable, Errc::no_space, Errc::internal})
        EXPECT_OK(settled(passing, std::nullopt)) << to_string(passing);
}

TEST(Settle, EndsWhereNothingHelps) {
    for (const Errc final : {Errc::gone, Errc::conflict, Errc::not_found})
        EXPECT_ERROR(final, settled(final, std::nullopt));
    EXPECT_ERROR(Errc::gone, settled(Errc::timeout, Errc::gone));
    EXPECT_ERROR(Errc::unavailable, settled(Errc::unavailable, std::nullopt, true));
}

}  // namespace
}  // namespace slipway::test
