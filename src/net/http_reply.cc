#include "net/http_reply.h"

#include <boost/beast/core/error.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <charconv>
#include <vector>

namespace slipway::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::size_t kBufferBytes = 64U << 10U;
constexpr int kMaxInterimReplies = 16;

using Parser = http::response_parser<http::buffer_body>;

Error not_http(std::string_view why) {
    return Error(Errc::corrupt, "the server's answer is not valid HTTP: " + std::string(why));
}

Error ended_early(std::string_view when) {
    return Error(
        Errc::unavailable,
        "the server closed the connection " + std::string(when),
        "ConnectionClosed"
    );
}

// Digits only; no sign, no list, no blanks.
Result<std::uint64_t> parse_length(std::string_view text) {
    std::uint64_t length = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
    if (failed != std::errc() || end != text.data() + text.size())
        return not_http("its Content-Length is malformed");
    return length;
}

}  // namespace

std::string_view find_header(const Headers& headers, std::string_view name) {
    for (const auto& [key, value] : headers)
        if (beast::iequals(key, name)) return value;
    return {};
}

struct ReplyReader::Impl {
    Impl(Connection& to, bool with_body) : connection(to), body_expected(with_body) {
        buffer.resize(kBufferBytes);
    }

    [[nodiscard]] std::size_t buffered() const { return last - first; }

    // Appends what the peer sends next; 0 when it has closed.
    awaitable<Result<std::size_t>> fill(Deadline by) {
        if (first == last) first = last = 0;
        if (last == buffer.size() && first > 0) {
            std::copy(
                buffer.begin() + static_cast<std::ptrdiff_t>(first),
                buffer.begin() + static_cast<std::ptrdiff_t>(last),
                buffer.begin()
            );
            last -= first;
            first = 0;
        }
        if (last == buffer.size()) co_return not_http("a line or the head of it is too long");
        SLIPWAY_CO_TRY(
            const std::size_t got,
            co_await connection.read_some(std::span(buffer).subspan(last), by)
        );
        last += got;
        begun = begun || got > 0;
        co_return got;
    }

    // Hands the parser what is buffered.
    boost::system::error_code parse() {
        boost::system::error_code code;
        first += parser->put(boost::asio::const_buffer(buffer.data() + first, buffered()), code);
        return code;
    }

    void next_message() {
        parser.emplace();
        parser->header_limit(kBufferBytes);
        parser->body_limit(boost::none);
        parser->eager(false);
        parser->skip(!body_expected);
    }

    awaitable<Result<void>> read_fields() {
        next_message();
        while (!parser->is_header_done()) {
            boost::system::error_code code = http::error::need_more;
            if (buffered() > 0) code = parse();
            if (code == http::error::need_more) {
                SLIPWAY_CO_TRY(const std::size_t got, co_await fill(kNoDeadline));
                if (got == 0) co_return ended_early("before it answered");
            } else if (code) {
                co_return not_http(code.message());
            }
        }
        co_return Result<void>();
    }

    // The framing must be unambiguous, whatever the parser's version lets pass.
    [[nodiscard]] Result<ReplyHead> head() const {
        const auto& message = parser->get();
        ReplyHead head;
        head.status = static_cast<int>(message.result_int());
        int lengths = 0;
        int codings = 0;
        for (const auto& field : message) {
            const std::string_view value(field.value().data(), field.value().size());
            if (field.name() == http::field::content_length) {
                ++lengths;
                SLIPWAY_TRY(head.content_length, parse_length(value));
            }
            if (field.name() == http::field::transfer_encoding) {
                ++codings;
                if (!beast::iequals(value, "chunked"))
                    return not_http("its Transfer-Encoding is not supported");
            }
            head.headers.emplace_back(field.name_string(), value);
        }
        if (lengths + codings > 1) return not_http("it is framed in two ways");
        if (codings > 0 && message.version() != 11) return not_http("it is chunked in HTTP/1.0");
        head.keep_alive = parser->keep_alive();
        return head;
    }

    Connection& connection;
    bool body_expected;
    std::vector<std::byte> buffer;
    std::size_t first = 0;
    std::size_t last = 0;
    bool begun = false;
    std::optional<Parser> parser;
};

ReplyReader::ReplyReader(Connection& connection, bool body_expected)
    : impl_(std::make_unique<Impl>(connection, body_expected)) {}
ReplyReader::~ReplyReader() = default;

awaitable<Result<ReplyHead>> ReplyReader::read_head() {
    for (int interim = 0; interim < kMaxInterimReplies; ++interim) {
        SLIPWAY_CO_CHECK(co_await impl_->read_fields());
        SLIPWAY_CO_TRY(ReplyHead head, impl_->head());
        if (head.status == 101) co_return not_http("it switches to another protocol");
        if (head.status >= 200) {
            impl_->parser->eager(true);
            co_return head;
        }
    }
    co_return not_http("it has too many interim answers");
}

awaitable<Result<std::size_t>> ReplyReader::read_body(std::span<std::byte> into, Deadline by) {
    auto& parser = *impl_->parser;
    if (parser.is_done() || into.empty()) co_return 0U;
    // Beast takes the end of the connection for the end of such a body; we know no end of it at
    // all.
    if (parser.need_eof())
        co_return Error(
            Errc::corrupt, "the server's answer says neither how long it is nor where it ends"
        );
    auto& room = parser.get().body();
    for (;;) {
        room.data = into.data();
        room.size = into.size();
        room.more = true;
        if (impl_->buffered() > 0) {
            const auto code = impl_->parse();
            if (code && code != http::error::need_more && code != http::error::need_buffer)
                co_return not_http(code.message());
        }
        const std::size_t got = into.size() - room.size;
        if (got > 0 || parser.is_done()) co_return got;
        SLIPWAY_CO_TRY(const std::size_t filled, co_await impl_->fill(by));
        if (filled == 0) co_return ended_early("in the middle of its answer");
    }
}

bool ReplyReader::at_end() const {
    return impl_->parser && impl_->parser->is_done();
}
bool ReplyReader::has_begun() const {
    return impl_->begun;
}
bool ReplyReader::has_surplus() const {
    return impl_->buffered() > 0;
}

}  // namespace slipway::net
