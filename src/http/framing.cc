#include "http/framing.h"

#include "base/text.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace slipway::http {

namespace {

bool all_of(std::string_view text, bool (*allowed)(char)) {
    return std::all_of(text.begin(), text.end(), allowed);
}

// What may stand in a request target: visible ASCII. A fragment never travels.
bool is_target_char(char c) {
    return c > 0x20 && c < 0x7F && c != '#';
}

bool is_host_char(char c) {
    return is_digit(c) || is_alpha(c) ||
           std::string_view("-._~!$&'()*+,;=%").find(c) != std::string_view::npos;
}

bool is_ipv6_char(char c) {
    return is_digit(c) || is_alpha(c) || c == ':' || c == '.' || c == '%';
}

// uri-host [":" port], with a host.
bool is_valid_host(std::string_view text) {
    std::string_view host;
    std::string_view rest;
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) return false;
        host = text.substr(1, end - 1);
        rest = text.substr(end + 1);
        if (!all_of(host, is_ipv6_char)) return false;
    } else {
        const auto colon = std::min(text.find(':'), text.size());
        host = text.substr(0, colon);
        rest = text.substr(colon);
        if (!all_of(host, is_host_char)) return false;
    }
    if (host.empty()) return false;
    if (rest.empty()) return true;
    return rest.front() == ':' && rest.size() <= 6 && all_of(rest.substr(1), is_digit);
}

// Calls `visit` for each element of a comma-separated list, trimmed.
template <class Visit>
void for_each_element(std::string_view list, Visit visit) {
    while (true) {
        const auto comma = std::min(list.find(','), list.size());
        visit(trimmed(list.substr(0, comma)));
        if (comma == list.size()) return;
        list.remove_prefix(comma + 1);
    }
}

// Whether the list ends in "chunked" and holds only codings that RFC 9110 knows before it.
bool is_known_coding_then_chunked(std::string_view list) {
    std::string_view last;
    bool known = true;
    std::size_t count = 0;
    for_each_element(list, [&](std::string_view coding) {
        if (count++ > 0) {
            known =
                known && std::ranges::any_of(
                             std::initializer_list<std::string_view>{
                                 "gzip", "x-gzip", "deflate", "compress", "x-compress"},
                             [&](std::string_view name) { return equals_ignoring_case(last, name); }
                         );
        }
        last = coding;
    });
    return count > 1 && known && equals_ignoring_case(last, "chunked");
}

Refusal bad(std::string message) {
    return Refusal{400, std::move(message)};
}

// Reads a head line by line; each step returns what is wrong, if anything.
class HeadReader {
public:
    explicit HeadReader(const HeadLimits& limits) : limits_(limits) {}

    std::variant<Head, Refusal> read(std::string_view bytes) {
        if (!bytes.ends_with("\r\n\r\n")) return bad("The request's head is not complete.");
        bytes.remove_suffix(2);
        bool first = true;
        while (!bytes.empty()) {
            const auto end = bytes.find("\r\n");
            const std::string_view line = bytes.substr(0, end);
            bytes.remove_prefix(end + 2);
            auto refusal = first ? read_request_line(line) : read_field(line);
            if (refusal) return std::move(*refusal);
            first = false;
        }
        if (auto refusal = check_host()) return std::move(*refusal);
        if (auto refusal = decide_framing()) return std::move(*refusal);
        if (auto refusal = decide_persistence()) return std::move(*refusal);
        return std::move(head_);
    }

private:
    // GET /v2/images?limit=2 HTTP/1.1
    std::optional<Refusal> read_request_line(std::string_view line) {
        const auto first = line.find(' ');
        const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
        if (second == std::string_view::npos) return bad("The request line is malformed.");
        const auto method = line.substr(0, first);
        const auto target = line.substr(first + 1, second - first - 1);
        const auto version = line.substr(second + 1);
        if (!is_token(method)) return bad("The request's method is malformed.");
        if (!target.starts_with('/') || !all_of(target, is_target_char))
            return bad("The request's target must be a path of visible ASCII characters.");
        if (version != "HTTP/1.1" && version != "HTTP/1.0") {
            const bool other = version.size() == 8 && version.starts_with("HTTP/") &&
                               is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
            if (other) return Refusal{505, "This server speaks HTTP/1.1 and HTTP/1.0."};
            return bad("The request line is malformed.");
        }
        head_.method = method;
        head_.http_1_0 = version == "HTTP/1.0";
        const auto question = std::min(target.find('?'), target.size());
        head_.path = target.substr(0, question);
        if (question < target.size()) head_.query = target.substr(question + 1);
        return std::nullopt;
    }

    std::optional<Refusal> read_field(std::string_view line) {
        if (head_.fields.size() == limits_.fields)
            return Refusal{431, "The request has too many headers."};
        if (line.starts_with(' ') || line.starts_with('\t'))
            return bad("A header is folded over several lines; send it on one line.");
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) return bad("A header has no colon.");
        const auto name = line.substr(0, colon);
        const auto value = trimmed(line.substr(colon + 1));
        if (!is_token(name)) return bad("A header's name is malformed.");
        if (name.size() > limits_.name_bytes) return Refusal{431, "A header's name is too long."};
        if (!is_field_value(value)) return bad("A header's value holds control characters.");
        if (value.size() > limits_.value_bytes)
            return Refusal{431, "A header's value is too long."};
        head_.fields.push_back({std::string(name), std::string(value)});
        return std::nullopt;
    }

    std::size_t count(std::string_view name, std::string_view& value) const {
        std::size_t found = 0;
        for (const auto& field : head_.fields) {
            if (!equals_ignoring_case(field.name, name)) continue;
            if (found++ == 0) value = field.value;
        }
        return found;
    }

    // HTTP/1.0 knows no Host: health checks of load balancers come without one.
    std::optional<Refusal> check_host() const {
        std::string_view host;
        const auto hosts = count("Host", host);
        if (hosts == 0 && head_.http_1_0) return std::nullopt;
        if (hosts != 1 || !is_valid_host(host))
            return bad("The request needs exactly one valid Host header.");
        return std::nullopt;
    }

    std::optional<Refusal> decide_framing() {
        std::string_view length;
        std::string_view coding;
        const auto lengths = count("Content-Length", length);
        const auto codings = count("Transfer-Encoding", coding);
        if (lengths + codings > 1)
            return bad("The length of the request's body must be announced exactly once.");
        if (codings == 1) {
            if (head_.http_1_0)
                return bad("HTTP/1.0 has no transfer codings; send Content-Length.");
            if (is_known_coding_then_chunked(coding))
                return Refusal{501, "The only transfer coding this server takes is chunked."};
            if (!equals_ignoring_case(coding, "chunked"))
                return bad("The Transfer-Encoding must be chunked.");
            head_.framing = BodyFraming::chunked;
        }
        if (lengths == 1) {
            std::uint64_t bytes = 0;
            const char* const end = length.data() + length.size();
            const auto parsed = std::from_chars(length.data(), end, bytes);
            if (length.size() > 20 || !all_of(length, is_digit) || parsed.ec != std::errc() ||
                parsed.ptr != end)
                return bad("The Content-Length must be a plain number.");
            if (bytes > limits_.body_bytes) return Refusal{413, "The request's body is too large."};
            head_.framing = BodyFraming::fixed;
            head_.content_length = bytes;
        }
        return std::nullopt;
    }

    std::optional<Refusal> decide_persistence() {
        bool close = false;
        bool keep = false;
        for (const auto& field : head_.fields) {
            if (equals_ignoring_case(field.name, "Connection")) {
                for_each_element(field.value, [&](std::string_view option) {
                    close = close || equals_ignoring_case(option, "close");
                    keep = keep || equals_ignoring_case(option, "keep-alive");
                });
            } else if (equals_ignoring_case(field.name, "Expect")) {
                if (!equals_ignoring_case(field.value, "100-continue"))
                    return Refusal{417, "The only expectation this server meets is 100-continue."};
                head_.expects_continue = !head_.http_1_0;
            }
        }
        head_.keep_alive = !close && (keep || !head_.http_1_0);
        return std::nullopt;
    }

    const HeadLimits& limits_;
    Head head_;
};

}  // namespace

std::variant<NeedMore, HeadEnd, Refusal> find_head_end(
    std::string_view bytes, std::size_t seen, const HeadLimits& limits
) {
    for (auto at = bytes.find('\n', seen); at != std::string_view::npos;
         at = bytes.find('\n', at + 1)) {
        if (at == 0 || bytes[at - 1] != '\r')
            return bad("A line ends in a bare line feed; send CR LF.");
        if (at < 3 || bytes.substr(at - 3, 2) != "\r\n") continue;
        if (at + 1 > limits.bytes) break;
        return HeadEnd{at + 1};
    }
    if (bytes.size() >= limits.bytes) return Refusal{431, "The request's headers are too large."};
    return NeedMore{};
}

std::variant<Head, Refusal> parse_head(std::string_view bytes, const HeadLimits& limits) {
    return HeadReader(limits).read(bytes);
}

}  // namespace slipway::http
