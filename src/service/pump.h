#pragma once

#include "base/async.h"
#include "base/stream.h"

#include <cstdint>
#include <span>
#include <vector>

namespace slipway::service {

// Sees the bytes of a transfer and changes none. Runs on the blocking pool.
class Tap {
public:
    virtual ~Tap() = default;
    // May refuse: a quota, a forbidden format, an image deleted meanwhile.
    virtual Result<void> see(std::span<const std::byte> chunk) = 0;
};

// Takes bytes that are only looked at.
class NoSink final : public ByteSink {
public:
    awaitable<Result<void>> write(std::span<const std::byte>) override { co_return Result<void>(); }
};

// Moves `source` into `sink` and shows each chunk to every tap. Returns the bytes moved.
//
// Memory: two chunks of kChunkBytes. Reading, writing and the taps overlap.
// Errors: whatever the taps, the sink or the source report, in that order; `sink` is left
// uncommitted.
awaitable<Result<std::uint64_t>> pump(
    ByteSource& source, ByteSink& sink, std::vector<Tap*> taps, BlockingPool& pool
);

}  // namespace slipway::service
