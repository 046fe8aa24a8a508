#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

// Source: Microsoft, Virtual Hard Disk Image Format Specification 1.0.
namespace slipway::format {

// The last 512 bytes of a VHD. A dynamic disk begins with a copy.
struct VhdFooter {
    static constexpr std::size_t kBytes = 512;
    static constexpr std::uint32_t kFixed = 2;
    static constexpr std::uint32_t kDynamic = 3;

    bool has_magic = false;
    bool has_right_checksum = false;
    std::uint64_t dynamic_header_at = 0;
    std::uint64_t original_bytes = 0;
    std::uint64_t current_bytes = 0;
    std::uint32_t type = 0;

    // Of what is there; the rest stays 0.
    static VhdFooter parse(std::span<const std::byte> bytes);
    // Neither with a parent, nor of an unknown type. Errors: unsupported.
    [[nodiscard]] Result<void> check() const;
};

// Of a dynamic disk.
struct VhdDynamicHeader {
    static constexpr std::size_t kBytes = 1024;

    bool has_magic = false;
    bool has_right_checksum = false;
    std::uint64_t table_at = 0;
    std::uint64_t blocks = 0;
    std::uint64_t block_bytes = 0;

    static VhdDynamicHeader parse(std::span<const std::byte> bytes);
    // The file's length is absent while it is not known. Errors: unsupported.
    [[nodiscard]] Result<void> check(
        std::uint64_t virtual_bytes, std::optional<std::uint64_t> file_bytes
    ) const;
};

}  // namespace slipway::format
