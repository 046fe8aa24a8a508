#pragma once

#include "auth/service_session.h"

#include <cstdint>
#include <string>
#include <vector>

namespace slipway::auth {

// What Nova's flavors ask of disks.
class NovaFlavors {
public:
    // `endpoint` is the URL of the Compute API v2.1; empty: as Keystone's catalogue says. `session`
    // outlives it; its account sees private flavors as well when it is an administrator.
    NovaFlavors(ServiceSession& session, std::string endpoint)
        : session_(session), endpoint_(std::move(endpoint)) {}

    // Sizes of root disks in GiB, ascending, each once; flavors without one are left out.
    // Errors: not_found (no Nova in the catalogue), unavailable, corrupt.
    awaitable<Result<std::vector<std::uint64_t>>> root_disks(const Call& call);

private:
    ServiceSession& session_;
    const std::string endpoint_;
};

}  // namespace slipway::auth
