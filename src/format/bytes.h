#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

// Numbers in disk headers. The caller has checked that the bytes are there.
namespace slipway::format {

template <class Int>
Int little(std::span<const std::byte> bytes, std::size_t offset) {
    Int value = 0;
    for (std::size_t i = sizeof(Int); i-- > 0;)
        value = static_cast<Int>(value << 8U) | std::to_integer<Int>(bytes[offset + i]);
    return value;
}

template <class Int>
Int big(std::span<const std::byte> bytes, std::size_t offset) {
    Int value = 0;
    for (std::size_t i = 0; i < sizeof(Int); ++i)
        value = static_cast<Int>(value << 8U) | std::to_integer<Int>(bytes[offset + i]);
    return value;
}

template <class Int>
void put_little(std::span<std::byte> bytes, std::size_t offset, Int value) {
    for (std::size_t i = 0; i < sizeof(Int); ++i)
        bytes[offset + i] = static_cast<std::byte>((value >> (8U * i)) & 0xFFU);
}

}  // namespace slipway::format
