#include "service/transfers.h"

namespace slipway::service {

Transfers::Pin::Pin(Transfers& transfers, LocationId location)
    : transfers_(transfers), location_(std::move(location)) {
    const std::lock_guard lock(transfers_.mutex_);
    ++transfers_.pins_[location_];
}

Transfers::Pin::~Pin() {
    const std::lock_guard lock(transfers_.mutex_);
    const auto found = transfers_.pins_.find(location_);
    if (--found->second == 0) transfers_.pins_.erase(found);
}

Transfers::StopFlag Transfers::begin_upload(const ImageId& image) {
    auto flag = std::make_shared<std::atomic<bool>>(false);
    const std::lock_guard lock(mutex_);
    std::erase_if(uploads_, [](const auto& entry) { return entry.second.expired(); });
    uploads_.emplace(image, flag);
    return flag;
}

void Transfers::stop_uploads(const ImageId& image) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = uploads_.equal_range(image);
    for (auto it = first; it != last; ++it)
        if (const auto flag = it->second.lock()) flag->store(true, std::memory_order_relaxed);
}

bool Transfers::is_pinned(const LocationId& location) const {
    const std::lock_guard lock(mutex_);
    return pins_.contains(location);
}

}  // namespace slipway::service
