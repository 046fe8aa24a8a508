#pragma once

#include "tests/unit/service/services.h"

// What the tests of staging and of imports share.
namespace slipway::test {

inline constexpr std::size_t kBytes = 100'000;

// A store whose locations hosts can reach.
inline ServicesOptions reachable() {
    ServicesOptions options;
    options.store.publishes_locations = true;
    return options;
}

inline service::ImportRequest from(service::ImportMethod method) {
    service::ImportRequest request;
    request.method = method;
    request.uri = "https://example.org/disk";
    return request;
}
inline service::ImportRequest direct() {
    return from(service::ImportMethod::glance_direct);
}

inline std::optional<store::StagedData> staged(Services& services, const ImageId& id) {
    return services.await(services.catalog->find_staged(id)).value();
}

inline TaskRecord last_task(Services& services) {
    return services.tasks().at(0);
}

}  // namespace slipway::test
