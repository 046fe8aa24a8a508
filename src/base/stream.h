#pragma once

#include "base/awaitable.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace slipway {

// The unit in which image bytes move: a transfer holds two of these, whatever the image's size.
inline constexpr std::size_t kChunkBytes = 4U << 20U;

struct ByteRange {
    std::uint64_t first = 0;
    std::uint64_t length = 0;
};

// Bytes that can be read once, from the start to the end.
class ByteSource {
public:
    virtual ~ByteSource() = default;

    // Reads at least one byte into `into`, or returns 0 at the end. Errors are final.
    virtual awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) = 0;

    // All bytes of the source, read or not, where that is known beforehand.
    [[nodiscard]] virtual std::optional<std::uint64_t> size_bytes() const { return std::nullopt; }
};

// A text as bytes.
class TextSource final : public ByteSource {
public:
    explicit TextSource(std::string text) : text_(std::move(text)) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return text_.size(); }

private:
    std::string text_;
    std::size_t read_ = 0;
};

// Where bytes go, in order.
class ByteSink {
public:
    virtual ~ByteSink() = default;

    // Takes all of `bytes`, or fails. Errors are final.
    virtual awaitable<Result<void>> write(std::span<const std::byte> bytes) = 0;
};

// Reads until `into` is full or the source has ended; returns the bytes read.
awaitable<Result<std::size_t>> read_full(ByteSource& source, std::span<std::byte> into);

inline std::span<const std::byte> as_bytes_of(std::string_view text) {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace slipway
