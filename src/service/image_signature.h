#pragma once

#include "base/signature.h"
#include "model/image.h"
#include "service/pump.h"

#include <optional>
#include <string>

namespace slipway::service {

// What an image's properties say of a signature of its data.
struct SignatureClaim {
    SignatureScheme scheme;
    std::string signature;  // its bytes
    std::string certificate_id;
};

// Absent unless all four properties are there: img_signature, img_signature_hash_method,
// img_signature_key_type, img_signature_certificate_uuid.
// Errors: invalid_argument for values that can not be.
Result<std::optional<SignatureClaim>> signature_claim(const Image& image);

// Shows a transfer to a check.
class SignatureTap final : public Tap {
public:
    explicit SignatureTap(SignatureCheck check) : check_(std::move(check)) {}

    Result<void> see(std::span<const std::byte> chunk) override { return check_.update(chunk); }
    // Errors: invalid_argument when the bytes are not those that were signed.
    Result<void> finish() { return check_.finish(); }

private:
    SignatureCheck check_;
};

// Verifies the image's data by `certificate`; absent for an image that is not signed.
// Errors: invalid_argument for what could never be verified, also for want of a certificate.
Result<std::optional<SignatureTap>> signature_tap(
    const Image& image, const std::optional<std::string>& certificate
);

}  // namespace slipway::service
