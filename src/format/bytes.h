#pragma once

#include <algorithm>
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

template <class Int>
void put_big(std::span<std::byte> bytes, std::size_t offset, Int value) {
    for (std::size_t i = 0; i < sizeof(Int); ++i)
        bytes[offset + sizeof(Int) - 1 - i] = static_cast<std::byte>((value >> (8U * i)) & 0xFFU);
}

inline bool all_zero(std::span<const std::byte> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

}  // namespace slipway::format
