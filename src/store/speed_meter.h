#pragma once

#include "model/store_info.h"
#include "store/backend.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace slipway::store {

enum class Movement { write, read, copy };

// How fast bytes move to and from each datastore. An old transfer counts for less with every new
// one. Safe across threads.
class SpeedMeter {
public:
    // Smaller transfers are left out: they say more about latency.
    static constexpr std::uint64_t kLeastBytes = 1U << 20U;

    void note(const std::string& datastore, Movement movement, std::uint64_t bytes, double seconds);
    // The same for a copy that the storage made, if it was made.
    void note_copy(const std::string& datastore, const Result<Account>& copy);
    [[nodiscard]] DatastoreSpeeds of(const std::string& datastore) const;

private:
    struct Sum {
        double bytes = 0;
        double seconds = 0;
    };

    mutable std::mutex mutex_;
    std::map<std::string, std::map<Movement, Sum>> sums_;
};

// `inner`, measured. The meter is shared by a backend and what it opened, which may outlive it.
std::unique_ptr<ByteSource> measured(
    std::shared_ptr<SpeedMeter> meter, std::string datastore, std::unique_ptr<ByteSource> inner
);
std::unique_ptr<ObjectWriter> measured(
    std::shared_ptr<SpeedMeter> meter, std::string datastore, std::unique_ptr<ObjectWriter> inner
);

}  // namespace slipway::store
