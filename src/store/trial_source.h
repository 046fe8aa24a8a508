#pragma once

#include "base/stream.h"

#include <cstdint>
#include <string>

namespace slipway::store {

// Bytes that look like nothing, do not compress, and are the same for the same seed; `first` of
// them are left out at the beginning.
class TrialSource final : public ByteSource {
public:
    TrialSource(std::uint64_t size_bytes, std::uint64_t seed, std::uint64_t first = 0)
        : size_(size_bytes), seed_(seed), first_(first) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override { return size_; }

private:
    std::uint64_t size_;
    std::uint64_t seed_;
    std::uint64_t first_;
    std::uint64_t given_ = 0;
};

// Of all that `source` gives, in lower-case hex.
awaitable<Result<std::string>> sha256_of(ByteSource& source);

}  // namespace slipway::store
