#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace slipway::format {

// The header of a VDI file. Source: Oracle VM VirtualBox, VDI image header 1.1.
struct VdiHeader {
    static constexpr std::size_t kBytes = 512;

    std::uint32_t version = 0;
    std::uint32_t type = 0;
    std::uint32_t map_at = 0;
    std::uint32_t data_at = 0;
    std::uint64_t size_bytes = 0;
    std::uint32_t block_bytes = 0;
    std::uint32_t block_extra_bytes = 0;  // before the data of each block
    std::uint32_t blocks = 0;
    bool has_parent = false;

    static bool has_magic(std::span<const std::byte> bytes);
    static VdiHeader parse(std::span<const std::byte> bytes);
    // Neither with a parent, nor of an unknown type. Errors: unsupported.
    [[nodiscard]] Result<void> check() const;
    // Whether its data can be read as well. Errors: unsupported.
    [[nodiscard]] Result<void> check_readable(std::uint64_t file_bytes) const;
};

}  // namespace slipway::format
