#include "tests/support/request_streams.h"

#include "http/chunked.h"
#include "http/framing.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <optional>
#include <ostream>
#include <tuple>
#include <utility>

namespace slipway::test {

namespace {

using http::BodyFraming;
using http::ChunkedDecoder;

// Reads a stream by the pure functions of src/http, in the order in which a connection uses them.
class Reader {
public:
    // Takes what has come; false when nothing more can follow.
    bool take(std::string_view piece) {
        buffer_ += piece;
        while (stream_.end == StreamEnd::waits && step()) {
        }
        return stream_.end == StreamEnd::waits;
    }
    SeenStream finish() && { return std::move(stream_); }

private:
    // False when it takes more bytes, or the end has come.
    bool step() { return head_ ? read_body() : read_head(); }

    bool end(StreamEnd how) {
        stream_.end = how;
        return false;
    }

    bool read_head() {
        if (!forgiven_) {
            if (buffer_.size() < 2) return false;
            if (buffer_.starts_with("\r\n")) buffer_.erase(0, 2);
            forgiven_ = true;
        }
        const auto found = http::find_head_end(buffer_, 0, kLimits);
        if (std::holds_alternative<http::Refusal>(found)) return end(StreamEnd::refused);
        if (std::holds_alternative<http::NeedMore>(found)) return false;
        const std::size_t bytes = std::get<http::HeadEnd>(found).bytes;
        auto head = http::parse_head(std::string_view(buffer_).substr(0, bytes), kLimits);
        buffer_.erase(0, bytes);
        if (std::holds_alternative<http::Refusal>(head)) return end(StreamEnd::refused);
        head_ = std::get<http::Head>(std::move(head));
        request_ = {head_->method, head_->path, {}};
        if (!head_->query.empty()) request_.target += "?" + head_->query;
        left_ = head_->content_length.value_or(0);
        decoder_ = ChunkedDecoder(kStreamBodyBytes);
        forgiven_ = false;
        return true;
    }

    bool read_body() {
        if (head_->framing == BodyFraming::chunked) {
            if (decoder_.data_left() == 0) {
                const auto step = decoder_.next(buffer_);
                buffer_.erase(0, step.consumed);
                if (step.kind == ChunkedDecoder::Kind::end) return finish_request();
                if (step.kind == ChunkedDecoder::Kind::need_more) return false;
                return step.kind == ChunkedDecoder::Kind::data || end(StreamEnd::refused);
            }
            const std::size_t taken = take_body(decoder_.data_left());
            decoder_.took(taken);
            return taken > 0;
        }
        left_ -= take_body(left_);
        return left_ == 0 && finish_request();
    }

    std::size_t take_body(std::uint64_t most) {
        const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(most, buffer_.size()));
        request_.body += buffer_.substr(0, taken);
        buffer_.erase(0, taken);
        return taken;
    }

    bool finish_request() {
        stream_.requests.push_back(std::move(request_));
        const bool keep_alive = head_->keep_alive;
        head_.reset();
        return keep_alive || end(StreamEnd::closed);
    }

    static constexpr http::HeadLimits kLimits{.body_bytes = kStreamBodyBytes};

    std::string buffer_;
    std::optional<http::Head> head_;
    SeenRequest request_;
    std::uint64_t left_ = 0;
    ChunkedDecoder decoder_{kStreamBodyBytes};
    bool forgiven_ = false;
    SeenStream stream_;
};

std::string put(const std::string& fields, const std::string& body) {
    return "PUT /text HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const SeenRequest& request) {
    return out << request.method << ' ' << request.target << " \"" << request.body << '"';
}

SeenStream read_by_slipway(std::string_view bytes, std::size_t piece) {
    Reader reader;
    while (!bytes.empty()) {
        if (!reader.take(bytes.substr(0, piece))) break;
        bytes.remove_prefix(std::min(piece, bytes.size()));
    }
    return std::move(reader).finish();
}

SeenStream read_by_beast(std::string_view bytes) {
    namespace beast_http = boost::beast::http;
    SeenStream stream;
    while (!bytes.empty()) {
        beast_http::request_parser<beast_http::string_body> parser;
        parser.eager(true);
        parser.header_limit(64U << 10U);
        parser.body_limit(kStreamBodyBytes);
        boost::system::error_code ec;
        while (!parser.is_done() && !ec) {
            const std::size_t taken = parser.put(boost::asio::buffer(bytes), ec);
            if (taken == 0 && !ec && !parser.is_done()) return stream;  // it waits for more
            bytes.remove_prefix(taken);
        }
        if (ec == beast_http::error::need_more) return stream;
        if (ec) {
            stream.end = StreamEnd::refused;
            return stream;
        }
        const auto& message = parser.get();
        stream.requests.push_back(
            {std::string(message.method_string()), std::string(message.target()), message.body()}
        );
        if (!message.keep_alive()) {
            stream.end = StreamEnd::closed;
            return stream;
        }
    }
    return stream;
}

std::vector<RequestStream> request_streams() {
    const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string chunked = "Transfer-Encoding: chunked\r\n";
    // A request that a reader sees only if it misjudges the end of the one before.
    const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    const std::string hidden_length = "Content-Length: " + std::to_string(hidden.size()) + "\r\n";
    const std::string hidden_chunk = "22\r\n" + hidden + "\r\n";

    std::vector<RequestStream> streams{
        {"two requests", get + get},
        {"many requests", get + get + get + get + get + get + get + get},
        {"a body, then a request", put("Content-Length: 4\r\n", "body") + get},
        {"a length with zeros", put("Content-Length: 0004\r\n", "body") + get},
        {"an empty body", put("Content-Length: 0\r\n", "") + get},
        {"no body", put("", "") + get},
        {"chunks, then a request", put(chunked, "4\r\nbody\r\n0\r\n\r\n") + get},
        {"coding in another case",
         put("transfer-ENCODING: ChunkeD\r\n", "4\r\nbody\r\n0\r\n\r\n") + get},
        {"no chunks", put(chunked, "0\r\n\r\n") + get},
        {"a chunk extension", put(chunked, "4;a=b\r\nbody\r\n0;c\r\n\r\n") + get},
        {"zeros before a size", put(chunked, "0004\r\nbody\r\n00\r\n\r\n") + get},
        {"a size in capitals", put(chunked, "A\r\n0123456789\r\n0\r\n\r\n") + get},
        {"trailers", put(chunked, "4\r\nbody\r\n0\r\nX-A: b\r\n\r\n") + get},
        {"a request in a body", put(hidden_length, hidden) + get},
        {"a request in a chunk", put(chunked, hidden_chunk + "0\r\n\r\n") + get},
        {"the last chunk in a chunk", put(chunked, "5\r\n0\r\n\r\n\r\n0\r\n\r\n") + get},
        {"a chunked body as a body", put("Content-Length: 14\r\n", "4\r\nbody\r\n0\r\n\r\n") + get},
        {"a GET with a body",
         "GET / HTTP/1.1\r\nHost: a\r\n" + hidden_length + "\r\n" + hidden + get},
        {"a connection that ends",
         put("Connection: close\r\nContent-Length: 4\r\n", "body") + hidden},
        {"HTTP/1.0 ends", "GET / HTTP/1.0\r\nHost: a\r\n\r\n" + hidden},
        {"HTTP/1.0 kept", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" + get},
        {"half a head", get + "GET / HTTP/1.1\r\nHost"},
        {"half a body", get + put("Content-Length: 5\r\n", "body")},
        {"half a size", get + put(chunked, "4")},
        {"half a chunk", get + put(chunked, "4\r\nbo")},
        {"no end after the data", get + put(chunked, "4\r\nbody")},
        {"no last chunk", get + put(chunked, "4\r\nbody\r\n")},
        {"no end of the trailers", get + put(chunked, "0\r\nX: y\r\n")},
        {"an expectation", put("Content-Length: 4\r\nExpect: 100-continue\r\n", "body") + get},
        {"blanks around the length", put("Content-Length: \t4 \r\n", "body") + get},
    };
    // What parsers take for different lengths: nothing may be read behind it.
    const std::string chunks = "4\r\nbody\r\n0\r\n\r\n";
    for (const auto& [what, fields, body] :
         std::initializer_list<std::tuple<const char*, std::string, std::string>>{
             {"length and chunked", "Content-Length: 4\r\n" + chunked, chunks},
             {"chunked and length", chunked + "Content-Length: 14\r\n", chunks},
             {"two lengths", "Content-Length: 4\r\nContent-Length: 4\r\n", "body"},
             {"different lengths", "Content-Length: 0\r\n" + hidden_length, hidden},
             {"a list of lengths", "Content-Length: 4, 4\r\n", "body"},
             {"a signed length", "Content-Length: +4\r\n", "body"},
             {"a hexadecimal length", "Content-Length: 0x4\r\n", "body"},
             {"identity and length",
              "Transfer-Encoding: identity\r\nContent-Length: 4\r\n",
              "body"},
             {"an unknown coding", "Transfer-Encoding: xchunked\r\n", hidden},
             {"coded chunks", "Transfer-Encoding: gzip, chunked\r\n", chunks},
             {"chunked twice", "Transfer-Encoding: chunked, chunked\r\n", chunks},
             {"two codings", "Transfer-Encoding: identity\r\n" + chunked, chunks},
             {"a quoted coding", "Transfer-Encoding: \"chunked\"\r\n", chunks},
             {"a folded coding", "Transfer-Encoding:\r\n chunked\r\n", chunks},
             {"a blank before the colon", "Transfer-Encoding : chunked\r\n", chunks},
             {"a coding behind a bare CR", "X: y\rTransfer-Encoding: chunked\r\n", chunks},
             {"a coding behind a bare LF", "X: y\nTransfer-Encoding: chunked\r\n", chunks},
             {"a coding behind a NUL",
              std::string("X: y\0\r\n", 7) + chunked + "Content-Length: 14\r\n",
              chunks},
             {"a size with a sign", chunked, "+4\r\nbody\r\n0\r\n\r\n"},
             {"a size with 0x", chunked, "0x4\r\nbody\r\n0\r\n\r\n"},
             {"a size with a blank", chunked, "4 \r\nbody\r\n0\r\n\r\n"},
             {"a size behind a blank", chunked, " 4\r\nbody\r\n0\r\n\r\n"},
             {"a size beyond 64 bits", chunked, "10000000000000004\r\nbody\r\n0\r\n\r\n"},
             {"a size that ends in LF", chunked, "4\nbody\r\n0\r\n\r\n"},
             {"data that is too long", chunked, "3\r\nbody\r\n0\r\n\r\n"},
             {"data that ends in LF", chunked, "4\r\nbody\n0\r\n\r\n"},
             {"a bare CR in an extension", chunked, "4;a\rb\r\nbody\r\n0\r\n\r\n"},
             {"a bare LF in an extension", chunked, "4;a\nb\r\nbody\r\n0\r\n\r\n"},
             {"a trailer without a colon", chunked, "0\r\nno colon\r\n\r\n"},
             {"a folded trailer", chunked, "0\r\nX: y\r\n z\r\n\r\n"},
         })
        streams.push_back({what, get + put(fields, body) + hidden});
    for (const auto& [what, head] : std::initializer_list<std::pair<const char*, std::string>>{
             {"HTTP/1.0 with chunks",
              "PUT /text HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n" + chunked + "\r\n" +
                  chunks},
             {"no host", "GET / HTTP/1.1\r\n\r\n"},
             {"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
             {"absolute form", "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
             {"no version", "GET /\r\n\r\n"},
             {"another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
             {"a line that ends in LF", "GET / HTTP/1.1\nHost: a\n\n"},
         })
        streams.push_back({what, get + head + hidden});
    return streams;
}

}  // namespace slipway::test
