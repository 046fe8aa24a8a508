#include "service/usage_service.h"

namespace slipway::service {

awaitable<Result<std::optional<UsageReport>>> UsageService::report(const Caller& caller) {
    if (!limits_of_ || !caller.identity.project) co_return std::nullopt;
    const std::string& project = *caller.identity.project;
    UsageReport report;
    SLIPWAY_CO_TRY(report.limits, co_await limits_of_(project, caller.call));
    SLIPWAY_CO_TRY(report.usage, co_await catalog_.usage_of(project));
    co_return report;
}

}  // namespace slipway::service
