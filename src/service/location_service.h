#pragma once

#include "base/async.h"
#include "format/inspector.h"
#include "model/caller.h"
#include "service/image_data_service.h"
#include "service/image_patch.h"
#include "service/image_service.h"
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
    format::FormatPolicy formats;
    int most_locations = 10;  // of an image; negative: no limit
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
        ImageService& images;
        ImageDataService& data;
        LocationRules rules;
        std::function<void()> on_garbage;
        std::vector<Site> sites = {};
    };

    explicit LocationService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Gives a queued image its data by naming them. A task looks at the bytes: before the image is
    // active where there is a digest to compare with, or where they lie on a datastore; afterwards
    // otherwise. A place that there is not, or that has no data, is told by a task that has failed.
    // Errors: not_found, forbidden (also a datastore's file, for all but services), conflict (not
    // queued, locked, no formats), invalid_argument (no digest), too_large.
    awaitable<Result<void>> add(const Caller& caller, const ImageId& id, LocationRequest request);

    // A PATCH that is also about locations: attributes first, then the locations in order; all of
    // it or nothing. Errors: as ImageService::update(); forbidden (locations are not shown; the
    // last one), conflict (status, validation data), invalid_argument, too_large.
    awaitable<Result<ImageRecord>> change(
        const Caller& caller, const ImageId& id, ImagePatch patch
    );

    // Runs a task of kind location_import.
    awaitable<Result<Account>> run(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    );

private:
    class Look;

    struct Plan;

    awaitable<Result<Location>> resolve(const Image& image, std::string url, const Call& call);
    // Adds to the plan what an operation comes to.
    awaitable<Result<void>> apply(
        const Caller& caller, const LocationOperation& operation, Plan& plan
    );
    // Before the location that is shown at `index`, or behind the last one. Among stores of one
    // weight, that is: the heavier ones are shown first.
    awaitable<Result<void>> insert(
        const Caller& caller,
        const LocationValue& value,
        std::optional<std::size_t> index,
        Plan& plan
    );
    awaitable<Result<void>> replace(
        const Caller& caller, const std::vector<LocationValue>& values, Plan& plan
    );
    Result<void> remove(const Caller& caller, std::optional<std::size_t> index, Plan& plan) const;
    [[nodiscard]] std::vector<Location> listed(const Caller& caller, const Plan& plan) const;
    Result<std::optional<store::ImageDigests>> believed(
        const Image& image, const LocationValue& value
    ) const;
    awaitable<Result<Account>> verify(Look& look, const LocationRequest& request);
    awaitable<Result<void>> settle(Look& look, const store::ForeignOutcome& outcome);
    awaitable<Result<Account>> hash(Look& look);

    Dependencies with_;
};

}  // namespace slipway::service
