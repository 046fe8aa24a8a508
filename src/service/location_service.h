#pragma once

#include "base/async.h"
#include "model/caller.h"
#include "service/image_patch.h"
#include "service/policy.h"
#include "service/sites.h"
#include "service/task_runner.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace slipway::service {

struct LocationRules {
    bool show_multiple_locations = false;  // and so: clients may change them by PATCH
    bool do_secure_hash = true;            // look at the bytes, rather than believe
    int http_retries = 3;                  // after a failure to read them
    std::string hashing_algorithm = "sha512";
    bool require_image_format_match = true;
    int most_locations = 10;  // of an image; negative: no limit
    std::uint64_t image_size_cap = std::uint64_t{1} << 40U;
    std::int64_t user_storage_quota = -1;  // bytes per project; negative: no limit
};

// The body of POST …/locations.
struct LocationRequest {
    std::string url;
    std::optional<std::string> os_hash_algo;  // both, or neither
    std::optional<std::string> os_hash_value;
};

// Locations that clients name: bytes that slipway did not write, does not change and never removes.
class LocationService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        const Policy& policy;
        TaskRunner& runner;
        BlockingPool& pool;
        LocationRules rules;
        std::function<void()> on_garbage;
        std::vector<Site> sites = {};
    };

    explicit LocationService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Gives a queued image its data by naming them. A task looks at the bytes: before the image is
    // active where there is a digest to compare with, or where they lie on a datastore; afterwards
    // otherwise. Errors: not_found, forbidden (also a datastore's file, for all but services),
    // conflict (not queued, locked, no formats), invalid_argument (no such place, no data there),
    // too_large.
    awaitable<Result<void>> add(const Caller& caller, const ImageId& id, LocationRequest request);

    // The operations of a PATCH on locations, in order, each by itself. Errors: forbidden
    // (locations are not shown; the last one), conflict (status, validation data),
    // invalid_argument, too_large.
    awaitable<Result<void>> change(
        const Caller& caller, const ImageId& id, std::vector<LocationOperation> operations
    );

    // Runs a task of kind location_import.
    awaitable<Result<Account>> run(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    );

private:
    class Look;

    awaitable<Result<Location>> resolve(const Image& image, std::string url, const Call& call);
    awaitable<Result<void>> check_quota(const Image& image, std::uint64_t bytes);
    awaitable<Result<void>> append(
        const Caller& caller, const Image& image, const LocationValue& value
    );
    awaitable<Result<void>> replace(
        const Caller& caller, const ImageId& id, std::vector<LocationValue> values
    );
    awaitable<Result<void>> remove(
        const Caller& caller, const ImageId& id, std::optional<std::size_t> index
    );
    awaitable<Result<std::vector<Location>>> listed(const Caller& caller, const Image& image);
    Result<std::optional<store::ImageDigests>> believed(
        const Image& image, const LocationValue& value
    ) const;
    awaitable<Result<Account>> verify(Look& look, const LocationRequest& request);
    awaitable<Result<Account>> hash(Look& look);

    Dependencies with_;
};

}  // namespace slipway::service
