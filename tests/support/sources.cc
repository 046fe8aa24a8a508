#include "tests/support/sources.h"

#include "base/digest.h"

#include <algorithm>

namespace slipway::test {

std::string pattern(std::size_t size, std::uint64_t first) {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(pattern_byte(first + i));
    return bytes;
}

std::string pattern_sha256(std::uint64_t size) {
    constexpr std::uint64_t kBlock = 1U << 20U;
    Digest digest = Digest::create("sha256").value();
    for (std::uint64_t first = 0; first < size; first += kBlock)
        digest.update(as_bytes_of(pattern(std::min(kBlock, size - first), first)));
    return digest.finish_hex();
}

awaitable<Result<std::size_t>> PatternSource::read_some(std::span<std::byte> into) {
    if (given_ >= options_.fails_at) co_return options_.failure;
    const std::uint64_t end = std::min(size_, options_.fails_at);
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>({into.size(), options_.piece, end - given_}
        ));
    for (std::size_t i = 0; i < count; ++i) into[i] = pattern_byte(given_ + i);
    given_ += count;
    if (options_.gave) options_.gave(count);
    co_return count;
}

}  // namespace slipway::test
