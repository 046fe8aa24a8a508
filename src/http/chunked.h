#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway::http {

// Reads the framing of a chunked body, strictly; the data between passes it by. Pure.
//
//   5;name=value CR LF     size in hex, extensions ignored; at most kLineBytes
//   hello CR LF
//   0 CR LF
//   X-Trailer: v CR LF     checked and ignored: a trailer is never merged into the headers
//   CR LF
//
// Use: while data_left() is 0, hand the buffered bytes to next() and drop what it consumed;
// otherwise take up to data_left() bytes as body and report them by took(). Source: RFC 9112, 7.1.
class ChunkedDecoder {
public:
    static constexpr std::size_t kLineBytes = 4096;
    static constexpr std::size_t kTrailerBytes = 8192;

    enum class Kind { need_more, data, end, refused, too_large };
    struct Step {
        Kind kind = Kind::need_more;
        std::size_t consumed = 0;  // framing bytes at the start of what was handed in
    };

    explicit ChunkedDecoder(std::uint64_t body_limit) : body_left_(body_limit) {}

    Step next(std::string_view bytes);
    [[nodiscard]] std::uint64_t data_left() const { return data_left_; }
    void took(std::uint64_t bytes) { data_left_ -= bytes; }

private:
    enum class State { size_line, after_data, trailers, done };

    Kind read_size_line(std::string_view line);

    State state_ = State::size_line;
    std::uint64_t data_left_ = 0;
    std::uint64_t body_left_;
    std::size_t trailer_bytes_ = 0;
};

}  // namespace slipway::http
