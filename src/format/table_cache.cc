#include "format/table_cache.h"

#include <algorithm>

namespace slipway::format {

awaitable<Result<std::span<const std::byte>>> TableCache::read(
    std::uint64_t offset, std::uint64_t count, std::size_t entry_bytes
) {
    if (offset >= source_.size_bytes() || source_.size_bytes() - offset < entry_bytes)
        co_return Error(Errc::corrupt, "the image is damaged: a table lies outside the file");
    SLIPWAY_CO_TRY(const auto bytes, co_await page(offset / kPageBytes));
    const auto found = bytes.subspan(static_cast<std::size_t>(offset % kPageBytes));
    const std::uint64_t whole = std::min<std::uint64_t>(found.size() / entry_bytes, count);
    co_return found.first(static_cast<std::size_t>(whole) * entry_bytes);
}

awaitable<Result<std::span<const std::byte>>> TableCache::page(std::uint64_t index) {
    ++uses_;
    for (Page& page : pages_) {
        if (page.index != index) continue;
        page.last_use = uses_;
        co_return std::span<const std::byte>(page.bytes);
    }
    const std::uint64_t first = index * kPageBytes;
    const std::uint64_t left = source_.size_bytes() - first;
    Page fresh{.index = index, .last_use = uses_, .bytes = {}};
    fresh.bytes.resize(static_cast<std::size_t>(std::min(left, kPageBytes)));
    SLIPWAY_CO_CHECK(co_await source_.read_at(first, fresh.bytes));
    if (pages_.size() < kPages) {
        pages_.push_back(std::move(fresh));
        co_return std::span<const std::byte>(pages_.back().bytes);
    }
    const auto oldest =
        std::min_element(pages_.begin(), pages_.end(), [](const Page& a, const Page& b) {
            return a.last_use < b.last_use;
        });
    *oldest = std::move(fresh);
    co_return std::span<const std::byte>(oldest->bytes);
}

}  // namespace slipway::format
