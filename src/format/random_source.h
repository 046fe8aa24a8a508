#pragma once

#include "base/stream.h"

#include <cstdint>
#include <span>

namespace slipway::format {

// Bytes that can be read anywhere: a stored file, or a part of one. Reading forwards is cheap,
// jumping may cost a request to the store. From one strand at a time.
class RandomSource {
public:
    virtual ~RandomSource() = default;

    [[nodiscard]] virtual std::uint64_t size_bytes() const = 0;

    // Fills all of `into` from `offset` on. Errors: corrupt for a range beyond the end; what the
    // store reports.
    virtual awaitable<Result<void>> read_at(std::uint64_t offset, std::span<std::byte> into) = 0;
};

}  // namespace slipway::format
