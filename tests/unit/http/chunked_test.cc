#include "http/chunked.h"

#include <gtest/gtest.h>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <optional>
#include <string>
#include <vector>

namespace slipway::http {
namespace {

struct Decoded {
    ChunkedDecoder::Kind kind;
    std::string data;
    std::string rest;
};

// Decodes `bytes` as they arrive in pieces of `piece` bytes.
Decoded decode(std::string_view bytes, std::size_t piece, std::uint64_t limit = 1U << 30U) {
    ChunkedDecoder decoder(limit);
    Decoded out{ChunkedDecoder::Kind::need_more, {}, {}};
    std::string buffer;
    while (true) {
        if (decoder.data_left() > 0 && !buffer.empty()) {
            const auto taken = std::min<std::size_t>(decoder.data_left(), buffer.size());
            out.data += buffer.substr(0, taken);
            buffer.erase(0, taken);
            decoder.took(taken);
            continue;
        }
        if (decoder.data_left() == 0) {
            const auto step = decoder.next(buffer);
            buffer.erase(0, step.consumed);
            out.kind = step.kind;
            if (step.kind == ChunkedDecoder::Kind::data) continue;
            if (step.kind != ChunkedDecoder::Kind::need_more) break;
        }
        if (bytes.empty()) break;
        buffer += bytes.substr(0, piece);
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    out.rest = buffer + std::string(bytes);
    return out;
}

using Kind = ChunkedDecoder::Kind;

TEST(ChunkedDecoder, GivesTheDataHoweverThePiecesBreak) {
    const std::string bytes = "5\r\nhello\r\n1;a=\"b\"\r\n \r\nA\r\n0123456789\r\n0\r\n\r\nGET /";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        const auto decoded = decode(bytes, piece);
        EXPECT_EQ(decoded.kind, Kind::end) << piece;
        EXPECT_EQ(decoded.data, "hello 0123456789") << piece;
        EXPECT_EQ(decoded.rest, "GET /") << piece;
    }
}

TEST(ChunkedDecoder, ChecksTrailersAndIgnoresThem) {
    const std::string bytes = "1\r\nx\r\n0\r\nX-Roles: admin\r\nContent-Length: 9\r\n\r\nnext";
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
        const auto decoded = decode(bytes, piece);
        EXPECT_EQ(decoded.kind, Kind::end);
        EXPECT_EQ(decoded.data, "x");
        EXPECT_EQ(decoded.rest, "next");
    }
}

const std::vector<std::string>& broken() {
    static const std::vector<std::string> kBroken = {
        "\r\n",
        " 5\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        "0x5\r\n",
        "+5\r\n",
        "-5\r\n",
        "g\r\n",
        "5,\r\n",
        "5\nhello\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\rX",
        "5\r\nhelloXX0\r\n\r\n",
        "5;a\x01\r\n",
        "5;a\rb\r\n",
        "00000000000000005\r\n",
        "10000000000000000\r\n",
        "0\r\nno colon\r\n\r\n",
        "0\r\n: x\r\n\r\n",
        "0\r\nX : x\r\n\r\n",
        "0\r\n folded: x\r\n\r\n",
        "0\r\nX: x\n\r\n",
        "0\r\n\n",
    };
    return kBroken;
}

TEST(ChunkedDecoder, RefusesWhatIsNotExactlyChunked) {
    for (const auto& bytes : broken())
        for (const std::size_t piece : {std::size_t{1}, bytes.size()})
            EXPECT_EQ(decode(bytes, piece).kind, Kind::refused)
                << bytes << " in pieces of " << piece;
}

TEST(ChunkedDecoder, WaitsForMoreOfWhatMayBecomeValid) {
    for (const char* bytes :
         {"", "5", "5;a", "5\r", "5\r\nhello", "5\r\nhello\r", "0\r\n", "0\r\nX: y\r\n", "0\r\n\r"})
        EXPECT_EQ(decode(bytes, 1).kind == Kind::refused, false) << bytes;
}

TEST(ChunkedDecoder, BoundsALineHoweverItComes) {
    const std::string fits =
        "1;" + std::string(ChunkedDecoder::kLineBytes - 4, 'e') + "\r\nx\r\n0\r\n\r\n";
    const std::string exceeds =
        "1;" + std::string(ChunkedDecoder::kLineBytes - 3, 'e') + "\r\nx\r\n0\r\n\r\n";
    for (const std::size_t piece : {std::size_t{1}, std::size_t{100'000}}) {
        EXPECT_EQ(decode(fits, piece).kind, Kind::end);
        EXPECT_EQ(decode(exceeds, piece).kind, Kind::refused);
        EXPECT_EQ(decode("1;" + std::string(1U << 20U, 'e'), piece).kind, Kind::refused);
        EXPECT_EQ(decode(std::string(100'000, '0') + "1\r\nx", piece).kind, Kind::refused);
    }
}

TEST(ChunkedDecoder, BoundsTrailers) {
    std::string bytes = "0\r\n";
    for (int i = 0; i < 3; ++i) bytes += "X: " + std::string(3000, 'v') + "\r\n";
    EXPECT_EQ(decode(bytes + "\r\n", 1000).kind, Kind::refused);
}

TEST(ChunkedDecoder, RefusesABodyAboveItsLimitBeforeReadingIt) {
    EXPECT_EQ(decode("5\r\nhello\r\n0\r\n\r\n", 1, 5).kind, Kind::end);
    EXPECT_EQ(decode("6\r\n", 1, 5).kind, Kind::too_large);
    EXPECT_EQ(decode("4\r\nhell\r\n2\r\n", 1, 5).kind, Kind::too_large);
    EXPECT_EQ(decode("ffffffffffffffff\r\n", 1).kind, Kind::too_large);
}

// A second parser refuses nothing that we accept, and reads the same data.
TEST(ChunkedDecoder, AgreesWithAnotherParser) {
    namespace beast_http = boost::beast::http;
    const std::vector<std::string> bodies = {
        "0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\n",
        "005;name=value\r\nhello\r\n0\r\nX-T: v\r\n\r\n",
        "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n",
    };
    for (const auto& body : bodies) {
        beast_http::request_parser<beast_http::string_body> parser;
        parser.eager(true);
        const std::string bytes =
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
        std::string_view left = bytes;
        boost::system::error_code ec;
        while (!parser.is_done() && !ec)
            left.remove_prefix(parser.put(boost::asio::buffer(left), ec));
        ASSERT_FALSE(ec) << body << ec.message();
        EXPECT_EQ(decode(body, 1).data, parser.get().body()) << body;
    }
}

}  // namespace
}  // namespace slipway::http
