#pragma once

#include "http/request.h"
#include "http/response.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace slipway::http {

// What a download is to send.
struct RangeOutcome {
    int status = 200;  // 200 whole, 206 part, 416 unsatisfiable, 400 several ranges
    std::uint64_t first = 0;
    std::uint64_t length = 0;   // of what is sent, for 200 and 206
    std::string content_range;  // "bytes 0-4/10" for 206, "bytes */10" for 416
};

// Decides by the headers `Range` and, only without it, the legacy request header `Content-Range`
// (both empty when absent) what of `size` bytes is asked for. An unknown unit is ignored (RFC
// 9110, 14.2); a malformed or unsatisfiable range is 416; more than one is 400.
RangeOutcome decide_range(
    std::string_view range, std::string_view content_range, std::uint64_t size
);

// The same from a request's headers.
RangeOutcome decide_range(const Request& request, std::uint64_t size);

}  // namespace slipway::http
