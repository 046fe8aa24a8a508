#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

// The 512 bytes before each file of a tar archive. Source: POSIX, pax, "ustar Interchange Format".
namespace slipway::format {

inline constexpr std::uint64_t kTarBlock = 512;

struct TarHeader {
    std::optional<std::string> name;    // absent when bytes hide behind its end
    std::optional<std::uint64_t> size;  // absent when it is no proper number
    char type = '0';
    bool is_ustar = false;
    bool has_right_checksum = false;
    // A second part of the name, or the target of a link.
    bool has_prefix = false;
    bool has_link = false;
    std::string prefix;

    static TarHeader parse(std::span<const std::byte> block);

    [[nodiscard]] bool is_whole() const { return is_ustar && has_right_checksum; }
    [[nodiscard]] bool is_file() const { return type == '0' || type == '\0'; }
};

constexpr std::uint64_t tar_padded(std::uint64_t bytes) {
    return (bytes + kTarBlock - 1) / kTarBlock * kTarBlock;
}

}  // namespace slipway::format
