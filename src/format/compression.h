#pragma once

#include "base/result.h"

#include <cstddef>
#include <span>
#include <vector>

// Compressed pieces of disks. To unpack is to fill `into` from its beginning; returned is how many
// bytes that were. What follows the packed bytes is not looked at.
// Errors: corrupt for damaged bytes, and for more than `into` holds.
namespace slipway::format {

// RFC 1950: deflate between a header and a checksum.
Result<std::size_t> unpack_zlib(std::span<const std::byte> packed, std::span<std::byte> into);
// RFC 1951: deflate alone.
Result<std::size_t> unpack_deflate(std::span<const std::byte> packed, std::span<std::byte> into);
// RFC 1950 too, fast rather than small. At most 4 GiB.
std::vector<std::byte> pack_zlib(std::span<const std::byte> bytes);

// RFC 8878; as many frames as it takes to fill `into`. Frames that want a window beyond 8 MiB are
// refused.
Result<std::size_t> unpack_zstd(std::span<const std::byte> packed, std::span<std::byte> into);

}  // namespace slipway::format
