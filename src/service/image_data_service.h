#pragma once

#include "base/async.h"
#include "base/stream.h"
#include "model/caller.h"
#include "model/image.h"
#include "service/activation.h"
#include "service/image_record.h"
#include "service/image_signature.h"
#include "service/intake.h"
#include "service/key_manager.h"
#include "service/policy.h"
#include "service/transfers.h"
#include "service/usage_service.h"
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
    format::FormatPolicy formats;
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
        const Policy& policy;
        Transfers& transfers;
        BlockingPool& pool;
        TaskGroup& group;  // for records that are written when a download is over
        std::string server;
        DataRules rules;
        std::function<void()> on_garbage;
        Activation& activation;
        KeyManager* keys = nullptr;  // null: no signed images
        LimitsOf limits_of = {};
    };

    explicit ImageDataService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Stores `body` as the data of a queued image, which is active afterwards. No byte of the body
    // is read before the request is known to be allowed. After any failure the image is queued
    // again and nothing of the attempt can be read. Errors: not_found, forbidden, conflict (not
    // queued), invalid_argument (no formats; a length that is not as announced), too_large,
    // no_space, unsupported (the content is not what it is said to be), gone (deleted meanwhile).
    awaitable<Result<void>> upload(const Caller& caller, UploadRequest request, ByteSource& body);
    // The same into one store, for an image that the caller is known to be allowed to fill.
    awaitable<Result<void>> store(
        const Caller& caller,
        Image image,
        store::Backend& backend,
        std::optional<std::uint64_t> expected_bytes,
        ByteSource& body
    );

    // Puts `body` by as the data of a queued image, in the default store, where an import finds it.
    // Anything is taken: what the bytes are is judged by the import. Errors: as upload().
    awaitable<Result<void>> stage(const Caller& caller, UploadRequest request, ByteSource& body);

    struct Staging {
        store::Backend& backend;
        Intake::Purpose purpose = Intake::Purpose::fetch;
        std::uint64_t allowance = 0;
        std::vector<Tap*> watch = {};
        std::string converted_to = {};  // as StoredData has it
    };
    // The same for whoever has checked all that. The location is `staged` afterwards.
    awaitable<Result<StoredData>> put_by(
        Image image,
        Staging staging,
        std::optional<std::uint64_t> expected,
        ByteSource& body,
        const Call& call
    );
    // What the bytes are for: to be kept, or to wait for an import, for which Keystone has a limit
    // of its own.
    enum class Room { kept, staged };
    // How many bytes the image may have: the cap, and what is left of its project's quota.
    // Errors: too_large when that is less than `expected`, or nothing.
    awaitable<Result<std::uint64_t>> allowance(
        const Image& image, std::optional<std::uint64_t> expected, Room room = Room::kept
    );

    // What the image's signature will be verified by, read with the caller's token; absent for an
    // image that is not signed. Errors: invalid_argument for a signature, a certificate or a key
    // that can never do; those of KeyManager::read().
    awaitable<Result<std::optional<std::string>>> certificate_for(
        const Image& image, const Caller& caller
    );
    // Reads the data once, and holds them against the image's signature, if it has one. `watch`
    // sees them. Errors: invalid_argument when they are not those that were signed.
    awaitable<Result<void>> verify(
        const Image& image,
        const std::optional<std::string>& certificate,
        const StoredData& data,
        Tap& watch,
        const Call& call
    );

    // `preferred`: stores to read from before others; absent: as they are. Errors: not_found,
    // forbidden (also while deactivated), invalid_argument (an unknown store; only one store).
    awaitable<Result<DownloadOffer>> offer(
        const Caller& caller,
        const ImageId& id,
        std::optional<std::vector<std::string>> preferred = std::nullopt
    );
    // Opens `range` of the face that was offered, from the first location that answers. Errors:
    // not_found when every location has lost its file, unavailable when none answers.
    awaitable<Result<std::unique_ptr<ByteSource>>> open(
        const Caller& caller, const DownloadOffer& offer, ByteRange range
    );

private:
    Result<void> check_stores(const std::vector<std::string>& stores) const;
    [[nodiscard]] Intake::Dependencies intake_parts() const;
    awaitable<Result<void>> store_and_activate(
        Intake& intake,
        store::Backend& backend,
        std::optional<std::uint64_t> expected,
        ByteSource& body,
        SignatureTap* signature,  // null: the image is not signed
        const Call& call
    );
    awaitable<Result<StoredData>> fill_staging(
        Intake& intake,
        const Staging& staging,
        std::optional<std::uint64_t> expected,
        ByteSource& body
    );
    // Logs it, and leaves what there is to the collector.
    awaitable<void> end_failed(const Intake& intake, const Error& error, const Call& call);

    // writing -> garbage, in the catalogue; false when it has to be tried again.
    awaitable<bool> give_up(LocationId location, TransferRecord record);
    void keep_giving_up(LocationId location, TransferRecord record);
    awaitable<void> keep_record(TransferRecord record);
    std::function<void(std::uint64_t, double)> account_of_download(
        const ImageId& id, const Call& call
    );

    Dependencies with_;
};

}  // namespace slipway::service
