#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace slipway::store {

// A datastore or a folder that could take an object.
struct Room {
    int weight = 0;
    std::uint64_t free_bytes = 0;
};

// Which one takes it: the heaviest, among equals the one with the most free space, then the first.
// None of none.
inline std::optional<std::size_t> best_room(std::span<const Room> rooms) {
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < rooms.size(); ++i) {
        const auto rank = [&](std::size_t at) {
            return std::pair(rooms[at].weight, rooms[at].free_bytes);
        };
        if (!best || rank(*best) < rank(i)) best = i;
    }
    return best;
}

}  // namespace slipway::store
