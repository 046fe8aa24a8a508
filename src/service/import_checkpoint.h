#pragma once

#include "base/result.h"
#include "model/task_record.h"

#include <optional>
#include <string>

namespace slipway::service {

// What the task of an import keeps in its checkpoint. At first, of a signed image, the certificate
// that was read with the token of whoever asked: {"certificate": "…"}, percent-encoded, since it
// may be binary.
std::string keep_certificate(const std::string& certificate);
std::optional<std::string> kept_certificate(const std::string& checkpoint);

// In the end what the task ends with, so that it is said again after a crash between the last step
// and the end of the task: {"over": true, "code": "cancelled", "message": "…"}
std::string last_words(const std::optional<Error>& error);
std::optional<Result<Account>> said_before(const std::string& checkpoint);

}  // namespace slipway::service
