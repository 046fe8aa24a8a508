#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

// Where a request's head ends, what it says, and where its body will end. Pure functions over the
// raw bytes: strict where parsers differ from each other, since every difference is a way to
// smuggle a request past the proxy in front of us. Source: RFC 9110, RFC 9112.
namespace slipway::http {

struct HeadLimits {
    std::size_t bytes = 32U << 10U;  // request line, fields and the empty line
    std::size_t fields = 100;
    std::size_t name_bytes = 128;
    std::size_t value_bytes = 16U << 10U;
    std::uint64_t body_bytes = std::uint64_t{1} << 62U;
};

struct HeaderField {
    std::string name;   // as it came
    std::string value;  // without the blanks around it
};

enum class BodyFraming { none, fixed, chunked };

// The head of a request that may be served.
struct Head {
    std::string method;
    std::string path;   // as it came, without the query
    std::string query;  // as it came, without '?'
    bool http_1_0 = false;
    bool keep_alive = true;
    bool expects_continue = false;
    BodyFraming framing = BodyFraming::none;
    std::optional<std::uint64_t> content_length;
    std::vector<HeaderField> fields;
};

// Why a request is not served. Its connection is closed after the answer, because nobody can know
// where the next request begins.
struct Refusal {
    int status = 400;
    std::string message;
};

struct NeedMore {};
struct HeadEnd {
    std::size_t bytes = 0;  // of the head, with the empty line
};

// Looks for the empty line that ends a head. `seen` bytes were scanned before without finding it.
// A line that ends in a bare LF is refused at once: its CR LF would never come.
std::variant<NeedMore, HeadEnd, Refusal> find_head_end(
    std::string_view bytes, std::size_t seen, const HeadLimits& limits
);

// Reads a whole head, as find_head_end() measured it.
std::variant<Head, Refusal> parse_head(std::string_view bytes, const HeadLimits& limits);

}  // namespace slipway::http
