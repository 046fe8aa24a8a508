#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <string>
#include <string_view>

namespace slipway::service {

// The URL that a Glance with `metadata_encryption_key` keeps as `text`: URL-safe base64 of sixteen
// bytes to begin with and AES in CBC mode, whose last zero byte ends the URL.
// Errors: invalid_argument when the key has not 16, 24 or 32 bytes, or does not fit.
Result<std::string> decrypted_location(std::string_view text, const Secret& key);

}  // namespace slipway::service
