#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdio>
#include <memory>

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
    for (const char c : text.substr(0, kLongestValue)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7F) {
            std::array<char, 8> code{};
            std::snprintf(code.data(), code.size(), "\\x%02x", byte);
            out += code.data();
        } else {
            out += c;
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
