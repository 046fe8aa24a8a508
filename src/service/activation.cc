#include "service/activation.h"

#include "base/log.h"

namespace slipway::service {

awaitable<Result<Activation::Prepared>> Activation::prepare(
    Image& image,
    const Location& upload,
    store::UploadOutcome& outcome,
    const std::function<bool()>& stopped,
    const Call& call
) {
    Prepared prepared;
    if (!with_.boot_forms.is_wanted(image, upload)) {
        co_await seed(image, upload, prepared, stopped, call);
        co_return prepared;
    }
    if (!with_.wait_for_boot_form) {
        prepared.task_follows = true;
        co_return prepared;
    }
    const BootFormMaker::Watch watch{{}, stopped};
    auto made = co_await with_.boot_forms.make(image, upload, watch, call);
    if (stopped())
        co_return Error(Errc::gone, "Image " + image.id.str() + " was deleted during the upload.");
    if (!made) {
        log::warning(
            call,
            "image.boot_form.postponed",
            {{"image", image.id.str()}, {"error", made.error().message}}
        );
        outcome.boot_reason = not_made(made.error());
        prepared.task_follows = true;
        co_return prepared;
    }
    if (!made->made) {
        outcome.boot_reason = made->reason;
        co_return prepared;
    }
    const Location& disk = made->made->location;
    prepared.boot_pin = std::make_unique<Transfers::Pin>(with_.transfers, disk.id);
    outcome.boot_form = image.boot_form = made->made->form;
    outcome.boot_location = disk.id;
    outcome.boot_stored_bytes = disk.stored_bytes;
    outcome.drops_upload = made->made->replaces_upload;
    outcome.replaces_record = made->made->replaces_record;
    if (outcome.replaces_record) take_boot_form(image);
    if (outcome.drops_upload) prepared.disk = disk;
    co_await seed(image, disk, prepared, stopped, call);
    co_return prepared;
}

// A disk that has to be imported first is seeded by the task that does so.
awaitable<void> Activation::seed(
    const Image& image,
    const Location& disk,
    Prepared& prepared,
    const std::function<bool()>& stopped,
    const Call& call
) {
    const auto imports = co_await with_.importer.is_wanted(image, disk, call);
    if (!imports || *imports) prepared.task_follows = true;
    if (imports && !*imports) co_await with_.seed_before_active(image, disk, stopped, call);
}

awaitable<void> Activation::finish(
    const Image& image, const Location& upload, const Prepared& prepared, const Call& call
) {
    if (prepared.disk) with_.on_garbage();
    co_await with_.on_active(image.id, call);
    if (prepared.task_follows)
        co_await with_.boot_forms.follow_up(image, prepared.disk.value_or(upload), call);
}

}  // namespace slipway::service
