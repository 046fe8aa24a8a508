#pragma once

#include "base/time.h"

#include <chrono>

namespace slipway::test {

// A clock that stands until it is moved.
class ManualClock final : public Clock {
public:
    [[nodiscard]] Time now() const override { return now_; }
    void advance(std::chrono::microseconds by) { now_ += by; }

private:
    Time now_ = parse_iso8601("2026-08-01T12:00:00Z").value();
};

}  // namespace slipway::test
