#pragma once

#include "base/result.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace slipway {

// Wall-clock time, for display and for the catalogue: microseconds since 1970, UTC.
using Time = std::chrono::sys_time<std::chrono::microseconds>;

// Where wall-clock time comes from, as a parameter. Deadlines use the monotonic clock instead.
class Clock {
public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual Time now() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Time now() const override;
};

// 2026-08-01T12:00:00Z; whole seconds.
std::string to_iso8601(Time time);
// A date, or a date and time with an optional fraction and zone (Z or an offset; UTC without one).
// Errors: invalid_argument.
Result<Time> parse_iso8601(std::string_view text);

}  // namespace slipway
