#include "base/stream.h"

namespace slipway {

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
