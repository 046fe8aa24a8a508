#pragma once

#include "base/stream.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace slipway::test {

// Byte `i` of a pattern that is in step with no buffer: what is lost, repeated or out of place
// shows.
constexpr std::byte pattern_byte(std::uint64_t i) {
    return static_cast<std::byte>((i * 0x9E3779B97F4A7C15U) >> 56U);
}
// `size` bytes of it, from byte `first` on.
std::string pattern(std::size_t size, std::uint64_t first = 0);
// Of the first `size` bytes, by SHA-256.
std::string pattern_sha256(std::uint64_t size);

struct PatternOptions {
    bool announced = true;  // size_bytes() tells the size
    std::uint64_t fails_at = std::numeric_limits<std::uint64_t>::max();  // instead of this byte
    Error failure = {Errc::cancelled, "the source fails"};
    std::size_t piece = std::numeric_limits<std::size_t>::max();  // at most so much at a time
    std::function<void(std::size_t bytes)> gave = {};             // after each read
};

// `size` bytes of the pattern.
class PatternSource final : public ByteSource {
public:
    explicit PatternSource(std::uint64_t size, PatternOptions options = {})
        : size_(size), options_(std::move(options)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override {
        return options_.announced ? std::optional(size_) : std::nullopt;
    }
    [[nodiscard]] std::uint64_t given() const { return given_; }

private:
    std::uint64_t size_;
    std::uint64_t given_ = 0;
    PatternOptions options_;
};

}  // namespace slipway::test
