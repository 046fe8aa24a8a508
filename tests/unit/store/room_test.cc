#include "store/room.h"

#include <gtest/gtest.h>

#include <array>

namespace slipway::store {
namespace {

TEST(BestRoom, IsTheHeaviestHoweverFullItIs) {
    const std::array<Room, 3> rooms = {{{0, 900}, {10, 5}, {1, 1000}}};
    EXPECT_EQ(best_room(rooms), 1U);
}

TEST(BestRoom, IsTheEmptiestOfEquals) {
    const std::array<Room, 4> rooms = {{{7, 5}, {7, 9}, {7, 8}, {-1, 100}}};
    EXPECT_EQ(best_room(rooms), 1U);
}

TEST(BestRoom, IsTheFirstWhenNothingTellsThemApart) {
    const std::array<Room, 2> rooms = {{{0, 5}, {0, 5}}};
    EXPECT_EQ(best_room(rooms), 0U);
}

TEST(BestRoom, IsNoneOfNone) {
    EXPECT_EQ(best_room({}), std::nullopt);
}

}  // namespace
}  // namespace slipway::store
