#pragma once

#include "base/async.h"
#include "base/call.h"
#include "model/image.h"
#include "model/location.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <functional>
#include <string>

namespace slipway::service {

// Gives an image on a datastore that keeps disks as objects (vSAN, vVol) a disk there: the stored
// file comes in as a stream-optimised VMDK, by an NFC lease, and becomes a location of its own. The
// storage clones and seeds from it; it is never published and never read, and goes with the image.
class DiskImporter {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        BlockingPool& pool;
        std::string server;
        // There is such a disk now.
        std::function<awaitable<void>(const Image&, const Location&, const Call&)> on_imported;
    };

    explicit DiskImporter(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Whether the image has a boot form, or is a stream-optimised disk without one, that the
    // datastore of `stored` can not open as a disk, and no imported disk in that store yet.
    awaitable<Result<bool>> is_wanted(const Image& image, const Location& stored, const Call& call);

    struct Watch {
        std::function<void(int percent)> report;
        std::function<bool()> stopped;
    };
    // Imports what `stored` holds. Errors: cancelled, and those of store::Backend::import_disk();
    // the image remembers why, and nothing is left but garbage that the catalogue knows.
    awaitable<Result<Account>> import(
        const Image& image, const Location& stored, const Watch& watch, const Call& call
    );

private:
    awaitable<Result<Account>> fill(
        const Image& image,
        const Location& stored,
        const Location& target,
        const Watch& watch,
        const Call& call
    );
    awaitable<Result<Location>> begin(const Image& image, const Location& stored, const Call& call);
    awaitable<void> give_up(
        const Image& image, const Location& target, const Error& error, const Call& call
    );

    Dependencies with_;
};

}  // namespace slipway::service
