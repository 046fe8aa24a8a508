#include "format/tar_header.h"

#include "format/bytes.h"
#include "format/detector.h"

namespace slipway::format {

namespace {

// A field that ends at its first NUL; nothing may hide behind it.
std::optional<std::string> text_field(std::span<const std::byte> field) {
    std::string text;
    for (std::size_t i = 0; i < field.size(); ++i) {
        if (field[i] == std::byte{0}) {
            if (!all_zero(field.subspan(i))) return std::nullopt;
            break;
        }
        text += std::to_integer<char>(field[i]);
    }
    return text;
}

// Octal digits, or a big-endian number with the top bit set.
std::optional<std::uint64_t> number_field(std::span<const std::byte> field) {
    constexpr std::uint64_t kMost = 1ULL << 53U;
    std::uint64_t value = 0;
    if (std::to_integer<unsigned>(field[0]) == 0x80U) {
        for (const std::byte b : field.subspan(1)) {
            if (value > kMost) return std::nullopt;
            value = value << 8U | std::to_integer<std::uint64_t>(b);
        }
        if (value > kMost) return std::nullopt;
        return value;
    }
    bool has_digits = false;
    bool is_over = false;
    for (const std::byte b : field) {
        const char c = std::to_integer<char>(b);
        if (c == ' ' || c == '\0') {
            is_over = has_digits;
            continue;
        }
        if (is_over || c < '0' || c > '7' || value > kMost) return std::nullopt;
        has_digits = true;
        value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    if (!has_digits) return std::nullopt;
    return value;
}

std::uint64_t checksum_of(std::span<const std::byte> block) {
    constexpr std::size_t kFirst = 148;
    constexpr std::size_t kLast = 155;
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i)
        sum += i >= kFirst && i <= kLast ? ' ' : std::to_integer<std::uint64_t>(block[i]);
    return sum;
}

}  // namespace

TarHeader TarHeader::parse(std::span<const std::byte> block) {
    TarHeader header;
    header.name = text_field(block.first(100));
    header.size = number_field(block.subspan(124, 12));
    header.type = std::to_integer<char>(block[156]);
    header.is_ustar = starts_with(block.subspan(257), "ustar");
    header.has_right_checksum = number_field(block.subspan(148, 8)) == checksum_of(block);
    header.has_link = !all_zero(block.subspan(157, 100));
    header.has_prefix = !all_zero(block.subspan(345, 155));
    header.prefix = text_field(block.subspan(345, 155)).value_or("");
    return header;
}

}  // namespace slipway::format
