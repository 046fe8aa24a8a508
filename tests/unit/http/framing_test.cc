#include "http/framing.h"

#include <gtest/gtest.h>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <string>
#include <vector>

namespace slipway::http {
namespace {

constexpr HeadLimits kLimits;

std::string with_host(const std::string& fields) {
    return "PUT /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

int status_of_head(const std::string& bytes) {
    const auto outcome = parse_head(bytes, kLimits);
    const auto* refusal = std::get_if<Refusal>(&outcome);
    return refusal != nullptr ? refusal->status : 200;
}

Head head_of(const std::string& bytes) {
    auto outcome = parse_head(bytes, kLimits);
    if (const auto* refusal = std::get_if<Refusal>(&outcome)) ADD_FAILURE() << refusal->message;
    return std::holds_alternative<Head>(outcome) ? std::get<Head>(std::move(outcome)) : Head{};
}

TEST(Framing, ReadsAnOrdinaryHead) {
    const auto head = head_of(
        "GET /v2/images?limit=2&x= HTTP/1.1\r\nHost: images.example:9292\r\nX-Auth-Token:\t secret "
        "\t\r\nEmpty:\r\n\r\n"
    );
    EXPECT_EQ(head.method, "GET");
    EXPECT_EQ(head.path, "/v2/images");
    EXPECT_EQ(head.query, "limit=2&x=");
    EXPECT_TRUE(head.keep_alive);
    EXPECT_EQ(head.framing, BodyFraming::none);
    ASSERT_EQ(head.fields.size(), 3U);
    EXPECT_EQ(head.fields[1].name, "X-Auth-Token");
    EXPECT_EQ(head.fields[1].value, "secret");
    EXPECT_EQ(head.fields[2].value, "");
}

struct Row {
    const char* what;
    std::string bytes;
    int status;
};

const std::vector<Row>& rows() {
    static const std::vector<Row> kRows = {
        {"length then chunked",
         with_host("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
         400},
        {"chunked then length",
         with_host("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
         400},
        {"mixed case", with_host("cOnTeNt-LeNgTh: 4\r\ntRaNsFeR-eNcOdInG: ChUnKeD\r\n"), 400},
        {"tabs", with_host("Content-Length:\t4\t\r\nTransfer-Encoding:\tchunked\t\r\n"), 400},
        {"identity then length",
         with_host("Transfer-Encoding: identity\r\nContent-Length: 4\r\n"),
         400},
        {"chunked, identity then length",
         with_host("Transfer-Encoding: chunked, identity\r\nContent-Length: 4\r\n"),
         400},
        {"identity alone", with_host("Transfer-Encoding: identity\r\n"), 400},
        {"xchunked", with_host("Transfer-Encoding: xchunked\r\n"), 400},
        {"quoted chunked", with_host("Transfer-Encoding: \"chunked\"\r\n"), 400},
        {"chunked with a parameter", with_host("Transfer-Encoding: chunked;q=1\r\n"), 400},
        {"an empty coding", with_host("Transfer-Encoding:\r\n"), 400},
        {"chunked twice in one field", with_host("Transfer-Encoding: chunked, chunked\r\n"), 400},
        {"a vertical tab before chunked", with_host("Transfer-Encoding: \vchunked\r\n"), 400},
        {"gzip, chunked", with_host("Transfer-Encoding: gzip, chunked\r\n"), 501},
        {"GZIP ,chunked", with_host("Transfer-Encoding: GZIP ,chunked\r\n"), 501},
        {"gzip alone", with_host("Transfer-Encoding: gzip\r\n"), 400},
        {"chunked, gzip", with_host("Transfer-Encoding: chunked, gzip\r\n"), 400},
        {"two codings",
         with_host("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
         400},
        {"chunked twice",
         with_host("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
         400},
        {"HTTP/1.0 with chunked",
         "PUT /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
         400},
        {"a list of lengths", with_host("Content-Length: 4, 4\r\n"), 400},
        {"two equal lengths", with_host("Content-Length: 4\r\nContent-Length: 4\r\n"), 400},
        {"two lengths", with_host("Content-Length: 4\r\nContent-Length: 5\r\n"), 400},
        {"+4", with_host("Content-Length: +4\r\n"), 400},
        {"-1", with_host("Content-Length: -1\r\n"), 400},
        {"0x4", with_host("Content-Length: 0x4\r\n"), 400},
        {"4 4", with_host("Content-Length: 4 4\r\n"), 400},
        {"4.0", with_host("Content-Length: 4.0\r\n"), 400},
        {"an empty length", with_host("Content-Length:\r\n"), 400},
        {"2^64", with_host("Content-Length: 18446744073709551616\r\n"), 400},
        {"2^64-1", with_host("Content-Length: 18446744073709551615\r\n"), 413},
        {"2^62+1", with_host("Content-Length: 4611686018427387905\r\n"), 413},
        {"a folded field", with_host("X-A: 1\r\n 2\r\n"), 400},
        {"a field folded by a tab", with_host("X-A: 1\r\n\t2\r\n"), 400},
        {"a blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        {"a bare LF in the head", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400},
        {"a bare CR in a value", with_host("X-A: 1\rTransfer-Encoding: chunked\r\n"), 400},
        {"a blank before the colon", with_host("Content-Length : 4\r\n"), 400},
        {"a tab before the colon", with_host("Transfer-Encoding\t: chunked\r\n"), 400},
        {"a field without a colon", with_host("Content-Length\r\n"), 400},
        {"a field without a name", with_host(": 4\r\n"), 400},
        {"a name with a control character", with_host(std::string("X\0A: 1\r\n", 8)), 400},
        {"a name beyond ASCII", with_host("X-\xC3\xA4: 1\r\n"), 400},
        {"NUL in a value", with_host(std::string("X-A: 1\0 2\r\n", 11)), 400},
        {"DEL in a value", with_host("X-A: \x7F\r\n"), 400},
        {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28), 400},
        {"a control character in the target", "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a tab in the target", "GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a byte above 0x7F in the target", "GET /\xC3\xA4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a fragment in the target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"absolute form", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"authority form", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"asterisk form", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"an empty target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"two hosts", with_host("Host: a\r\n"), 400},
        {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"an empty host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"a host with userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
        {"a host with a bad port", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
        {"two hosts in one field", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"two blanks after the method", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a blank at the end of the request line", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"a method with a blank before it", " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"a method with a separator", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"no version", "GET /\r\nHost: a\r\n\r\n", 400},
        {"lower-case version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"another version", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"HTTP/1.10", "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400},
        {"another expectation", with_host("Expect: 200-ok\r\n"), 417},
        {"a long name", with_host(std::string(129, 'n') + ": 1\r\n"), 431},
        {"a long value", with_host("X: " + std::string(16385, 'v') + "\r\n"), 431},
        {"the longest value", with_host("X: " + std::string(16384, 'v') + "\r\n"), 200},
        {"nothing", "\r\n\r\n", 400},
        {"an empty line within", "GET / HTTP/1.1\r\nHost: a\r\n\r\nX: 1\r\n\r\n", 400},
        {"a length", with_host("Content-Length: 4\r\n"), 200},
        {"a length with zeros before it", with_host("Content-Length: 0004\r\n"), 200},
        {"chunked", with_host("Transfer-Encoding: Chunked\r\n"), 200},
        {"an address in IPv6", "GET / HTTP/1.1\r\nHost: [::1]:9292\r\n\r\n", 200},
        {"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", 200},
        {"bytes above 0x7F in a value", with_host("X-A: \xC3\xA4\r\n"), 200},
        {"the longest name", with_host(std::string(128, 'n') + ": 1\r\n"), 200},
    };
    return kRows;
}

TEST(Framing, AnswersEveryRowOfTheTable) {
    for (const auto& row : rows()) EXPECT_EQ(status_of_head(row.bytes), row.status) << row.what;
}

// Whatever we accept, a second parser accepts as well and understands the same way.
TEST(Framing, AgreesWithAnotherParserOnWhatItAccepts) {
    namespace beast_http = boost::beast::http;
    for (const auto& row : rows()) {
        if (row.status != 200) continue;
        beast_http::request_parser<beast_http::empty_body> parser;
        parser.skip(true);
        parser.header_limit(kLimits.bytes);
        boost::system::error_code ec;
        parser.put(boost::asio::buffer(row.bytes), ec);
        ASSERT_FALSE(ec) << row.what << ": " << ec.message();
        const auto head = head_of(row.bytes);
        EXPECT_EQ(parser.chunked(), head.framing == BodyFraming::chunked) << row.what;
        EXPECT_EQ(parser.content_length().has_value(), head.content_length.has_value()) << row.what;
        if (head.content_length)
            EXPECT_EQ(*parser.content_length(), *head.content_length) << row.what;
        std::size_t fields = 0;
        for (const auto& field : parser.get()) {
            EXPECT_EQ(std::string_view(field.name_string()), head.fields.at(fields).name)
                << row.what;
            EXPECT_EQ(std::string_view(field.value()), head.fields.at(fields).value) << row.what;
            ++fields;
        }
        EXPECT_EQ(fields, head.fields.size()) << row.what;
    }
}

TEST(Framing, TakesAHundredFieldsAndNoMore) {
    std::string fields;
    for (int i = 0; i < 99; ++i) fields += "a: b\r\n";
    EXPECT_EQ(status_of_head(with_host(fields)), 200);
    EXPECT_EQ(status_of_head(with_host(fields + "a: b\r\n")), 431);
}

TEST(Framing, ReadsWhatBecomesOfTheConnection) {
    EXPECT_TRUE(head_of(with_host("")).keep_alive);
    EXPECT_FALSE(head_of(with_host("Connection: Close\r\n")).keep_alive);
    EXPECT_FALSE(head_of(with_host("Connection: x, close\r\n")).keep_alive);
    EXPECT_FALSE(head_of("GET / HTTP/1.0\r\n\r\n").keep_alive);
    EXPECT_TRUE(head_of("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
    EXPECT_FALSE(head_of("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
}

TEST(Framing, ExpectsNothingOfHttp10) {
    EXPECT_TRUE(head_of(with_host("Expect: 100-Continue\r\n")).expects_continue);
    EXPECT_FALSE(head_of("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expects_continue);
}

TEST(HeadEnd, IsFoundAtTheEmptyLineWhereverThePiecesBreak) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nbody";
    for (std::size_t size = 0; size <= bytes.size(); ++size) {
        for (const std::size_t seen : {std::size_t{0}, size / 2, size}) {
            if (seen >= 27) continue;
            const auto end = find_head_end(
                std::string_view(bytes).substr(0, size), std::min(seen, size), kLimits
            );
            if (size < 27)
                EXPECT_TRUE(std::holds_alternative<NeedMore>(end)) << size;
            else
                EXPECT_EQ(std::get<HeadEnd>(end).bytes, 27U) << size;
        }
    }
}

TEST(HeadEnd, RefusesABareLineFeedAtOnce) {
    for (const char* bytes : {"\n", "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\nHost: a\n\n"})
        EXPECT_EQ(std::get<Refusal>(find_head_end(bytes, 0, kLimits)).status, 400) << bytes;
}

TEST(HeadEnd, RefusesAHeadAboveItsLimitHoweverItComes) {
    const std::string longest = std::string(kLimits.bytes - 4, 'x') + "\r\n\r\n";
    EXPECT_EQ(std::get<HeadEnd>(find_head_end(longest, 0, kLimits)).bytes, kLimits.bytes);
    EXPECT_EQ(std::get<Refusal>(find_head_end("x" + longest, 0, kLimits)).status, 431);
    EXPECT_EQ(
        std::get<Refusal>(find_head_end(std::string(kLimits.bytes, 'x'), 0, kLimits)).status, 431
    );
}

}  // namespace
}  // namespace slipway::http
