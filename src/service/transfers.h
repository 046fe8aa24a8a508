#pragma once

#include "base/ids.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>

namespace slipway::service {

// The transfers that run in this process: uploads that a deletion must stop, and downloads whose
// bytes must stay until they are over. Safe across strands.
class Transfers {
public:
    // Keeps a location's bytes from the garbage collector while it exists.
    class Pin {
    public:
        Pin(Transfers& transfers, LocationId location);
        ~Pin();
        Pin(const Pin&) = delete;
        Pin& operator=(const Pin&) = delete;

    private:
        Transfers& transfers_;
        LocationId location_;
    };

    using StopFlag = std::shared_ptr<std::atomic<bool>>;

    // The flag that stop_uploads() of this image sets. The upload holds it while it runs.
    StopFlag begin_upload(const ImageId& image);
    void stop_uploads(const ImageId& image);

    [[nodiscard]] bool is_pinned(const LocationId& location) const;

private:
    mutable std::mutex mutex_;
    std::multimap<ImageId, std::weak_ptr<std::atomic<bool>>> uploads_;
    std::map<LocationId, int> pins_;
};

}  // namespace slipway::service
