#pragma once

#include "base/awaitable.h"
#include "base/call.h"
#include "model/caller.h"
#include "model/project_limits.h"
#include "store/catalog.h"

#include <functional>
#include <optional>
#include <string>

namespace slipway::service {

// Asks for a project's limits and has the catalogue keep to them from then on. Empty where nobody
// keeps such limits: then the catalogue has its own.
using LimitsOf =
    std::function<awaitable<Result<ProjectLimits>>(const std::string& project, const Call& call)>;

struct UsageReport {
    ProjectLimits limits;
    ProjectUsage usage;
};

// What a project has of what it may have.
class UsageService {
public:
    UsageService(store::Catalog& catalog, LimitsOf limits_of)
        : catalog_(catalog), limits_of_(std::move(limits_of)) {}

    // Of the caller's project; absent where nobody keeps limits, or there is no project.
    awaitable<Result<std::optional<UsageReport>>> report(const Caller& caller);

private:
    store::Catalog& catalog_;
    LimitsOf limits_of_;
};

}  // namespace slipway::service
