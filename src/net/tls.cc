#include "net/tls.h"

#include <algorithm>

namespace slipway::net {

Result<std::string> parse_thumbprint(std::string_view text, std::size_t bytes) {
    std::string hex;
    for (const char c : text) {
        if (c == ':') continue;
        hex += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    const bool is_hex = std::ranges::all_of(hex, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    if (!is_hex || hex.size() != 2 * bytes)
        return Error(
            Errc::invalid_argument,
            "a thumbprint must be " + std::to_string(bytes) + " bytes in hexadecimal digits"
        );
    return hex;
}

}  // namespace slipway::net
