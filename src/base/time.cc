#include "base/time.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <ctime>

namespace slipway {

Time SystemClock::now() const {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string to_iso8601(Time time) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    const auto day = std::chrono::floor<std::chrono::days>(seconds);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(seconds - day);
    std::array<char, 40> text{};
    std::snprintf(
        text.data(),
        text.size(),
        "%04d-%02u-%02uT%02d:%02d:%02dZ",
        static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()),
        static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count())
    );
    return text.data();
}

namespace {

// Reads exactly `digits` decimal digits off the front of `text`.
bool take_number(std::string_view& text, std::size_t digits, int& value) {
    if (text.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (std::isdigit(static_cast<unsigned char>(text[i])) == 0) return false;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return true;
}

bool take(std::string_view& text, char expected) {
    if (text.empty() || text.front() != expected) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

Result<Time> parse_iso8601(std::string_view text) {
    using namespace std::chrono;
    const Error bad(
        Errc::invalid_argument, "not an ISO 8601 time: " + std::string(text.substr(0, 64))
    );
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
    if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) ||
        !take(text, '-') || !take_number(text, 2, day))
        return bad;
    const year_month_day date{
        std::chrono::year(year),
        std::chrono::month(static_cast<unsigned>(month)),
        std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) return bad;
    Time time = sys_days(date);
    if (text.empty()) return time;

    if (!take(text, 'T') && !take(text, ' ')) return bad;
    if (!take_number(text, 2, hour) || !take(text, ':') || !take_number(text, 2, minute))
        return bad;
    if (take(text, ':') && !take_number(text, 2, second)) return bad;
    if (hour > 23 || minute > 59 || second > 60) return bad;
    time += hours(hour) + minutes(minute) + seconds(second);

    if (take(text, '.')) {
        std::int64_t unit = 100'000;
        if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())) == 0) return bad;
        while (!text.empty() && std::isdigit(static_cast<unsigned char>(text.front())) != 0) {
            time += microseconds((text.front() - '0') * unit);
            unit /= 10;
            text.remove_prefix(1);
        }
    }
    if (text.empty() || text == "Z" || text == "z") return time;

    const bool east = text.front() == '+';
    if (!take(text, '+') && !take(text, '-')) return bad;
    int zone_hours = 0, zone_minutes = 0;
    if (!take_number(text, 2, zone_hours)) return bad;
    take(text, ':');
    if (!text.empty() && !take_number(text, 2, zone_minutes)) return bad;
    if (!text.empty()) return bad;
    const auto offset = hours(zone_hours) + minutes(zone_minutes);
    return east ? time - offset : time + offset;
}

}  // namespace slipway
