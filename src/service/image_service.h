#pragma once

#include "base/awaitable.h"
#include "model/caller.h"
#include "model/image_schema.h"
#include "service/image_patch.h"
#include "service/image_record.h"
#include "service/key_manager.h"
#include "service/policy.h"
#include "service/usage_service.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace slipway::service {

struct ImageListPage {
    std::vector<ImageRecord> images;
    bool more = false;  // the database's page was full
};

// Told when an image was deleted, so that a running transfer can stop.
using OnDeleted = std::function<void(const ImageId&)>;

// The records of images: create, show, list, change, delete. Their data is ImageDataService's.
class ImageService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        const Policy& policy;
        const ImageSchema& schema;
        LocationVisibility visibility;
        OnDeleted on_deleted;
        const PropertyProtections* protections = nullptr;  // null: everything is allowed
        KeyManager* keys = nullptr;                        // null: no key goes with an image
        LimitsOf limits_of = {};
        std::vector<Site> sites = {};
        std::chrono::seconds keep_deleted{0};  // the files of deleted images
    };

    explicit ImageService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // `image` holds what the client asked for, the owner filled in already.
    // Errors: forbidden, conflict (the id is or was in use), too_large (limits).
    awaitable<Result<ImageRecord>> create(const Caller& caller, Image image);

    awaitable<Result<ImageRecord>> show(const Caller& caller, const ImageId& id);
    awaitable<Result<ImageListPage>> list(const Caller& caller, ImageQuery query);
    // Applies the patch, but for what it says of locations: that comes as `locations`, whose right
    // to be was looked at. All of it, or nothing.
    awaitable<Result<ImageRecord>> update(
        const Caller& caller,
        const ImageId& id,
        ImagePatch patch,
        std::vector<store::LocationEdit> locations = {}
    );
    // The image as update() would leave it, so far as can be told without writing it.
    awaitable<Result<Image>> preview(
        const Caller& caller, const ImageId& id, const ImagePatch& patch
    );
    awaitable<Result<void>> remove(const Caller& caller, const ImageId& id);

    // `event`: deactivate or reactivate. Errors: forbidden in any other status than those two.
    awaitable<Result<void>> change_activity(
        const Caller& caller, const ImageId& id, ImageEvent event
    );

    awaitable<Result<void>> add_tag(const Caller& caller, const ImageId& id, std::string tag);
    awaitable<Result<void>> remove_tag(const Caller& caller, const ImageId& id, std::string tag);

    // What GET …/locations answers. Empty for services, unless configured otherwise: Cinder takes a
    // direct_url only, looks for one in the image after an empty list, and would download every
    // image after any other.
    awaitable<Result<std::vector<ShownLocation>>> locations(
        const Caller& caller, const ImageId& id
    );

    // What the image's uploads, downloads and clones cost, newest first.
    awaitable<Result<std::vector<TransferRecord>>> transfers(
        const Caller& caller, const ImageId& id, std::size_t limit
    );

private:
    awaitable<Result<ImageRecord>> record(const Caller& caller, const Image& image);
    [[nodiscard]] RecordRules record_rules() const;
    // The key that was made for the image alone, where its properties say so.
    awaitable<void> remove_key(const Caller& caller, const Image& image);
    // Applies `change` to an image that the caller may change, in one transaction with that check.
    awaitable<Result<Image>> change_image(
        const Caller& caller,
        const ImageId& id,
        std::function<Result<void>(Image&)> change,
        std::vector<store::LocationEdit> locations = {}
    );

    Dependencies with_;
};

struct AuthorizedImage {
    Image image;
    bool shared_with_caller = false;
};

// An image that the catalogue shows to the caller, before any rule; not_found otherwise. For what
// is decided between this and the rule.
awaitable<Result<AuthorizedImage>> find_visible(
    store::Catalog& catalog, const Caller& caller, const ImageId& id
);

// An image that the caller may do `action` to; forbidden or not_found otherwise. Used by every
// service.
awaitable<Result<AuthorizedImage>> find_authorized(
    store::Catalog& catalog,
    const Policy& policy,
    const Caller& caller,
    const ImageId& id,
    Action action
);

}  // namespace slipway::service
