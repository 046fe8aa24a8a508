#pragma once

#include "auth/service_session.h"
#include "model/project_limits.h"

#include <mutex>
#include <optional>
#include <string>

namespace slipway::auth {

// The limits that Keystone keeps for projects ("unified limits"): image_size_total and
// image_stage_total in MiB, image_count_total, image_count_uploading. A project's own limit goes
// before the registered one; what is not registered at all is 0, as oslo.limit has it; -1 is none.
class Limits {
public:
    // `endpoint` is the id of the image service's endpoint; limits belong to its service and
    // region. `session` outlives it; its account reads the limits of every project.
    Limits(ServiceSession& session, std::string endpoint)
        : session_(session), endpoint_(std::move(endpoint)) {}

    // Errors: unavailable.
    awaitable<Result<ProjectLimits>> of(const std::string& project, const Call& call);

private:
    struct Place {
        std::string service;
        std::string region;  // empty: none
    };
    awaitable<Result<Place>> place(const Call& call);
    awaitable<Result<std::string>> get(std::string path, const Call& call);

    ServiceSession& session_;
    const std::string endpoint_;
    std::mutex mutex_;
    std::optional<Place> place_;  // guarded by mutex_
};

// From the answers to GET /v3/limits and GET /v3/registered_limits. Errors: corrupt.
Result<ProjectLimits> parse_limits(
    std::string_view limits, std::string_view registered, std::string_view region
);

}  // namespace slipway::auth
