#pragma once

#include "base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace slipway {

// How a signature was made, in the words of the image properties img_signature_*.
struct SignatureScheme {
    std::string hash_method;  // SHA-224, SHA-256, SHA-384, SHA-512
    std::string key_type;     // RSA-PSS, DSA, ECC_SECP384R1, …
};

// Whether bytes that pass by are those that somebody signed, by OpenSSL.
class SignatureCheck {
public:
    // `certificate`: X.509, PEM or DER. `signature`: its bytes. RSA-PSS is with MGF1 over the same
    // hash and the longest salt. Errors: invalid_argument for an unknown word, no certificate, one
    // that is out of date, or a key of another type.
    static Result<SignatureCheck> create(
        const SignatureScheme& scheme, const std::string& certificate, std::string signature
    );
    // The errors of create() that the words alone show.
    static Result<void> check_scheme(const SignatureScheme& scheme);

    SignatureCheck(SignatureCheck&&) noexcept;
    SignatureCheck& operator=(SignatureCheck&&) noexcept;
    ~SignatureCheck();

    Result<void> update(std::span<const std::byte> bytes);
    // Of all bytes seen; once. Errors: invalid_argument when they are not those that were signed.
    Result<void> finish();

private:
    struct Impl;
    explicit SignatureCheck(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// The bytes that `text` stands for. Errors: invalid_argument.
Result<std::string> base64_decoded(std::string_view text);

}  // namespace slipway
