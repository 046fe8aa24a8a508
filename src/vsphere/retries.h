#pragma once

#include "base/call.h"
#include "base/error.h"

#include <chrono>
#include <map>
#include <optional>

namespace slipway::vsphere {

// Decides how long one step is tried again, by what goes wrong. Pure: told the time, waits for
// nothing.
//
//   FileLocked                            up to two minutes
//   TooManyConcurrentNativeClones         up to half an hour, ten seconds and more between the
//   tries CannotAccessFile and its like         once more anything else worth another try four
//   times in all
//
// A lost answer and a vanished task are worth another try too: the step must be one that looks at
// the datastore first, or works under another name. Each row counts for itself.
class Retries {
public:
    // How long to wait before the next try; nothing when it is time to give up: `error` is not
    // worth it, its row is spent, or the wait would end after `deadline`. `jitter` is from 0 to 1.
    std::optional<std::chrono::milliseconds> next(
        const Error& error,
        double jitter,
        Deadline deadline,
        std::chrono::steady_clock::time_point now
    );
    // The same now, with a jitter by chance.
    std::optional<std::chrono::milliseconds> next(const Error& error, Deadline deadline);

private:
    struct Spent {
        int failures = 0;
        std::chrono::steady_clock::time_point since;
    };

    std::map<const void*, Spent> spent_;  // by row
};

}  // namespace slipway::vsphere
