#include "http/inbound.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace slipway::http {

namespace {

// For a head that is yet to come; it grows to the header limit when one needs it.
constexpr std::size_t kIdleBytes = 4096;
// Beast and others read 512 bytes at a time into a buffer that was not given its size beforehand,
// which costs forty times the processor time: so a body gets all of this at once.
constexpr std::size_t kBodyBytes = 64U << 10U;

}  // namespace

std::string_view ReceiveBuffer::text() const {
    return {reinterpret_cast<const char*>(storage_.data()) + begin_, end_ - begin_};
}

std::span<std::byte> ReceiveBuffer::room(std::size_t capacity) {
    if (begin_ > 0) {
        std::memmove(storage_.data(), storage_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    if (storage_.size() < capacity) storage_.resize(capacity);
    return std::span(storage_).subspan(end_);
}

void ReceiveBuffer::release() {
    if (begin_ != end_) return;
    storage_ = std::vector<std::byte>();  // "= {}" would keep the capacity
    begin_ = end_ = 0;
}

Inbound::Inbound(Transport& transport, const ServerLimits& limits)
    : transport_(transport),
      limits_(limits),
      head_limits_{
          limits.header_bytes,
          limits.header_fields,
          limits.header_name_bytes,
          limits.header_value_bytes,
          limits.max_body_bytes} {}

awaitable<bool> Inbound::wait_for_request(Deadline deadline) {
    buffer_.release();
    if (!buffer_.text().empty()) co_return true;
    const auto got = co_await transport_.read_some(buffer_.room(kIdleBytes), deadline);
    if (!got || *got == 0) co_return false;
    buffer_.filled(*got);
    co_return true;
}

awaitable<std::variant<Head, Refusal, Gone>> Inbound::read_head(Deadline deadline) {
    // RFC 9112, 2.2: an empty line before a request is forgiven, once.
    bool forgiving = true;
    std::size_t seen = 0;
    while (true) {
        if (forgiving && buffer_.text().size() >= 2) {
            if (buffer_.text().starts_with("\r\n")) buffer_.consume(2);
            forgiving = false;
        }
        const auto text = buffer_.text();
        std::variant<NeedMore, HeadEnd, Refusal> end;
        if (!forgiving) end = find_head_end(text, seen, head_limits_);
        if (const auto* refusal = std::get_if<Refusal>(&end)) co_return *refusal;
        if (const auto* found = std::get_if<HeadEnd>(&end)) {
            auto head = parse_head(text.substr(0, found->bytes), head_limits_);
            buffer_.consume(found->bytes);
            if (auto* refusal = std::get_if<Refusal>(&head)) co_return std::move(*refusal);
            co_return std::get<Head>(std::move(head));
        }
        seen = forgiving ? 0 : text.size();
        auto room = buffer_.room(kIdleBytes);
        if (room.empty()) room = buffer_.room(std::max(kIdleBytes, head_limits_.bytes));
        const auto got = co_await transport_.read_some(room, deadline);
        if (!got || *got == 0) co_return Gone{};
        buffer_.filled(*got);
    }
}

RequestBody::RequestBody(Inbound& inbound, const Head& head)
    : inbound_(inbound),
      framing_(head.framing),
      announced_(head.content_length),
      left_(head.content_length.value_or(0)),
      decoder_(inbound.limits_.max_body_bytes),
      rate_(inbound.limits_.stall_limit, inbound.limits_.min_bytes_per_second),
      owes_continue_(head.expects_continue) {}

std::uint64_t RequestBody::data_left() const {
    return framing_ == BodyFraming::chunked ? decoder_.data_left() : left_;
}

void RequestBody::took(std::size_t bytes) {
    if (framing_ == BodyFraming::chunked)
        decoder_.took(bytes);
    else
        left_ -= bytes;
}

ChunkedDecoder::Kind RequestBody::advance() {
    using Kind = ChunkedDecoder::Kind;
    if (data_left() > 0) return Kind::data;
    if (framing_ != BodyFraming::chunked) return Kind::end;
    const auto step = decoder_.next(inbound_.buffer_.text());
    inbound_.buffer_.consume(step.consumed);
    ended_ = step.kind == Kind::end;
    return step.kind;
}

bool RequestBody::has_more() const {
    return framing_ == BodyFraming::chunked ? !ended_ : left_ > 0;
}

awaitable<Result<std::size_t>> RequestBody::read_some(std::span<std::byte> into) {
    return read_by(into, kNoDeadline);
}

awaitable<Result<std::size_t>> RequestBody::read_by(std::span<std::byte> into, Deadline deadline) {
    using Kind = ChunkedDecoder::Kind;
    while (!failure_) {
        const Kind kind = advance();
        auto& buffer = inbound_.buffer_;
        if (kind == Kind::end) co_return std::size_t{0};
        if (kind == Kind::refused) {
            failure_ = Error(Errc::invalid_argument, "The request's body is not validly chunked.");
        } else if (kind == Kind::too_large) {
            failure_ = Error(Errc::too_large, "The request's body is too large.");
        } else if (kind == Kind::need_more || buffer.text().empty()) {
            const auto wanted =
                static_cast<std::size_t>(std::min<std::uint64_t>(data_left(), into.size()));
            if (wanted >= kBodyBytes) {
                auto got = co_await receive(into.first(wanted), deadline);
                if (got) {
                    took(*got);
                    bytes_read_ += *got;
                    co_return *got;
                }
                failure_ = got.error();
            } else if (auto filled = co_await fill(deadline); !filled) {
                failure_ = filled.error();
            }
        } else {
            const auto text = buffer.text();
            const auto bytes = static_cast<std::size_t>(
                std::min({data_left(), std::uint64_t{text.size()}, std::uint64_t{into.size()}})
            );
            std::memcpy(into.data(), text.data(), bytes);
            buffer.consume(bytes);
            took(bytes);
            bytes_read_ += bytes;
            co_return bytes;
        }
    }
    co_return *failure_;
}

awaitable<Result<std::size_t>> RequestBody::receive(std::span<std::byte> into, Deadline deadline) {
    if (owes_continue_) SLIPWAY_CO_CHECK(co_await send_continue());
    const Deadline by = std::min(deadline, rate_.begin());
    auto got = co_await inbound_.transport_.read_some(into, by);
    rate_.end(got ? *got : 0);
    if (got && *got == 0)
        co_return Error(
            Errc::invalid_argument, "The request's body ended before its announced end."
        );
    co_return got;
}

awaitable<Result<void>> RequestBody::fill(Deadline deadline) {
    const auto room = inbound_.buffer_.room(kBodyBytes);
    SLIPWAY_CO_TRY(const std::size_t got, co_await receive(room, deadline));
    inbound_.buffer_.filled(got);
    co_return Result<void>();
}

awaitable<Result<void>> RequestBody::send_continue() {
    owes_continue_ = false;
    auto left = as_bytes_of("HTTP/1.1 100 Continue\r\n\r\n");
    while (!left.empty()) {
        const Deadline by = after(inbound_.limits_.stall_limit);
        SLIPWAY_CO_TRY(
            const std::size_t written, co_await inbound_.transport_.write_some(left, by)
        );
        left = left.subspan(written);
    }
    co_return Result<void>();
}

bool RequestBody::skip_buffered() {
    using Kind = ChunkedDecoder::Kind;
    while (!failure_) {
        const Kind kind = advance();
        if (kind == Kind::end) return true;
        const auto bytes = static_cast<std::size_t>(
            std::min<std::uint64_t>(data_left(), inbound_.buffer_.text().size())
        );
        if (kind != Kind::data || bytes == 0) return false;
        inbound_.buffer_.consume(bytes);
        took(bytes);
    }
    return false;
}

bool RequestBody::little_is_missing() const {
    return framing_ == BodyFraming::fixed && !failure_ && !owes_continue_ && left_ <= kBodyBytes;
}

awaitable<bool> RequestBody::skip(Deadline deadline) {
    std::array<std::byte, 4096> scrap;
    while (true) {
        const auto got = co_await read_by(scrap, deadline);
        if (!got) co_return false;
        if (*got == 0) co_return true;
    }
}

}  // namespace slipway::http
