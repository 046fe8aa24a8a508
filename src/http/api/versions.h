#pragma once

#include "http/api/public_url.h"
#include "http/request.h"
#include "http/response.h"

#include <optional>
#include <string>
#include <string_view>

namespace slipway::http::api {

// The layer in front of everything else: which API version a path or media type names.
class Versions {
public:
    Versions(bool multi_store, bool cache, PublicUrl public_url)
        : multi_store_(multi_store), cache_(cache), public_url_(std::move(public_url)) {}

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
    bool cache_;
    PublicUrl public_url_;
};

}  // namespace slipway::http::api
