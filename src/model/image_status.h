#pragma once

#include "base/result.h"

#include <string_view>

namespace slipway {

// As the Image API spells them.
enum class ImageStatus {
    queued,
    saving,
    uploading,
    importing,
    active,
    deactivated,
    pending_delete,
    killed,
    deleted,
};

// What can happen to an image. Statuses change through next_status() and in no other way.
enum class ImageEvent {
    upload_started,   // PUT file: the first byte is about to be written
    upload_finished,  // its bytes are verified on the datastore
    upload_failed,    // for whatever reason; the image may be uploaded again
    stage_started,    // PUT stage: likewise
    import_started,   // its data are staged, or about to be fetched
    import_finished,
    import_failed,    // nothing of it stays
    import_put_back,  // its data are staged still, so it may be imported again
    located,          // a client has named where its data lie
    deactivate,
    reactivate,
    remove,
};

std::string_view to_string(ImageStatus status);
std::string_view to_string(ImageEvent event);
// Errors: invalid_argument for a word that is no status.
Result<ImageStatus> parse_image_status(std::string_view word);

// The status that `event` leads to from `status`; conflict when it is not allowed there.
Result<ImageStatus> next_status(ImageStatus status, ImageEvent event);

}  // namespace slipway
