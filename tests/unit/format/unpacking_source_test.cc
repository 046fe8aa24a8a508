#include "format/unpacking_source.h"

#include "format/bytes.h"
#include "tests/support/results.h"
#include "tests/unit/format/disk_reading.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace slipway::format {
namespace {

using namespace slipway::test;  // NOLINT(google-build-using-namespace): builders of this test alone

std::string plain_text() {
    std::string text;
    for (int i = 0; i < 60'000; ++i) text += std::to_string(i * 7919);
    return text;
}

// Deflated, with the window that makes it gzip (31) or bare (-15).
std::string packed(const std::string& text, int window) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, text.size()) + 64, '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

std::string number(std::uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
}

std::uint32_t crc_of(const std::string& text) {
    return static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size()))
    );
}

struct ZipOptions {
    bool stored = false;
    bool descriptor = false;
    unsigned flags = 0;
};

// One member: local header, data, and the descriptor behind them where there is one.
std::string zip_member(const std::string& text, const ZipOptions& options) {
    const std::string data = options.stored ? text : packed(text, -15);
    const std::string sums =
        number(crc_of(text), 4) + number(data.size(), 4) + number(text.size(), 4);
    const unsigned flags = options.flags | (options.descriptor ? 8U : 0U);
    std::string member = "PK\x03\x04" + number(20, 2) + number(flags, 2) +
                         number(options.stored ? 0 : 8, 2) + number(0, 4);
    member += options.descriptor ? std::string(12, '\0') : sums;
    member += number(8, 2) + number(0, 2) + "disk.img" + data;
    if (options.descriptor) member += "PK\x07\x08" + sums;
    return member;
}

std::string zip_end() {
    return "PK\x01\x02" + std::string(60, '\0') + "PK\x05\x06" + std::string(18, '\0');
}

Result<std::string> unpack(const std::string& text) {
    const auto packing = packing_of(as_bytes_of(text));
    if (!packing) return Error(Errc::internal, "not packed");
    TextSource source(text);
    UnpackingSource unpacked(source, *packing);
    SLIPWAY_TRY(const Bytes bytes, read_source(unpacked, 10'007));
    std::string out(bytes.size(), '\0');
    std::ranges::transform(bytes, out.begin(), [](std::byte b) { return static_cast<char>(b); });
    return out;
}

TEST(UnpackingSource, UnpacksGzip) {
    const std::string text = plain_text();
    EXPECT_EQ(unpack(packed(text, 31)).value(), text);
    EXPECT_EQ(unpack(packed(text, 31) + packed("more", 31)).value(), text + "more");
    EXPECT_EQ(unpack(packed("", 31)).value(), "");
    EXPECT_EQ(unpack(packed(text, 31) + std::string(512, '\0')).value(), text) << "padding";
}

TEST(UnpackingSource, UnpacksTheOnlyMemberOfAZip) {
    const std::string text = plain_text();
    for (const bool descriptor : {false, true}) {
        ZipOptions options;
        options.descriptor = descriptor;
        EXPECT_EQ(unpack(zip_member(text, options) + zip_end()).value(), text) << descriptor;
    }
    ZipOptions stored;
    stored.stored = true;
    EXPECT_EQ(unpack(zip_member(text, stored) + zip_end()).value(), text);
    EXPECT_EQ(unpack(zip_member("", {}) + zip_end()).value(), "");
}

TEST(UnpackingSource, RefusesAZipOfSeveralMembersOrAnEncryptedOne) {
    const std::string two = zip_member("one", {}) + zip_member("two", {}) + zip_end();
    EXPECT_ERROR(Errc::unsupported, unpack(two));
    ZipOptions encrypted;
    encrypted.flags = 1;
    EXPECT_ERROR(Errc::unsupported, unpack(zip_member("one", encrypted) + zip_end()));
}

TEST(UnpackingSource, RefusesWhatIsDamagedOrCutOff) {
    const std::string text = plain_text();
    for (std::string whole : {packed(text, 31), zip_member(text, {}) + zip_end()}) {
        for (const std::size_t length : {std::size_t{35}, whole.size() / 2, whole.size() - 90})
            EXPECT_ERROR(Errc::corrupt, unpack(whole.substr(0, length))) << length;
        whole[whole.size() / 2] = static_cast<char>(~whole[whole.size() / 2]);
        EXPECT_ERROR(Errc::corrupt, unpack(whole));
    }
}

TEST(UnpackingSource, KnowsLhaAndRefusesIt) {
    const std::string text = "\x20\x30-lh5-" + std::string(100, 'x');
    EXPECT_EQ(packing_of(as_bytes_of(text)), Packing::lha);
    EXPECT_ERROR(Errc::unsupported, unpack(text));
    EXPECT_FALSE(packing_of(as_bytes_of("QFI\xfb and more")));
    EXPECT_FALSE(packing_of({}));
}

}  // namespace
}  // namespace slipway::format
