#include "base/stream.h"

#include <algorithm>

namespace slipway {

awaitable<Result<std::size_t>> TextSource::read_some(std::span<std::byte> into) {
    const auto left = as_bytes_of(text_).subspan(read_);
    const auto piece = left.first(std::min(into.size(), left.size()));
    std::ranges::copy(piece, into.begin());
    read_ += piece.size();
    co_return piece.size();
}

awaitable<Result<std::size_t>> read_full(ByteSource& source, std::span<std::byte> into) {
    std::size_t filled = 0;
    while (filled < into.size()) {
        SLIPWAY_CO_TRY(const std::size_t got, co_await source.read_some(into.subspan(filled)));
        if (got == 0) break;
        filled += got;
    }
    co_return filled;
}

}  // namespace slipway
