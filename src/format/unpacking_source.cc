#include "format/unpacking_source.h"

#include "format/bytes.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <string_view>
#include <vector>

namespace slipway::format {

namespace {

constexpr std::size_t kBufferBytes = 64U << 10U;
constexpr int kGzipWindow = MAX_WBITS + 16;
constexpr int kBareWindow = -MAX_WBITS;

// Source: .ZIP File Format Specification, 4.3.7 and 4.3.12.
constexpr std::uint32_t kZipMember = 0x04034B50U;
constexpr std::uint32_t kZipDescriptor = 0x08074B50U;
constexpr std::uint32_t kZipDirectory = 0x02014B50U;
constexpr std::size_t kZipHeaderBytes = 30;
constexpr std::uint16_t kZipEncrypted = 1U << 0U;
constexpr std::uint16_t kZipHasDescriptor = 1U << 3U;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;

Error damaged() {
    return {Errc::corrupt, "the data are damaged: they can not be unpacked"};
}

Error only_one() {
    return {
        Errc::unsupported,
        "a zip archive must hold one file, packed by deflate and not encrypted, to be taken as an "
        "image"};
}

}  // namespace

std::optional<Packing> packing_of(std::span<const std::byte> head) {
    const auto is = [&](std::size_t at, std::string_view mark) {
        return head.size() >= at + mark.size() &&
               std::ranges::equal(head.subspan(at, mark.size()), as_bytes_of(mark));
    };
    if (is(0, "\x1f\x8b\x08")) return Packing::gzip;
    if (is(0, "PK\x03\x04")) return Packing::zip;
    if (is(2, "-lh") && is(6, "-")) return Packing::lha;
    return std::nullopt;
}

struct UnpackingSource::State {
    State(ByteSource& source, Packing how) : packed(source), packing(how) {
        const int window = packing == Packing::gzip ? kGzipWindow : kBareWindow;
        if (inflateInit2(&stream, window) != Z_OK) throw std::bad_alloc();
    }
    ~State() { inflateEnd(&stream); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    [[nodiscard]] std::size_t available() const { return end - begin; }

    // More packed bytes behind those that are there; false at their end.
    awaitable<Result<bool>> refill() {
        const std::size_t kept = available();
        std::copy_n(buffer.begin() + static_cast<std::ptrdiff_t>(begin), kept, buffer.begin());
        begin = 0;
        end = kept;
        SLIPWAY_CO_TRY(
            const std::size_t got, co_await packed.read_some(std::span(buffer).subspan(end))
        );
        end += got;
        co_return got > 0;
    }

    // At least `count` packed bytes, or an error.
    awaitable<Result<void>> need(std::size_t count) {
        while (available() < count) {
            SLIPWAY_CO_TRY(const bool more, co_await refill());
            if (!more) co_return damaged();
        }
        co_return Result<void>();
    }

    awaitable<Result<void>> skip(std::size_t count) {
        while (count > 0) {
            SLIPWAY_CO_CHECK(co_await need(1));
            const std::size_t step = std::min(count, available());
            begin += step;
            count -= step;
        }
        co_return Result<void>();
    }

    [[nodiscard]] std::span<const std::byte> front() const {
        return std::span(buffer).subspan(begin, available());
    }

    // The header of the first member; leaves us at its data.
    awaitable<Result<void>> open_zip() {
        SLIPWAY_CO_CHECK(co_await need(kZipHeaderBytes));
        const auto header = front();
        const auto flags = little<std::uint16_t>(header, 6);
        method = little<std::uint16_t>(header, 8);
        crc = little<std::uint32_t>(header, 14);
        const auto length = little<std::uint32_t>(header, 18);
        has_descriptor = (flags & kZipHasDescriptor) != 0;
        stored_left = length;
        const bool fits = (flags & kZipEncrypted) == 0 &&
                          (method == kDeflated || (method == kStored && !has_descriptor));
        if (!fits) co_return only_one();
        const std::size_t more =
            little<std::uint16_t>(header, 26) + little<std::uint16_t>(header, 28);
        co_return co_await skip(kZipHeaderBytes + more);
    }

    // After its data: its digest, and that nothing but the directory follows.
    awaitable<Result<void>> close_zip() {
        SLIPWAY_CO_CHECK(co_await need(4));
        if (has_descriptor) {
            if (little<std::uint32_t>(front(), 0) == kZipDescriptor)
                SLIPWAY_CO_CHECK(co_await skip(4));
            SLIPWAY_CO_CHECK(co_await need(24));
            crc = little<std::uint32_t>(front(), 0);
            // Two lengths of four bytes, or of eight in a large archive.
            const bool is_short = little<std::uint32_t>(front(), 12) == kZipDirectory ||
                                  little<std::uint32_t>(front(), 12) == kZipMember;
            SLIPWAY_CO_CHECK(co_await skip(is_short ? 12 : 20));
            SLIPWAY_CO_CHECK(co_await need(4));
        }
        if (seen_crc != crc) co_return damaged();
        if (little<std::uint32_t>(front(), 0) != kZipDirectory) co_return only_one();
        co_return Result<void>();
    }

    awaitable<Result<std::size_t>> inflate_some(std::span<std::byte> into) {
        for (;;) {
            if (available() == 0) SLIPWAY_CO_CHECK(co_await need(1));
            stream.next_in = reinterpret_cast<Bytef*>(buffer.data() + begin);
            stream.avail_in = static_cast<uInt>(available());
            stream.next_out = reinterpret_cast<Bytef*>(into.data());
            stream.avail_out = static_cast<uInt>(into.size());
            const int outcome = inflate(&stream, Z_NO_FLUSH);
            begin = end - stream.avail_in;
            const std::size_t made = into.size() - stream.avail_out;
            if (outcome == Z_STREAM_END) {
                is_at_end = true;
                co_return made;
            }
            if (outcome != Z_OK && outcome != Z_BUF_ERROR) co_return damaged();
            if (made > 0) co_return made;
        }
    }

    awaitable<Result<std::size_t>> read_gzip(std::span<std::byte> into) {
        for (;;) {
            if (is_at_end) {
                if (available() == 0) {
                    SLIPWAY_CO_TRY(const bool more, co_await refill());
                    if (!more) co_return std::size_t{0};
                }
                // Another member, or padding that belongs to nobody.
                if (front()[0] != std::byte{0x1F}) co_return std::size_t{0};
                inflateReset(&stream);
                is_at_end = false;
            }
            SLIPWAY_CO_TRY(const std::size_t made, co_await inflate_some(into));
            if (made > 0) co_return made;
        }
    }

    awaitable<Result<std::size_t>> read_zip(std::span<std::byte> into) {
        if (!is_open) SLIPWAY_CO_CHECK(co_await open_zip());
        is_open = true;
        if (is_closed) co_return std::size_t{0};
        std::size_t made = 0;
        if (method == kStored) {
            if (stored_left > 0) SLIPWAY_CO_CHECK(co_await need(1));
            made = std::min<std::size_t>({into.size(), available(), stored_left});
            std::copy_n(front().begin(), made, into.begin());
            begin += made;
            stored_left -= made;
            is_at_end = stored_left == 0;
        } else if (!is_at_end) {
            SLIPWAY_CO_TRY(made, co_await inflate_some(into));
        }
        seen_crc = static_cast<std::uint32_t>(
            ::crc32(seen_crc, reinterpret_cast<const Bytef*>(into.data()), static_cast<uInt>(made))
        );
        if (is_at_end) {
            SLIPWAY_CO_CHECK(co_await close_zip());
            is_closed = true;
        }
        co_return made;
    }

    ByteSource& packed;
    Packing packing;
    z_stream stream{};
    std::vector<std::byte> buffer = std::vector<std::byte>(kBufferBytes);
    std::size_t begin = 0;  // packed bytes that were read and not used yet
    std::size_t end = 0;
    bool is_at_end = false;  // of a member
    bool is_open = false;
    bool is_closed = false;
    std::uint16_t method = 0;
    bool has_descriptor = false;
    std::uint64_t stored_left = 0;
    std::uint32_t crc = 0;
    std::uint32_t seen_crc = 0;
};

UnpackingSource::UnpackingSource(ByteSource& packed, Packing packing)
    : state_(std::make_unique<State>(packed, packing)) {}
UnpackingSource::~UnpackingSource() = default;

awaitable<Result<std::size_t>> UnpackingSource::read_some(std::span<std::byte> into) {
    into = into.first(std::min(into.size(), kBufferBytes));
    if (state_->packing == Packing::lha)
        co_return Error(
            Errc::unsupported, "lha is not unpacked here; pack the image with gzip or zip."
        );
    if (state_->packing == Packing::gzip) co_return co_await state_->read_gzip(into);
    co_return co_await state_->read_zip(into);
}

}  // namespace slipway::format
