#pragma once

#include "base/json.h"
#include "base/result.h"
#include "model/clone_target.h"

#include <string>
#include <string_view>

namespace slipway::service {

// The target of a clone, as it stands in the body of a request and in the row of its task:
// {"datacenter": "DC0", "datastore": "work", "path": "vm7/vm7.vmdk", "disk_type": "thick"}
std::string clone_input_json(const CloneTarget& target);
// Errors: invalid_argument for a missing or wrong member.
Result<CloneTarget> read_clone_input(std::string_view text, const json::Limits& limits = {});

}  // namespace slipway::service
