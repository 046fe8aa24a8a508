#include "base/ids.h"

#include "base/digest.h"
#include "base/text.h"

#include <openssl/rand.h>

#include <array>
#include <cctype>
#include <stdexcept>

namespace slipway {

namespace {

template <std::size_t N>
std::array<std::byte, N> random_bytes() {
    std::array<std::byte, N> bytes{};
    if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), static_cast<int>(N)) != 1)
        throw std::runtime_error("the system's random generator failed");
    return bytes;
}

}  // namespace

std::string new_uuid() {
    auto bytes = random_bytes<16>();
    bytes[6] = (bytes[6] & std::byte{0x0F}) | std::byte{0x40};
    bytes[8] = (bytes[8] & std::byte{0x3F}) | std::byte{0x80};
    std::string text = to_hex(bytes);
    for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
    return text;
}

std::string random_hex(std::size_t digits) {
    std::string text;
    while (text.size() < digits) text += to_hex(random_bytes<8>());
    text.resize(digits);
    return text;
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : std::isxdigit(static_cast<unsigned char>(text[i])) == 0)
            return false;
    }
    return true;
}

Result<ImageId> parse_image_id(std::string_view text) {
    if (!is_uuid(text))
        return Error(Errc::not_found, "No image found with ID " + std::string(text.substr(0, 64)));
    return ImageId(lower_case(text));
}

}  // namespace slipway
