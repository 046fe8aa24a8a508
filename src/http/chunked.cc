#include "http/chunked.h"

#include "base/text.h"
#include "http/framing.h"

#include <charconv>

namespace slipway::http {

namespace {

// The line at the start of `bytes`, with its CR LF.
struct Line {
    enum class Kind { need_more, complete, refused } kind;
    std::string_view text;     // without CR LF
    std::size_t consumed = 0;  // with CR LF
};

Line first_line(std::string_view bytes) {
    const auto window = bytes.substr(0, ChunkedDecoder::kLineBytes);
    const auto feed = window.find('\n');
    if (feed == std::string_view::npos) {
        const bool full = window.size() == ChunkedDecoder::kLineBytes;
        return {full ? Line::Kind::refused : Line::Kind::need_more, {}, 0};
    }
    if (feed == 0 || window[feed - 1] != '\r') return {Line::Kind::refused, {}, 0};
    return {Line::Kind::complete, window.substr(0, feed - 1), feed + 1};
}

bool is_trailer(std::string_view line) {
    const auto colon = line.find(':');
    return colon != std::string_view::npos && is_token(line.substr(0, colon)) &&
           is_field_value(line.substr(colon + 1));
}

}  // namespace

ChunkedDecoder::Kind ChunkedDecoder::read_size_line(std::string_view line) {
    std::uint64_t size = 0;
    const char* const begin = line.data();
    const auto parsed = std::from_chars(begin, begin + line.size(), size, 16);
    const auto digits = static_cast<std::size_t>(parsed.ptr - begin);
    if (digits == 0 || digits > 16 || parsed.ec != std::errc()) return Kind::refused;
    const auto extensions = line.substr(digits);
    if (!extensions.empty() && (extensions.front() != ';' || !is_field_value(extensions)))
        return Kind::refused;
    if (size > body_left_) return Kind::too_large;
    body_left_ -= size;
    data_left_ = size;
    return Kind::data;
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view bytes) {
    std::size_t consumed = 0;
    while (true) {
        const auto rest = bytes.substr(consumed);
        if (state_ == State::done) return {Kind::end, consumed};
        if (state_ == State::after_data) {
            if (!std::string_view("\r\n").starts_with(rest.substr(0, 2)))
                return {Kind::refused, consumed};
            if (rest.size() < 2) return {Kind::need_more, consumed};
            consumed += 2;
            state_ = State::size_line;
            continue;
        }
        const Line line = first_line(rest);
        if (line.kind == Line::Kind::need_more) return {Kind::need_more, consumed};
        if (line.kind == Line::Kind::refused) return {Kind::refused, consumed};
        consumed += line.consumed;
        if (state_ == State::size_line) {
            const Kind kind = read_size_line(line.text);
            if (kind != Kind::data) return {kind, consumed};
            state_ = data_left_ > 0 ? State::after_data : State::trailers;
            if (data_left_ > 0) return {Kind::data, consumed};
            continue;
        }
        trailer_bytes_ += line.consumed;
        if (line.text.empty()) {
            state_ = State::done;
        } else if (trailer_bytes_ > kTrailerBytes || !is_trailer(line.text)) {
            return {Kind::refused, consumed};
        }
    }
}

}  // namespace slipway::http
