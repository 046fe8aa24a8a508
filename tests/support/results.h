#pragma once

#include "base/result.h"

#include <gtest/gtest.h>

namespace slipway::test {

template <class T>
testing::AssertionResult succeeds(const Result<T>& result) {
    if (result) return testing::AssertionSuccess();
    return testing::AssertionFailure()
           << to_string(result.error().code) << ": " << result.error().message;
}

template <class T>
testing::AssertionResult fails_with(Errc code, const Result<T>& result) {
    if (result) return testing::AssertionFailure() << "it succeeded";
    if (result.error().code == code) return testing::AssertionSuccess();
    return succeeds(result);
}

#define EXPECT_OK(...) EXPECT_TRUE(succeeds(__VA_ARGS__))
#define ASSERT_OK(...) ASSERT_TRUE(succeeds(__VA_ARGS__))
#define EXPECT_ERROR(code, ...) EXPECT_TRUE(fails_with(code, __VA_ARGS__))

}  // namespace slipway::test
