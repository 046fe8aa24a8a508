#include "store/backend_set.h"

#include <algorithm>
#include <stdexcept>

namespace slipway::store {

BackendSet::BackendSet(std::vector<std::unique_ptr<Backend>> backends, bool multi_store)
    : backends_(std::move(backends)), multi_store_(multi_store) {
    if (backends_.empty()) throw std::logic_error("a set of no backends");
    const auto found = std::find_if(backends_.begin(), backends_.end(), [](const auto& backend) {
        return backend->info().is_default;
    });
    default_ = found == backends_.end() ? backends_.front().get() : found->get();
}

Result<Backend*> BackendSet::find(const BackendId& id) const {
    for (const auto& backend : backends_)
        if (backend->info().id == id) return backend.get();
    return Error(Errc::invalid_argument, "Store for identifier " + id.str() + " not found.");
}

void BackendSet::sort_by_weight(std::vector<Location>& locations) const {
    auto weight = [this](const Location& location) {
        const auto backend = find(location.backend);
        return backend ? (*backend)->info().weight : 0;
    };
    std::stable_sort(locations.begin(), locations.end(), [&](const Location& a, const Location& b) {
        return weight(a) > weight(b);
    });
}

}  // namespace slipway::store
