#pragma once

#include "base/stream.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace slipway::http {

// An answer: either a text, or a stream of known length.
struct Response {
    int status = 200;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string text;
    std::unique_ptr<ByteSource> stream;  // when set, `stream_bytes` bytes of it are the body
    std::uint64_t stream_bytes = 0;
    bool close = false;  // the connection is closed after this answer
    // Length to announce when there is no body to send (answers to HEAD).
    std::optional<std::uint64_t> head_bytes;

    Response& with(std::string name, std::string value) {
        headers.emplace_back(std::move(name), std::move(value));
        return *this;
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
