#pragma once

#include "base/async.h"
#include "base/call.h"
#include "model/image.h"
#include "model/location.h"
#include "service/disk_importer.h"
#include "store/backend_set.h"
#include "store/catalog.h"

#include <functional>
#include <optional>
#include <string>

namespace slipway::service {

// A disk made from an upload, complete on the datastore; its location is still `adding`.
struct MadeBootForm {
    Location location;
    BootForm form;
    Account account;
    bool replaces_upload = false;  // the original is not needed beside it
    bool replaces_record = false;  // the image's record is to be that of the boot form
};

struct BootFormOutcome {
    std::optional<MadeBootForm> made;
    std::string reason;  // why there is none
};

// Whether a boot form that could not be made for this reason is tried again.
bool is_tried_again_after(const Error& error);
// What is told of an image whose boot form could not be made.
std::string not_made(const Error& error);

// Makes the disk that a datastore can clone and Nova boots cold, from an image whose stored form is
// none: qcow2, stream-optimised VMDK, OVA, VHD, VHDX, VDI, and raw whose length nobody knew
// beforehand. The stored original is read back; nothing touches a local disk.
class BootFormMaker {
public:
    struct Dependencies {
        store::Catalog& catalog;
        store::BackendSet& backends;
        BlockingPool& pool;
        DiskImporter& importer;
        std::string server;
        std::function<void()> on_task;  // there is a new one
    };

    explicit BootFormMaker(Dependencies dependencies) : with_(std::move(dependencies)) {}

    // Whether an image with this data needs a boot form beside it, and its store keeps such.
    [[nodiscard]] bool is_wanted(const Image& image, const Location& upload) const;

    using Watch = DiskImporter::Watch;
    // Errors: what may pass (unavailable, no_space), cancelled, gone. What can never be is an
    // outcome with a reason. After an error nothing is left but garbage that the catalogue knows.
    awaitable<Result<BootFormOutcome>> make(
        const Image& image, const Location& upload, const Watch& watch, const Call& call
    );

    // Makes it later, by a task, which also imports the disk where its datastore wants that.
    // Failures that may pass only put it off.
    awaitable<void> follow_up(const Image& image, const Location& upload, const Call& call);
    // The same for a copy of an image, where its datastore wants that.
    awaitable<void> follow_copy(const Image& image, const Location& copy, const Call& call);
    // Runs such a task.
    awaitable<Result<Account>> run(
        const TaskRecord& task, store::CloneProgress& progress, const Call& call
    );

private:
    class Work;

    // The location that the image's disk is imported from afterwards.
    awaitable<Result<Location>> add(
        const Image& image,
        const Location& upload,
        const Watch& watch,
        Account& account,
        const Call& call
    );

    Dependencies with_;
};

}  // namespace slipway::service
