#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

// What more than one folder asks of a text. Letters are those of ASCII, whatever the locale.
namespace slipway {

bool is_digit(char c);
bool is_alpha(char c);
// Of one hexadecimal digit; -1 for anything else.
int hex_value(char c);

std::string lower_case(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

// Blanks as headers know them, and as files do.
inline constexpr std::string_view kBlanks = " \t";
inline constexpr std::string_view kWhitespace = " \t\r\n\v\f";
// `text` without the `blanks` around it.
std::string_view trimmed(std::string_view text, std::string_view blanks = kBlanks);

// Characters of a text in UTF-8; bytes that begin none are not counted.
std::size_t characters(std::string_view text);
// C0 and DEL.
bool has_control_characters(std::string_view text);

// `text` with its percent codes decoded once; nothing when a code is broken.
std::optional<std::string> percent_decoded(std::string_view text);
// Everything encoded but the characters that RFC 3986 reserves for nothing.
std::string percent_encoded(std::string_view text);

// Whether `text` may be a header's name; whether it may be a value (no CR, LF, NUL or other
// controls). Source: RFC 9110, 5.
bool is_token(std::string_view text);
bool is_field_value(std::string_view text);
// Of a Content-Type: "text/plain; charset=utf-8" is text/plain.
std::string_view media_type(std::string_view content_type);

}  // namespace slipway
