#pragma once

#include "base/async.h"
#include "base/stream.h"
#include "model/caller.h"
#include "model/image.h"
#include "service/image_record.h"
#include "service/stored_layout.h"
#include "service/transfers.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace slipway::service {

// What may be uploaded, and how it is kept. Sizes are bytes; a negative limit is none.
struct DataRules {
    std::int64_t image_size_cap = std::int64_t{1} << 40U;
    std::int64_t user_storage_quota = -1;  // per project
    std::string hashing_algorithm = "sha512";
    bool require_image_format_match = true;
};

struct UploadRequest {
    ImageId image;
    // Length of the body as announced, when it was.
    std::optional<std::uint64_t> expected_bytes;
    std::optional<std::string> store;
};

// What a download could give: length and digest of the caller's face of the image.
struct DownloadOffer {
    Image face;
    std::vector<Location> locations;  // best first; empty: the image has no data
    std::uint64_t size_bytes = 0;
};

// The data of images: upload and download.
class ImageDataService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        Transfers& transfers;
        BlockingPool& pool;
        TaskGroup& group;  // for records that are written when a download is over
        std::string server;
        DataRules rules;
        std::function<void()> on_garbage;
    };

    explicit ImageDataService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Stores `body` as the data of a queued image, which is active afterwards. No byte of the body
    // is read before the request is known to be allowed. After any failure the image is queued
    // again and nothing of the attempt can be read. Errors: not_found, forbidden, conflict (not
    // queued), invalid_argument (no formats; a length that is not as announced), too_large,
    // no_space, unsupported (the content is not what it is said to be), gone (deleted meanwhile).
    awaitable<Result<void>> upload(const Caller& caller, UploadRequest request, ByteSource& body);

    // Errors: not_found, forbidden (also while deactivated).
    awaitable<Result<DownloadOffer>> offer(const Caller& caller, const ImageId& id);
    // Opens `range` of the face that was offered, from the first location that answers.
    awaitable<Result<std::unique_ptr<ByteSource>>> open(
        const Caller& caller, const DownloadOffer& offer, ByteRange range
    );

private:
    class Attempt;

    awaitable<Result<std::uint64_t>> allowance(
        const Image& image, std::optional<std::uint64_t> expected
    );

    Dependencies with_;
};

}  // namespace slipway::service
