#pragma once

#include "model/image.h"
#include "model/location.h"
#include "service/boot_form_maker.h"
#include "service/disk_importer.h"
#include "service/transfers.h"
#include "store/catalog.h"

#include <functional>
#include <memory>
#include <optional>

namespace slipway::service {

// What happens to an image between its last byte and `active`, and right after: it becomes
// bootable, and lies in the caches that policy names.
class Activation {
public:
    struct Dependencies {
        store::Catalog& catalog;
        Transfers& transfers;
        BootFormMaker& boot_forms;
        DiskImporter& importer;
        // An image is active when its boot form is there; else that follows.
        bool wait_for_boot_form = true;
        std::function<void()> on_garbage;
        // Puts a disk into the caches where policy wants it before its image is active, unless it
        // is told to stop.
        std::function<awaitable<
            void>(const Image&, const Location& disk, const std::function<bool()>& stopped, const Call&)>
            seed_before_active;
        // Told of an image that has just become active.
        std::function<awaitable<void>(const ImageId&, const Call&)> on_active;
    };

    explicit Activation(Dependencies dependencies) : with_(std::move(dependencies)) {}

    struct Prepared {
        bool task_follows = false;     // it makes the boot form, or imports the disk
        std::optional<Location> disk;  // in the upload's place
        std::unique_ptr<Transfers::Pin> boot_pin;
    };
    // Before the image is active. `image` is as it will be; its boot form, and that of `outcome`,
    // are filled in. What fails here for now is done by a task: data that are whole are not thrown
    // away for it. Errors: gone when `stopped` says so.
    awaitable<Result<Prepared>> prepare(
        Image& image,
        const Location& upload,
        store::UploadOutcome& outcome,
        const std::function<bool()>& stopped,
        const Call& call
    );
    // When the image is active.
    awaitable<void> finish(
        const Image& image, const Location& upload, const Prepared& prepared, const Call& call
    );

private:
    awaitable<void> seed(
        const Image& image,
        const Location& disk,
        Prepared& prepared,
        const std::function<bool()>& stopped,
        const Call& call
    );

    Dependencies with_;
};

}  // namespace slipway::service
