#pragma once

#include "base/stream.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::http {

// What became of an answer.
struct Transfer {
    int status = 0;  // as sent: a stream that fails before its first byte becomes a problem
    std::uint64_t bytes_in = 0;   // of the request's body, as read
    std::uint64_t bytes_out = 0;  // of the answer's body, as written
    bool complete = false;        // false: the connection broke, or the stream failed
};

// An answer: either a text, or a stream of known length. A stream that ends earlier or later than
// announced aborts the connection, so that no client takes it for whole. Content-Length, Connection
// and Date are added when it is sent.
struct Response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string text;
    std::unique_ptr<ByteSource> stream;  // when set, its `stream_bytes` bytes are the body
    std::uint64_t stream_bytes = 0;
    bool close = false;  // the connection is closed after this answer
    // Length to announce when there is no body to send (answers to HEAD).
    std::optional<std::uint64_t> head_bytes;
    // No x-openstack-request-id: version documents, health.
    bool without_request_id = false;
    // Called once, when the answer has been sent or could not be. Must not throw.
    std::function<void(const Transfer&)> on_sent;

    Response& with(std::string name, std::string value) & {
        headers.emplace_back(std::move(name), std::move(value));
        return *this;
    }
    Response&& with(std::string name, std::string value) && {
        headers.emplace_back(std::move(name), std::move(value));
        return std::move(*this);
    }
};

inline Response json_response(int status, std::string body) {
    Response response;
    response.status = status;
    response.text = std::move(body);
    response.with("Content-Type", "application/json");
    return response;
}

inline Response no_content() {
    Response response;
    response.status = 204;
    return response;
}

}  // namespace slipway::http
