#pragma once

#include "base/ids.h"
#include "base/time.h"
#include "model/task_record.h"

#include <string>

namespace slipway {

// One transfer of an image, and what it cost.
struct TransferRecord {
    std::string kind;  // upload, download, or that of a task
    ImageId image_id;
    Account account;
    Time finished_at;
    std::string request_id;
};

}  // namespace slipway
