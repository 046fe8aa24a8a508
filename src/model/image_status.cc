#include "model/image_status.h"

#include <algorithm>
#include <array>
#include <string>

namespace slipway {

namespace {

struct Word {
    ImageStatus status;
    std::string_view word;
};

constexpr std::array kWords{
    Word{ImageStatus::queued, "queued"},
    Word{ImageStatus::saving, "saving"},
    Word{ImageStatus::uploading, "uploading"},
    Word{ImageStatus::importing, "importing"},
    Word{ImageStatus::active, "active"},
    Word{ImageStatus::deactivated, "deactivated"},
    Word{ImageStatus::pending_delete, "pending_delete"},
    Word{ImageStatus::killed, "killed"},
    Word{ImageStatus::deleted, "deleted"},
};

struct Transition {
    ImageStatus from;
    ImageEvent event;
    ImageStatus to;
};

// The one table of status changes. Whatever is not in it does not happen.
constexpr std::array kTransitions{
    Transition{ImageStatus::queued, ImageEvent::upload_started, ImageStatus::saving},
    Transition{ImageStatus::saving, ImageEvent::upload_finished, ImageStatus::active},
    Transition{ImageStatus::saving, ImageEvent::upload_failed, ImageStatus::queued},
    Transition{ImageStatus::uploading, ImageEvent::upload_failed, ImageStatus::queued},
    Transition{ImageStatus::queued, ImageEvent::stage_started, ImageStatus::uploading},
    Transition{ImageStatus::uploading, ImageEvent::import_started, ImageStatus::importing},
    Transition{ImageStatus::queued, ImageEvent::import_started, ImageStatus::importing},
    Transition{ImageStatus::importing, ImageEvent::import_finished, ImageStatus::active},
    Transition{ImageStatus::importing, ImageEvent::import_failed, ImageStatus::queued},
    Transition{ImageStatus::importing, ImageEvent::import_put_back, ImageStatus::uploading},
    Transition{ImageStatus::queued, ImageEvent::located, ImageStatus::active},
    Transition{ImageStatus::active, ImageEvent::deactivate, ImageStatus::deactivated},
    Transition{ImageStatus::deactivated, ImageEvent::deactivate, ImageStatus::deactivated},
    Transition{ImageStatus::deactivated, ImageEvent::reactivate, ImageStatus::active},
    Transition{ImageStatus::active, ImageEvent::reactivate, ImageStatus::active},
    Transition{ImageStatus::queued, ImageEvent::remove, ImageStatus::deleted},
    Transition{ImageStatus::saving, ImageEvent::remove, ImageStatus::deleted},
    Transition{ImageStatus::uploading, ImageEvent::remove, ImageStatus::deleted},
    Transition{ImageStatus::importing, ImageEvent::remove, ImageStatus::deleted},
    Transition{ImageStatus::active, ImageEvent::remove, ImageStatus::deleted},
    Transition{ImageStatus::deactivated, ImageEvent::remove, ImageStatus::deleted},
    Transition{ImageStatus::pending_delete, ImageEvent::remove, ImageStatus::deleted},
    Transition{ImageStatus::killed, ImageEvent::remove, ImageStatus::deleted},
};

}  // namespace

std::string_view to_string(ImageStatus status) {
    return std::find_if(
               kWords.begin(), kWords.end(), [&](const Word& w) { return w.status == status; }
    )->word;
}

std::string_view to_string(ImageEvent event) {
    switch (event) {
        case ImageEvent::upload_started:
            return "upload";
        case ImageEvent::upload_finished:
            return "finish the upload";
        case ImageEvent::upload_failed:
            return "give up the upload";
        case ImageEvent::stage_started:
            return "stage data of";
        case ImageEvent::import_started:
            return "import";
        case ImageEvent::import_finished:
            return "finish the import of";
        case ImageEvent::import_failed:
        case ImageEvent::import_put_back:
            return "give up the import of";
        case ImageEvent::located:
            return "add a location to";
        case ImageEvent::deactivate:
            return "deactivate";
        case ImageEvent::reactivate:
            return "reactivate";
        case ImageEvent::remove:
            return "delete";
    }
    return "change";
}

Result<ImageStatus> parse_image_status(std::string_view word) {
    const auto found =
        std::find_if(kWords.begin(), kWords.end(), [&](const Word& w) { return w.word == word; });
    if (found == kWords.end())
        return Error(
            Errc::invalid_argument, "Invalid status value: " + std::string(word.substr(0, 64))
        );
    return found->status;
}

Result<ImageStatus> next_status(ImageStatus status, ImageEvent event) {
    for (const Transition& t : kTransitions)
        if (t.from == status && t.event == event) return t.to;
    return Error(
        Errc::conflict,
        "Not allowed to " + std::string(to_string(event)) + " an image in status '" +
            std::string(to_string(status)) + "'."
    );
}

}  // namespace slipway
