#include "service/pump.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

namespace slipway::service {

awaitable<Result<std::uint64_t>> pump(
    ByteSource& source, ByteSink& sink, std::vector<Tap*> taps, BlockingPool& pool
) {
    using namespace asio::experimental::awaitable_operators;
    std::vector<std::byte> current(kChunkBytes);
    std::vector<std::byte> next(kChunkBytes);
    std::uint64_t total_bytes = 0;

    SLIPWAY_CO_TRY(std::size_t filled, co_await read_full(source, current));
    while (filled > 0) {
        const auto chunk = std::span<const std::byte>(current).first(filled);
        auto inspect = [&]() -> Result<void> {
            for (Tap* tap : taps) SLIPWAY_CHECK(tap->see(chunk));
            return {};
        };
        auto [read, written, seen] =
            co_await (read_full(source, next) && sink.write(chunk) && offload(pool, inspect));
        SLIPWAY_CO_CHECK(std::move(seen));
        SLIPWAY_CO_CHECK(std::move(written));
        total_bytes += chunk.size();
        SLIPWAY_CO_TRY(filled, std::move(read));
        std::swap(current, next);
    }
    co_return total_bytes;
}

}  // namespace slipway::service
