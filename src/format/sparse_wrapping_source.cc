#include "format/sparse_wrapping_source.h"

#include "base/async.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace slipway::format {

namespace {

// Of the tables, computed at a time: a fraction of a millisecond.
constexpr std::size_t kPieceBytes = 256U << 10U;

std::size_t at_most(std::uint64_t left, std::size_t room) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(left, room));
}

}  // namespace

SparseWrappingSource::SparseWrappingSource(SparseLayout layout, ByteSource& disk)
    : layout_(std::move(layout)), disk_(disk) {}

std::optional<std::uint64_t> SparseWrappingSource::size_bytes() const {
    return layout_.file_bytes();
}

awaitable<Result<std::size_t>> SparseWrappingSource::read_some(std::span<std::byte> into) {
    const std::uint64_t disk_end = layout_.prefix_bytes() + layout_.size_bytes();
    if (position_ < layout_.prefix_bytes()) {
        if (position_ > 0) co_await give_way();
        const std::size_t room = std::min(into.size(), kPieceBytes);
        into = into.first(at_most(layout_.prefix_bytes() - position_, room));
        layout_.read_prefix(position_, into);
    } else if (position_ < disk_end) {
        into = into.first(at_most(disk_end - position_, into.size()));
        SLIPWAY_CO_TRY(const std::size_t got, co_await read_disk(into));
        into = into.first(got);
    } else {
        if (!std::exchange(ended_, true)) SLIPWAY_CO_CHECK(co_await expect_end_of_disk());
        into = into.first(at_most(layout_.file_bytes() - position_, into.size()));
        std::fill(into.begin(), into.end(), std::byte{0});
    }
    position_ += into.size();
    co_return into.size();
}

awaitable<Result<std::size_t>> SparseWrappingSource::read_disk(std::span<std::byte> into) {
    SLIPWAY_CO_TRY(const std::size_t got, co_await disk_.read_some(into));
    if (got == 0)
        co_return Error(
            Errc::invalid_argument,
            "the data ended after " + std::to_string(position_ - layout_.prefix_bytes()) + " of " +
                std::to_string(layout_.size_bytes()) + " announced bytes"
        );
    co_return got;
}

awaitable<Result<void>> SparseWrappingSource::expect_end_of_disk() {
    std::array<std::byte, 1> probe{};
    SLIPWAY_CO_TRY(const std::size_t got, co_await disk_.read_some(probe));
    if (got != 0)
        co_return Error(
            Errc::invalid_argument,
            "the data is longer than the " + std::to_string(layout_.size_bytes()) +
                " announced bytes"
        );
    co_return Result<void>();
}

}  // namespace slipway::format
