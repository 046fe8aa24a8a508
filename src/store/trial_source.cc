#include "store/trial_source.h"

#include "base/digest.h"

#include <algorithm>
#include <vector>

namespace slipway::store {

namespace {

// The word at a place of the stream: splitmix64, by Sebastiano Vigna.
std::uint64_t word_at(std::uint64_t seed, std::uint64_t index) {
    std::uint64_t word = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;
    word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    word = (word ^ (word >> 27U)) * 0x94d049bb133111ebULL;
    return word ^ (word >> 31U);
}

}  // namespace

awaitable<Result<std::size_t>> TrialSource::read_some(std::span<std::byte> into) {
    constexpr std::uint64_t kWordBytes = 8;
    const std::uint64_t count = std::min<std::uint64_t>(into.size(), size_ - given_);
    std::uint64_t word = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t at = first_ + given_ + i;
        if (i == 0 || at % kWordBytes == 0)
            word = word_at(seed_, at / kWordBytes) >> (at % kWordBytes * 8U);
        into[static_cast<std::size_t>(i)] = static_cast<std::byte>(word & 0xffU);
        word >>= 8U;
    }
    given_ += count;
    co_return static_cast<std::size_t>(count);
}

awaitable<Result<std::string>> sha256_of(ByteSource& source) {
    SLIPWAY_CO_TRY(Digest digest, Digest::create("sha256"));
    std::vector<std::byte> buffer(1U << 20U);
    while (true) {
        SLIPWAY_CO_TRY(const std::size_t got, co_await source.read_some(buffer));
        if (got == 0) co_return digest.finish_hex();
        digest.update(std::span(buffer).first(got));
    }
}

}  // namespace slipway::store
