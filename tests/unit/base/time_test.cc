#include "base/time.h"

#include <gtest/gtest.h>

namespace slipway {
namespace {

TEST(Iso8601, IsReadInItsUsualShapes) {
    for (const char* text :
         {"2026-08-01T12:00:00Z",
          "2026-08-01T12:00:00",
          "2026-08-01 12:00:00",
          "2026-08-01T12:00Z",
          "2026-08-01T14:00:00+02:00",
          "2026-08-01T12:00:00.000000Z"})
        EXPECT_EQ(to_iso8601(parse_iso8601(text).value()), "2026-08-01T12:00:00Z") << text;
    EXPECT_EQ(to_iso8601(parse_iso8601("2026-08-01").value()), "2026-08-01T00:00:00Z");
}

TEST(Iso8601, IsRefusedInOthers) {
    for (const char* text :
         {"", "now", "2026-13-01", "2026-08-01T25:00:00Z", "2026-08-01T12:00:00Zz", "2026-02-30"})
        EXPECT_FALSE(parse_iso8601(text)) << text;
}

}  // namespace
}  // namespace slipway
