#include "http/query.h"

#include "base/text.h"

#include <algorithm>
#include <array>

namespace slipway::http {

namespace {

Result<std::string> decode_form(std::string_view raw) {
    std::string blanks(raw);
    std::replace(blanks.begin(), blanks.end(), '+', ' ');
    auto text = percent_decoded(blanks);
    if (!text || !is_valid_utf8(*text) || text->find('\0') != std::string::npos)
        return Error(Errc::invalid_argument, "The query string must be percent-encoded UTF-8.");
    return std::move(*text);
}

// Bytes of the character that starts with `lead`, and the range its second byte must lie in.
struct Utf8Lead {
    std::size_t bytes = 0;  // 0: no character starts so
    unsigned char second_from = 0x80;
    unsigned char second_to = 0xBF;
};

Utf8Lead utf8_lead(unsigned char lead) {
    if (lead < 0x80) return {1};
    if (lead >= 0xC2 && lead <= 0xDF) return {2};
    if (lead == 0xE0) return {3, 0xA0, 0xBF};
    if (lead == 0xED) return {3, 0x80, 0x9F};
    if (lead >= 0xE1 && lead <= 0xEF) return {3};
    if (lead == 0xF0) return {4, 0x90, 0xBF};
    if (lead >= 0xF1 && lead <= 0xF3) return {4};
    if (lead == 0xF4) return {4, 0x80, 0x8F};
    return {};
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto lead = utf8_lead(static_cast<unsigned char>(text.front()));
        if (lead.bytes == 0 || text.size() < lead.bytes) return false;
        for (std::size_t i = 1; i < lead.bytes; ++i) {
            const auto byte = static_cast<unsigned char>(text[i]);
            const unsigned char from = i == 1 ? lead.second_from : 0x80;
            const unsigned char to = i == 1 ? lead.second_to : 0xBF;
            if (byte < from || byte > to) return false;
        }
        text.remove_prefix(lead.bytes);
    }
    return true;
}

Result<QueryParameters> parse_query(std::string_view raw) {
    QueryParameters parameters;
    while (!raw.empty()) {
        const auto end = std::min(raw.find('&'), raw.size());
        const auto item = raw.substr(0, end);
        raw.remove_prefix(std::min(end + 1, raw.size()));
        if (item.empty()) continue;
        const auto equals = std::min(item.find('='), item.size());
        SLIPWAY_TRY(auto name, decode_form(item.substr(0, equals)));
        SLIPWAY_TRY(auto value, decode_form(item.substr(std::min(equals + 1, item.size()))));
        parameters.emplace_back(std::move(name), std::move(value));
    }
    return parameters;
}

}  // namespace slipway::http
