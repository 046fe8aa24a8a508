#pragma once

#include "store/backend.h"

#include <memory>
#include <string>
#include <vector>

namespace slipway::store {

// The configured backends, in configured order.
class BackendSet {
public:
    // `multi_store`: the operator named them (enabled_backends), so clients see their names.
    BackendSet(std::vector<std::unique_ptr<Backend>> backends, bool multi_store);

    // Errors: invalid_argument for a name that is not configured.
    [[nodiscard]] Result<Backend*> find(const BackendId& id) const;
    [[nodiscard]] Backend& default_backend() const { return *default_; }
    [[nodiscard]] const std::vector<std::unique_ptr<Backend>>& all() const { return backends_; }
    [[nodiscard]] bool multi_store() const { return multi_store_; }

    // Heaviest store first; within a store, the order given.
    void sort_by_weight(std::vector<Location>& locations) const;

private:
    std::vector<std::unique_ptr<Backend>> backends_;
    Backend* default_ = nullptr;
    bool multi_store_ = false;
};

}  // namespace slipway::store
