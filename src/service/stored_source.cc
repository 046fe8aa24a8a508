#include "service/stored_source.h"

#include <algorithm>

namespace slipway::service {

StoredSource::StoredSource(
    store::Backend& backend, Location location, Call call, asio::any_io_executor home
)
    : backend_(backend),
      location_(std::move(location)),
      call_(std::move(call)),
      home_(std::move(home)) {}

std::uint64_t StoredSource::length_of(std::uint64_t index) const {
    return std::min(kBlockBytes, location_.stored_bytes - index * kBlockBytes);
}

awaitable<Result<void>> StoredSource::read_at(std::uint64_t offset, std::span<std::byte> into) {
    if (offset > location_.stored_bytes || into.size() > location_.stored_bytes - offset)
        co_return Error(Errc::corrupt, "The image ends before the data that it says it has.");
    while (!into.empty()) {
        SLIPWAY_CO_TRY(const Block* const found, co_await block(offset / kBlockBytes));
        const std::uint64_t within = offset % kBlockBytes;
        const std::size_t count = std::min<std::size_t>(into.size(), found->bytes.size() - within);
        std::copy_n(
            found->bytes.begin() + static_cast<std::ptrdiff_t>(within), count, into.begin()
        );
        into = into.subspan(count);
        offset += count;
    }
    co_return Result<void>();
}

awaitable<Result<const StoredSource::Block*>> StoredSource::block(std::uint64_t index) {
    const auto found = std::ranges::find(blocks_, index, &Block::index);
    if (found != blocks_.end()) {
        blocks_.splice(blocks_.begin(), blocks_, found);
        co_return &blocks_.front();
    }
    Block block;
    if (blocks_.size() >= kBlocks) {
        block = std::move(blocks_.back());
        blocks_.pop_back();
    }
    block.index = index;
    block.bytes.resize(length_of(index));
    SLIPWAY_CO_CHECK(co_await run_on(home_, fill(block)));
    blocks_.push_front(std::move(block));
    co_return &blocks_.front();
}

// The second block in a row opens a stream to the end of the file; others are read one by one.
awaitable<Result<void>> StoredSource::fill(Block& block) {
    const std::uint64_t first = block.index * kBlockBytes;
    const bool goes_on = block.index == next_ && block.index != 0;
    if (!stream_ || !goes_on) {
        const std::uint64_t length = goes_on ? location_.stored_bytes - first : block.bytes.size();
        stream_.reset();
        SLIPWAY_CO_TRY(stream_, co_await backend_.open_reader(location_, {first, length}, call_));
    }
    SLIPWAY_CO_TRY(const std::size_t got, co_await read_full(*stream_, block.bytes));
    if (got < block.bytes.size())
        co_return Error(Errc::corrupt, "The stored image is shorter than it should be.");
    next_ = block.index + 1;
    if (!goes_on) stream_.reset();
    co_return Result<void>();
}

}  // namespace slipway::service
