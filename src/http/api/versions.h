#pragma once

#include "http/request.h"
#include "http/response.h"

#include <optional>
#include <string>
#include <string_view>

namespace slipway::http::api {

// The layer in front of everything else: which API version a path or media type names.
class Versions {
public:
    Versions(bool multi_store, std::string public_endpoint)
        : multi_store_(multi_store), public_endpoint_(std::move(public_endpoint)) {}

    // Where a request goes, before authentication.
    struct Outcome {
        std::optional<Response> answer;  // version document or redirect; the request is done
        std::string path;                // otherwise: the path with its version written as /v2
    };
    [[nodiscard]] Outcome resolve(const Request& request) const;

private:
    [[nodiscard]] bool accepts(std::string_view token) const;
    [[nodiscard]] Response document(const Request& request, int status) const;

    bool multi_store_;
    std::string public_endpoint_;
};

}  // namespace slipway::http::api
