#include "http/problem.h"

#include "base/json.h"
#include "base/text.h"
#include "http/framing.h"
#include "http/query.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <optional>

namespace slipway::http {

namespace {

constexpr std::string_view kOwnApi = "/slipway/v1";

enum class Shape { own_json, json, html, plain };

// The quality of "text/html;q=0.9" as thousandths; 1000 without one, nothing when it is malformed.
std::optional<int> quality_of(std::string_view parameters) {
    while (!parameters.empty()) {
        parameters.remove_prefix(1);  // the semicolon
        const auto end = std::min(parameters.find(';'), parameters.size());
        const auto parameter = trimmed(parameters.substr(0, end));
        parameters.remove_prefix(end);
        if (!parameter.starts_with("q=") && !parameter.starts_with("Q=")) continue;
        const auto text = parameter.substr(2);
        double quality = 0;
        const auto parsed = std::from_chars(
            text.data(), text.data() + text.size(), quality, std::chars_format::fixed
        );
        if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size())
            return std::nullopt;
        if (!(quality >= 0 && quality <= 1)) return std::nullopt;
        return static_cast<int>(quality * 1000);
    }
    return 1000;
}

// How closely the media range names `type`/`subtype`: 0 not at all, 1 as */*, 2 as type/*, 3
// exactly.
int closeness(std::string_view range, std::string_view type, std::string_view media_type) {
    if (range == "*/*") return 1;
    if (equals_ignoring_case(range, std::string(type) + "/*")) return 2;
    return equals_ignoring_case(range, media_type) ? 3 : 0;
}

// What `accept` thinks of a media type: the quality of the closest range, 0 if none fits.
int quality(std::string_view accept, std::string_view type, std::string_view media_type) {
    int best_closeness = 0;
    int best_quality = 0;
    while (!accept.empty()) {
        const auto end = std::min(accept.find(','), accept.size());
        const auto item = trimmed(accept.substr(0, end));
        accept.remove_prefix(std::min(end + 1, accept.size()));
        const auto semicolon = std::min(item.find(';'), item.size());
        const auto given = quality_of(item.substr(semicolon));
        const int close = closeness(trimmed(item.substr(0, semicolon)), type, media_type);
        if (!given || close <= best_closeness) continue;
        best_closeness = close;
        best_quality = *given;
    }
    return best_quality;
}

// Never JSON for */*: Glance's client takes a JSON error for a table and fails on it.
Shape shape_for(const Request& request) {
    const auto path = request.raw_path();
    if (path.starts_with(kOwnApi) && (path.size() == kOwnApi.size() || path[kOwnApi.size()] == '/'))
        return Shape::own_json;
    const auto accept = request.header("Accept");
    const int html = quality(accept, "text", "text/html");
    const int json = quality(accept, "application", "application/json");
    if (html > 0 && html >= json) return Shape::html;
    return json > 0 ? Shape::json : Shape::plain;
}

std::string escaped_for_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

std::string status_line(int status) {
    return std::to_string(status) + ' ' + std::string(reason_phrase(status));
}

// {"error": {"code": 404, "title": "Not Found", "message": "…"}}
Response own_json(int status, std::string_view message) {
    json::Writer writer;
    writer.begin_object().key("error").begin_object();
    writer.member("code", std::int64_t{status})
        .member("title", reason_phrase(status))
        .member("message", message);
    writer.end_object().end_object();
    return json_response(status, writer.text());
}

// {"message": "…", "code": "404 Not Found", "title": "Not Found"}
Response glance_json(int status, std::string_view message) {
    json::Writer writer;
    writer.begin_object();
    writer.member("message", message)
        .member("code", std::string_view(status_line(status)))
        .member("title", reason_phrase(status));
    writer.end_object();
    return json_response(status, writer.text());
}

Response html(int status, std::string_view message) {
    const auto title = status_line(status);
    Response response;
    response.status = status;
    response.text = "<html>\n <head>\n  <title>" + title + "</title>\n </head>\n <body>\n  <h1>" +
                    title + "</h1>\n  " + escaped_for_html(message) +
                    "<br /><br />\n </body>\n</html>\n";
    response.with("Content-Type", "text/html; charset=UTF-8");
    return response;
}

bool has_no_body(int status) {
    return status == 204 || status == 304;
}

}  // namespace

int status_of(Errc code) {
    switch (code) {
        case Errc::invalid_argument:
            return 400;
        case Errc::unauthenticated:
            return 401;
        case Errc::forbidden:
            return 403;
        case Errc::not_found:
            return 404;
        case Errc::conflict:
            return 409;
        case Errc::gone:
            return 410;
        case Errc::too_large:
        case Errc::no_space:
            return 413;
        case Errc::unsupported:
            return 415;
        case Errc::unavailable:
        case Errc::cancelled:
            return 503;
        case Errc::timeout:
            return 504;
        case Errc::internal:
        case Errc::corrupt:
            return 500;
    }
    return 500;
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 100:
            return "Continue";
        case 200:
            return "OK";
        case 201:
            return "Created";
        case 202:
            return "Accepted";
        case 204:
            return "No Content";
        case 206:
            return "Partial Content";
        case 300:
            return "Multiple Choices";
        case 301:
            return "Moved Permanently";
        case 302:
            return "Found";
        case 303:
            return "See Other";
        case 304:
            return "Not Modified";
        case 307:
            return "Temporary Redirect";
        case 308:
            return "Permanent Redirect";
        case 400:
            return "Bad Request";
        case 401:
            return "Unauthorized";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 406:
            return "Not Acceptable";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 410:
            return "Gone";
        case 411:
            return "Length Required";
        case 412:
            return "Precondition Failed";
        case 413:
            return "Request Entity Too Large";
        case 415:
            return "Unsupported Media Type";
        case 416:
            return "Request Range Not Satisfiable";
        case 417:
            return "Expectation Failed";
        case 422:
            return "Unprocessable Entity";
        case 423:
            return "Locked";
        case 429:
            return "Too Many Requests";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 501:
            return "Not Implemented";
        case 502:
            return "Bad Gateway";
        case 503:
            return "Service Unavailable";
        case 504:
            return "Gateway Timeout";
        case 505:
            return "HTTP Version Not Supported";
        case 507:
            return "Insufficient Storage";
        default:
            return "Unknown";
    }
}

Response plain_problem(int status, std::string_view message) {
    Response response;
    response.status = status;
    response.text = status_line(status) + "\n\n" + std::string(message) + '\n';
    std::replace(
        response.text.begin() + static_cast<std::ptrdiff_t>(status_line(status).size()) + 2,
        response.text.end() - 1,
        '\n',
        ' '
    );
    response.with("Content-Type", "text/plain; charset=UTF-8");
    return response;
}

Response problem(const Request& request, int status, std::string_view message) {
    if (has_no_body(status)) {
        Response response;
        response.status = status;
        return response;
    }
    // A header that the message repeats may be in any encoding; answers are UTF-8.
    std::string readable;
    if (!is_valid_utf8(message)) {
        readable = message;
        const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
        std::ranges::replace_if(readable, std::not_fn(is_ascii), '?');
        message = readable;
    }
    switch (shape_for(request)) {
        case Shape::own_json:
            return own_json(status, message);
        case Shape::json:
            return glance_json(status, message);
        case Shape::html:
            return html(status, message);
        case Shape::plain:
            break;
    }
    return plain_problem(status, message);
}

Response problem(const Request& request, const Error& error) {
    const int status = status_of(error.code);
    auto response = problem(
        request,
        status,
        status == 500 ? "The server failed to handle the request; its log says why."
                      : std::string_view(error.message)
    );
    response.close = error.code == Errc::cancelled;
    return response;
}

}  // namespace slipway::http
