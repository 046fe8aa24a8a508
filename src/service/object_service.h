#pragma once

#include "model/caller.h"
#include "service/image_data_service.h"
#include "service/policy.h"
#include "service/transfers.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace slipway::service {

// What another image service learns of an object of its own.
struct StoredObject {
    std::string url;  // where hosts find the bytes; empty in a store that publishes none
    std::uint64_t size_bytes = 0;
    std::string checksum;
    std::string os_hash_algo;
    std::string os_hash_value;
};

// Objects that another image service keeps in our stores, under its own names: they lie, are
// checked, hashed and made bootable as our images are, but are no images of this catalogue.
//
// The bytes of an object lie bare: its service publishes them with a record of its own, which has
// to fit. So a plain disk is kept flat, never inside a sparse file.
class ObjectService {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        const Policy& policy;
        ImageDataService& data;
        std::function<void(const ImageId&)> on_deleted;
    };

    explicit ObjectService(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Errors: forbidden, invalid_argument (no such store, or a bad name), conflict (it exists), and
    // those of an upload.
    awaitable<Result<StoredObject>> put(
        const Caller& caller,
        const BackendId& store,
        const std::string& object,
        std::optional<std::uint64_t> expected_bytes,
        ByteSource& body
    );
    // Errors: forbidden, not_found.
    awaitable<Result<StoredObject>> find(
        const Caller& caller, const BackendId& store, const std::string& object
    );
    awaitable<Result<std::unique_ptr<ByteSource>>> open(
        const Caller& caller, const BackendId& store, const std::string& object, ByteRange range
    );
    awaitable<Result<void>> remove(
        const Caller& caller, const BackendId& store, const std::string& object
    );

private:
    awaitable<Result<StoredObject>> describe(const Image& image, const BackendId& store);

    Dependencies with_;
};

}  // namespace slipway::service
