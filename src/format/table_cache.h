#pragma once

#include "format/random_source.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace slipway::format {

// Tables in a file, read page by page as they are asked for. Memory: 2 MiB.
class TableCache {
public:
    explicit TableCache(RandomSource& source) : source_(source) {}

    // Entries of `entry_bytes` (a power of two) from `offset` (a multiple of it) on: at least one,
    // at most `count`, as many as lie in one page. Valid until the next call.
    // Errors: corrupt where the file ends before; those of the source.
    awaitable<Result<std::span<const std::byte>>> read(
        std::uint64_t offset, std::uint64_t count, std::size_t entry_bytes
    );

private:
    static constexpr std::uint64_t kPageBytes = 64U << 10U;
    static constexpr std::size_t kPages = 32;
    struct Page {
        std::uint64_t index = 0;
        std::uint64_t last_use = 0;
        std::vector<std::byte> bytes;
    };

    awaitable<Result<std::span<const std::byte>>> page(std::uint64_t index);

    RandomSource& source_;
    std::vector<Page> pages_;
    std::uint64_t uses_ = 0;
};

}  // namespace slipway::format
