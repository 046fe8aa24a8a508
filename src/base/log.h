#pragma once

#include "base/call.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

// Events: log::info(call, "image.upload.done", {{"image", id}, {"bytes", n}});
// One event name (noun.verb.outcome), then facts. Strings are escaped, so that one event is one
// line. Never hand over tokens, passwords, cookies, tickets or whole envelopes.
namespace slipway::log {

enum class Level { debug, info, warning, error };

class Field {
public:
    Field(std::string_view name, std::string_view value) : name_(name), value_(value) {}
    Field(std::string_view name, const char* value)
        : name_(name), value_(std::string_view(value)) {}
    Field(std::string_view name, const std::string& value)
        : name_(name), value_(std::string_view(value)) {}
    Field(std::string_view name, bool value) : name_(name), value_(value) {}
    Field(std::string_view name, double value) : name_(name), value_(value) {}
    template <class Int>
        requires std::is_integral_v<Int>
    Field(std::string_view name, Int value)
        : name_(name), value_(static_cast<std::int64_t>(value)) {}

    void append_to(std::string& line) const;

private:
    std::string_view name_;
    std::variant<std::string_view, bool, double, std::int64_t> value_;
};

using Fields = std::initializer_list<Field>;

struct Options {
    Level level = Level::info;
    std::string file;  // empty: standard error
};

// Called once, before anything is logged; without it, events go to standard error.
void configure(const Options& options);
bool enabled(Level level);
void write(Level level, const Call& call, std::string_view event, Fields fields);

inline void debug(const Call& call, std::string_view event, Fields fields = {}) {
    if (enabled(Level::debug)) write(Level::debug, call, event, fields);
}
inline void info(const Call& call, std::string_view event, Fields fields = {}) {
    write(Level::info, call, event, fields);
}
inline void warning(const Call& call, std::string_view event, Fields fields = {}) {
    write(Level::warning, call, event, fields);
}
inline void error(const Call& call, std::string_view event, Fields fields = {}) {
    write(Level::error, call, event, fields);
}

// `text` with control characters, quotes and backslashes escaped, cut at 2,000 bytes.
std::string escaped(std::string_view text);

}  // namespace slipway::log
