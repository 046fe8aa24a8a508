#include "http/outbound.h"

#include "base/text.h"
#include "http/problem.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <array>
#include <ctime>

namespace slipway::http {

namespace {

// Sun, 06 Nov 1994 08:49:37 GMT
std::string http_date() {
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::array<char, 32> text{};
    const auto bytes = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    return {text.data(), bytes};
}

bool is_ours(std::string_view name) {
    return equals_ignoring_case(name, "Content-Length") ||
           equals_ignoring_case(name, "Transfer-Encoding") ||
           equals_ignoring_case(name, "Connection") || equals_ignoring_case(name, "Date");
}

bool has_body(const Response& response, const SendOptions& options) {
    return !options.head && response.status != 204 && response.status != 304;
}

std::uint64_t announced_bytes(const Response& response, const SendOptions& options) {
    if (response.status == 204) return 0;
    if (options.head && response.head_bytes) return *response.head_bytes;
    return response.stream ? response.stream_bytes : response.text.size();
}

bool is_well_formed(const std::vector<std::pair<std::string, std::string>>& headers) {
    return std::ranges::all_of(headers, [](const auto& header) {
        return is_token(header.first) && is_field_value(header.second);
    });
}

std::string head_of(const Response& response, const SendOptions& options) {
    std::string head = "HTTP/1.1 " + std::to_string(response.status) + ' ';
    head += reason_phrase(response.status);
    head += "\r\nDate: " + http_date() + "\r\n";
    if (response.status != 304)
        head += "Content-Length: " + std::to_string(announced_bytes(response, options)) + "\r\n";
    if (!options.keep_alive)
        head += "Connection: close\r\n";
    else if (options.http_1_0)
        head += "Connection: keep-alive\r\n";
    for (const auto& [name, value] : response.headers) {
        if (is_ours(name)) continue;
        head += name;
        head += ": ";
        head += value;
        head += "\r\n";
    }
    head += "\r\n";
    return head;
}

Error wrong_length() {
    return {Errc::corrupt, "The data's length is not what was announced; try again."};
}

}  // namespace

awaitable<Result<void>> Outbound::write_all(std::span<const std::byte> bytes) {
    MinimumRate rate(limits_.stall_limit, limits_.min_bytes_per_second);
    while (!bytes.empty()) {
        auto written = co_await transport_.write_some(bytes, rate.begin());
        rate.end(written ? *written : 0);
        if (!written) co_return written.error();
        bytes = bytes.subspan(*written);
    }
    co_return Result<void>();
}

awaitable<Result<void>> Outbound::prepare(Response& response, const SendOptions& options) {
    current_.clear();
    // A line break that a handler let into a header would begin another answer.
    if (!is_well_formed(response.headers))
        co_return Error(Errc::internal, "a header of the answer is malformed");
    if (!response.stream || !has_body(response, options)) co_return Result<void>();
    current_.resize(
        static_cast<std::size_t>(std::min<std::uint64_t>(response.stream_bytes, kChunkBytes))
    );
    SLIPWAY_CO_TRY(const std::size_t got, co_await read_full(*response.stream, current_));
    if (got < current_.size()) co_return wrong_length();
    co_return Result<void>();
}

awaitable<Result<void>> Outbound::send(
    Response& response, const SendOptions& options, Transfer& transfer
) {
    std::string head = head_of(response, options);
    const bool body = has_body(response, options);
    const std::size_t head_bytes = head.size();
    if (body && !response.stream) head += response.text;
    SLIPWAY_CO_CHECK(co_await write_all(as_bytes_of(head)));
    transfer.bytes_out = head.size() - head_bytes;
    if (body && response.stream) SLIPWAY_CO_CHECK(co_await send_stream(response, transfer));
    transfer.complete = true;
    co_return Result<void>();
}

awaitable<Result<void>> Outbound::send_stream(Response& response, Transfer& transfer) {
    using namespace asio::experimental::awaitable_operators;
    std::vector<std::byte> next;
    std::uint64_t left = response.stream_bytes - current_.size();
    while (left > 0) {
        next.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes)));
        auto [read, written] = co_await (read_full(*response.stream, next) && write_all(current_));
        SLIPWAY_CO_CHECK(std::move(written));
        transfer.bytes_out += current_.size();
        SLIPWAY_CO_TRY(const std::size_t got, std::move(read));
        if (got < next.size()) co_return wrong_length();
        left -= next.size();
        std::swap(current_, next);
    }
    // The end is proved before the last chunk goes out, so that a client cannot take a longer
    // stream for a whole one.
    std::array<std::byte, 1> beyond;
    SLIPWAY_CO_TRY(const std::size_t extra, co_await response.stream->read_some(beyond));
    if (extra > 0) co_return wrong_length();
    SLIPWAY_CO_CHECK(co_await write_all(current_));
    transfer.bytes_out += current_.size();
    current_ = std::vector<std::byte>();  // "= {}" would keep the capacity
    co_return Result<void>();
}

}  // namespace slipway::http
