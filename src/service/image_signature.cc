#include "service/image_signature.h"

#include "base/ids.h"

namespace slipway::service {

Result<std::optional<SignatureClaim>> signature_claim(const Image& image) {
    const std::string_view signature = image.property("img_signature");
    SignatureClaim claim;
    claim.scheme.hash_method = image.property("img_signature_hash_method");
    claim.scheme.key_type = image.property("img_signature_key_type");
    claim.certificate_id = image.property("img_signature_certificate_uuid");
    if (signature.empty() || claim.scheme.hash_method.empty() || claim.scheme.key_type.empty() ||
        claim.certificate_id.empty())
        return std::optional<SignatureClaim>();
    SLIPWAY_CHECK(SignatureCheck::check_scheme(claim.scheme));
    if (!is_uuid(claim.certificate_id))
        return Error(
            Errc::invalid_argument, "img_signature_certificate_uuid must be the UUID of a secret."
        );
    auto bytes = base64_decoded(signature);
    if (!bytes) return Error(Errc::invalid_argument, "img_signature must be base64.");
    claim.signature = std::move(*bytes);
    return std::optional(std::move(claim));
}

}  // namespace slipway::service
