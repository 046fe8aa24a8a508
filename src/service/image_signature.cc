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

Result<std::optional<SignatureTap>> signature_tap(
    const Image& image, const std::optional<std::string>& certificate
) {
    SLIPWAY_TRY(auto claim, signature_claim(image));
    std::optional<SignatureTap> tap;
    if (!claim) return tap;
    if (!certificate)
        return Error(
            Errc::invalid_argument,
            "The image was signed when its import was under way already; import it again."
        );
    SLIPWAY_TRY(
        auto check, SignatureCheck::create(claim->scheme, *certificate, std::move(claim->signature))
    );
    tap.emplace(std::move(check));
    return tap;
}

}  // namespace slipway::service
