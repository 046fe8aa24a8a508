#include "tests/integration/http_server_fixture.h"
#include "tests/support/request_streams.h"

#include <vector>

namespace slipway::http {
namespace {

using test::RawClient;

// What follows the request under test: if its body's end is misjudged, this becomes a second
// request.
const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

class HttpFramingTest : public HttpServerTest {
protected:
    // Sends `bytes`, and a request that must not be seen after them; expects one answer with
    // `status`, and the end of the connection.
    void expect_refused(const std::string& what, const std::string& bytes, int status) {
        RawClient client(port);
        client.send(bytes + kSmuggled);
        client.half_close();
        const auto answer = client.read_answer();
        EXPECT_EQ(answer.status, status) << what << "\n" << answer.head;
        EXPECT_EQ(answer.header("Connection"), "close") << what;
        EXPECT_EQ(client.read_to_end(), "") << what << ": a second answer";
    }
};

std::string put(
    const std::string& fields, const std::string& body, const std::string& version = "1.1"
) {
    return "PUT /text HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n" + body;
}

TEST_F(HttpFramingTest, RefusesEveryRowOfTheTableBeforeTheHandlerSeesIt) {
    start();
    const std::string chunks = "4\r\nbody\r\n0\r\n\r\n";
    struct Row {
        const char* what;
        std::string bytes;
        int status;
    };
    const std::vector<Row> rows = {
        {"length and chunked",
         put("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", chunks),
         400},
        {"chunked and length",
         put("tRANSFER-eNCODING:\tchunked\r\nCONTENT-LENGTH:\t4\r\n", chunks),
         400},
        {"identity and length",
         put("Transfer-Encoding: identity\r\nContent-Length: 4\r\n", "body"),
         400},
        {"chunked, identity",
         put("Transfer-Encoding: chunked, identity\r\nContent-Length: 4\r\n", chunks),
         400},
        {"xchunked", put("Transfer-Encoding: xchunked\r\n", ""), 400},
        {"gzip, chunked", put("Transfer-Encoding: gzip, chunked\r\n", chunks), 501},
        {"two codings",
         put("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", chunks),
         400},
        {"HTTP/1.0 chunked", put("Transfer-Encoding: chunked\r\n", chunks, "1.0"), 400},
        {"4, 4", put("Content-Length: 4, 4\r\n", "body"), 400},
        {"two lengths", put("Content-Length: 4\r\nContent-Length: 4\r\n", "body"), 400},
        {"+4", put("Content-Length: +4\r\n", "body"), 400},
        {"-1", put("Content-Length: -1\r\n", ""), 400},
        {"0x4", put("Content-Length: 0x4\r\n", "body"), 400},
        {"2^64", put("Content-Length: 18446744073709551616\r\n", ""), 400},
        {"2^64-1", put("Content-Length: 18446744073709551615\r\n", ""), 413},
        {"folding", put("X-A: 1\r\n Content-Length: 4\r\n", ""), 400},
        {"bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400},
        {"bare LF in the fields", put("X-A: 1\nX-B: 2\r\n", ""), 400},
        {"blank before the colon", put("Content-Length : 4\r\n", "body"), 400},
        {"NUL in the target", std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28), 400},
        {"CTL in the target", "GET /\x1B HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"byte above 0x7F in the target", "GET /\xC3\xA4 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"absolute form", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
        {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"too many fields",
         "GET / HTTP/1.1\r\nHost: a\r\n" +
             [] {
                 std::string fields;
                 for (int i = 0; i < 1500; ++i) fields += "a:b\r\n";
                 return fields;
             }() +
             "\r\n",
         431},
        {"a long name", put(std::string(129, 'n') + ": 1\r\n", ""), 431},
        {"a long value", put("X: " + std::string(16385, 'v') + "\r\n", ""), 431},
        {"a large head",
         put("X: " + std::string(16384, 'v') + "\r\nY: " + std::string(16384, 'v') + "\r\n", ""),
         431},
    };
    for (const auto& row : rows) expect_refused(row.what, row.bytes, row.status);
    EXPECT_EQ(requests, 0);
}

TEST_F(HttpFramingTest, RefusesABrokenChunkedBodyAndClosesWithoutASecondAnswer) {
    start();
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    const std::vector<std::pair<const char*, std::string>> rows = {
        {"bare LF after the size", put(chunked, "4\nbody\r\n0\r\n\r\n")},
        {"no CR LF after the data", put(chunked, "4\r\nbodyXX0\r\n\r\n")},
        {"size with a sign", put(chunked, "+4\r\nbody\r\n0\r\n\r\n")},
        {"size too long", put(chunked, "00000000000000004\r\nbody\r\n0\r\n\r\n")},
        {"zeros", put(chunked, std::string(100'000, '0') + "4\r\nbody\r\n0\r\n\r\n")},
        {"a bad trailer", put(chunked, "4\r\nbody\r\n0\r\nno colon\r\n\r\n")},
        {"a trailer of 64 KiB and more",
         put(chunked, "4\r\nbody\r\n0\r\nX: " + std::string(70'000, 'v') + "\r\n\r\n")},
    };
    int seen = 0;
    for (const auto& [what, bytes] : rows) {
        expect_refused(what, bytes, 400);
        EXPECT_EQ(requests, ++seen) << what;
    }
    EXPECT_EQ(broken_bodies, seen);
}

TEST_F(HttpFramingTest, KeepsMemoryFlatThroughAnExtensionOfOneMebibyte) {
    start();
    RawClient client(port);
    client.send(put("Transfer-Encoding: chunked\r\n", "4;"));
    const auto before = allocated_bytes();
    const std::string piece(64U << 10U, 'e');
    for (int i = 0; i < 16 && client.send(piece); ++i) {
    }
    EXPECT_EQ(client.read_answer().status, 400);
    EXPECT_LT(allocated_bytes(), before + (512U << 10U));
}

TEST_F(HttpFramingTest, IgnoresTrailers) {
    start();
    RawClient client(port);
    client.send(
        "PUT /roles HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "4\r\nbody\r\n0\r\nX-Roles: admin\r\nContent-Length: 999\r\nTransfer-Encoding: x\r\n\r\n"
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    EXPECT_EQ(client.read_answer().body, "roles=");
    EXPECT_EQ(client.read_answer().body, "ok");
}

TEST_F(HttpFramingTest, ReadsChunksOfOneByteInPacketsOfOneByte) {
    start();
    RawClient client(port);
    std::string bytes = "PUT /text HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (const char c : std::string("hello")) bytes += std::string("1;x\r\n") + c + "\r\n";
    bytes += "0\r\n\r\n";
    for (const char c : bytes) client.send(std::string_view(&c, 1));
    EXPECT_EQ(client.read_answer().body, "hello");
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_answer().body, "ok");
}

TEST_F(HttpFramingTest, KeepsBodyAndNextRequestApartInOnePacket) {
    start();
    RawClient client(port);
    client.send(
        put("Content-Length: 4\r\n", "body") +
        put("Transfer-Encoding: chunked\r\n", "4\r\nnext\r\n0\r\n\r\n") +
        "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"
    );
    EXPECT_EQ(client.read_answer().body, "body");
    EXPECT_EQ(client.read_answer().body, "next");
    EXPECT_EQ(client.read_answer().body, "ok");
}

// The streams of the unit test once more, through sockets: each request that another parser finds
// is answered with its own body, and what we refuse with one answer more and the end.
TEST_F(HttpFramingTest, AnswersAsManyRequestsAsAnotherParserFinds) {
    start();
    for (const auto& stream : test::request_streams()) {
        SCOPED_TRACE(stream.what);
        const auto ours = test::read_by_slipway(stream.bytes, stream.bytes.size());
        auto found = test::read_by_beast(stream.bytes).requests;
        if (ours.end == test::StreamEnd::refused) found.resize(ours.requests.size());
        RawClient client(port);
        client.send(stream.bytes);
        client.half_close();
        for (const auto& request : found) {
            auto answer = client.read_answer();
            if (answer.status == 100) answer = client.read_answer();
            EXPECT_EQ(answer.status, 200);
            EXPECT_EQ(answer.body, request.target == "/text" ? request.body : "ok");
        }
        const auto last = client.read_answer();
        if (ours.end == test::StreamEnd::refused) EXPECT_GE(last.status, 400);
        if (ours.end == test::StreamEnd::closed) EXPECT_EQ(last.status, 0) << last.head;
        EXPECT_EQ(client.read_to_end(), "");
    }
}

TEST_F(HttpFramingTest, SurvivesNoise) {
    start();
    std::uint32_t state = 1;
    for (int round = 0; round < 200; ++round) {
        std::string noise = round % 2 == 0 ? "" : put("Transfer-Encoding: chunked\r\n", "");
        for (int i = 0; i < 200; ++i) {
            state = state * 1664525U + 1013904223U;
            noise += static_cast<char>(state >> 24U);
        }
        RawClient client(port);
        client.send(noise);
        client.half_close();
        const auto answer = client.read_to_end();
        EXPECT_EQ(answer.find("HTTP/1.1 5"), std::string::npos) << answer;
    }
    RawClient client(port);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(client.read_answer().status, 200);
}

}  // namespace
}  // namespace slipway::http
