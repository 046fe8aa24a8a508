#include "store/trial_ground.h"

#include "base/time.h"

#include <algorithm>

namespace slipway::store {

namespace {

constexpr std::size_t kDigits = 8;

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::ok:
            return "ok";
        case Verdict::differs:
            return "differs";
        case Verdict::untried:
            return "untried";
    }
    return "untried";
}

std::string new_trial_name() {
    std::string when = to_iso8601(SystemClock().now());
    std::erase_if(when, [](char c) { return c == '-' || c == ':'; });
    return "store-test." + when + "." + random_hex(kDigits);
}

}  // namespace slipway::store
