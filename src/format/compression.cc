#include "format/compression.h"

#include "base/handle.h"

#include <zlib.h>
#include <zstd.h>

#include <limits>
#include <memory>
#include <new>

namespace slipway::format {

namespace {

constexpr int kZlibWindow = MAX_WBITS;
constexpr int kBareWindow = -MAX_WBITS;
constexpr int kMaxZstdWindowLog = 23;

Error damaged() {
    return {Errc::corrupt, "the image is damaged: its compressed data can not be unpacked"};
}

Result<std::size_t> inflate_all(
    std::span<const std::byte> packed, std::span<std::byte> into, int window
) {
    constexpr std::size_t kMost = std::numeric_limits<uInt>::max();
    if (packed.size() > kMost || into.size() > kMost) return damaged();
    z_stream stream{};
    // zlib reads from a pointer to non-const.
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(into.data());
    stream.avail_out = static_cast<uInt>(into.size());
    if (inflateInit2(&stream, window) != Z_OK) throw std::bad_alloc();
    const std::unique_ptr<z_stream, FreeWith<&inflateEnd>> owner(&stream);
    if (inflate(&stream, Z_FINISH) != Z_STREAM_END) return damaged();
    return into.size() - stream.avail_out;
}

}  // namespace

Result<std::size_t> unpack_zlib(std::span<const std::byte> packed, std::span<std::byte> into) {
    return inflate_all(packed, into, kZlibWindow);
}

Result<std::size_t> unpack_deflate(std::span<const std::byte> packed, std::span<std::byte> into) {
    return inflate_all(packed, into, kBareWindow);
}

std::vector<std::byte> pack_zlib(std::span<const std::byte> bytes) {
    uLongf length = compressBound(static_cast<uLong>(bytes.size()));
    std::vector<std::byte> packed(length);
    const int outcome = compress2(
        reinterpret_cast<Bytef*>(packed.data()),
        &length,
        reinterpret_cast<const Bytef*>(bytes.data()),
        static_cast<uLong>(bytes.size()),
        Z_BEST_SPEED
    );
    if (outcome != Z_OK) throw std::bad_alloc();
    packed.resize(length);
    return packed;
}

Result<std::size_t> unpack_zstd(std::span<const std::byte> packed, std::span<std::byte> into) {
    const std::unique_ptr<ZSTD_DCtx, FreeWith<&ZSTD_freeDCtx>> context(ZSTD_createDCtx());
    if (!context) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
    ZSTD_inBuffer in{packed.data(), packed.size(), 0};
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    // 0 at the end of a frame, where its checksum has been seen.
    std::size_t left = 1;
    while (in.pos < in.size && (left != 0 || out.pos < out.size)) {
        const std::size_t in_before = in.pos;
        const std::size_t out_before = out.pos;
        left = ZSTD_decompressStream(context.get(), &out, &in);
        if (ZSTD_isError(left) != 0) return damaged();
        if (in.pos == in_before && out.pos == out_before) return damaged();
    }
    if (left != 0) return damaged();
    return out.pos;
}

}  // namespace slipway::format
