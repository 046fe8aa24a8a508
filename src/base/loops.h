#pragma once

#include "base/async.h"

#include <functional>
#include <string>

namespace slipway {

// Spawns a loop that is needed as long as the process lives. When it ends by an exception, which is
// logged, it is started again after a pause: memory that was short for a moment must not end it.
void keep_running(TaskGroup& group, std::string name, std::function<awaitable<void>()> body);

}  // namespace slipway
