#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>

namespace slipway::log {

namespace {

constexpr std::size_t kLongestValue = 2000;

std::shared_ptr<spdlog::logger> make_logger(const Options& options) {
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (options.file.empty())
        sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    else
        sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    auto logger = std::make_shared<spdlog::logger>("slipway", std::move(sink));
    // The line that OpenStack operators look for: time, pid, level, name, [ids], message.
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %P %l slipway %v");
    logger->flush_on(spdlog::level::info);
    return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
    static std::shared_ptr<spdlog::logger> instance = make_logger({});
    return instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
    switch (level) {
        case Level::debug:
            return spdlog::level::debug;
        case Level::info:
            return spdlog::level::info;
        case Level::warning:
            return spdlog::level::warn;
        case Level::error:
            return spdlog::level::err;
    }
    return spdlog::level::info;
}

// One character of UTF-8, or one byte that begins none.
struct Character {
    std::size_t bytes = 1;
    std::optional<char32_t> code;
};

Character first_character(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return {1, lead};
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
    char32_t code = lead & (0xFFU >> (length + 1));
    for (std::size_t at = 1; at < length; ++at) {
        if ((byte(at) & 0xC0U) != 0x80) return {};
        code = (code << 6U) | (byte(at) & 0x3FU);
    }
    const bool is_overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (is_overlong || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF) return {};
    return {length, code};
}

// What ends a line, moves the cursor, or lets a text read otherwise than it is written.
bool misleads(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
           (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2060 && code <= 0x2069) || code == 0xFEFF;
}

}  // namespace

void configure(const Options& options) {
    logger() = make_logger(options);
    logger()->set_level(to_spdlog(options.level));
}

bool enabled(Level level) {
    return logger()->should_log(to_spdlog(level));
}

std::string escaped(std::string_view text) {
    std::string out;
    std::string_view rest = text.substr(0, kLongestValue);
    while (!rest.empty()) {
        const Character next = first_character(rest);
        const std::string_view bytes = rest.substr(0, next.bytes);
        rest.remove_prefix(next.bytes);
        if (next.code && !misleads(*next.code)) {
            if (*next.code == '"' || *next.code == '\\') out += '\\';
            out += bytes;
            continue;
        }
        for (const char c : bytes) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\x%02x", static_cast<unsigned char>(c));
            out += code.data();
        }
    }
    if (text.size() > kLongestValue) out += "...";
    return out;
}

void Field::append_to(std::string& line) const {
    line += ' ';
    line += name_;
    line += '=';
    if (const auto* text = std::get_if<std::string_view>(&value_)) {
        const bool plain =
            !text->empty() && text->find_first_of(" \"\\=\n\r\t") == std::string_view::npos;
        if (plain)
            line += escaped(*text);
        else
            line += '"' + escaped(*text) + '"';
    } else if (const auto* flag = std::get_if<bool>(&value_)) {
        line += *flag ? "true" : "false";
    } else if (const auto* real = std::get_if<double>(&value_)) {
        std::array<char, 32> number{};
        std::snprintf(number.data(), number.size(), "%.3f", *real);
        line += number.data();
    } else {
        line += std::to_string(std::get<std::int64_t>(value_));
    }
}

void write(Level level, const Call& call, std::string_view event, Fields fields) {
    if (!enabled(level)) return;
    std::string line;
    line += '[';
    line += call.request_id.empty() ? "-" : escaped(call.request_id);
    line += "] ";
    line += event;
    for (const Field& field : fields) field.append_to(line);
    logger()->log(to_spdlog(level), "{}", line);
}

}  // namespace slipway::log
