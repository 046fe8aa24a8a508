#include "service/location_cipher.h"

#include "base/handle.h"
#include "base/signature.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace slipway::service {

namespace {

constexpr std::size_t kBlockBytes = 16;

const EVP_CIPHER* cipher_for(std::size_t key_bytes) {
    switch (key_bytes) {
        case 16:
            return EVP_aes_128_cbc();
        case 24:
            return EVP_aes_192_cbc();
        case 32:
            return EVP_aes_256_cbc();
        default:
            return nullptr;
    }
}

const unsigned char* as_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Result<std::string> decrypted_location(std::string_view text, const Secret& key) {
    const Error wrong(Errc::invalid_argument, "it is encrypted by another key, or no URL at all");
    const EVP_CIPHER* const cipher = cipher_for(key.reveal().size());
    if (cipher == nullptr)
        return Error(
            Errc::invalid_argument, "the metadata_encryption_key must have 16, 24 or 32 bytes"
        );
    std::string standard(text);
    std::ranges::replace(standard, '-', '+');
    std::ranges::replace(standard, '_', '/');
    const auto bytes = base64_decoded(standard);
    if (!bytes || bytes->size() < 2 * kBlockBytes || bytes->size() % kBlockBytes != 0) return wrong;
    const std::string_view sealed = std::string_view(*bytes).substr(kBlockBytes);
    const std::unique_ptr<EVP_CIPHER_CTX, FreeWith<&EVP_CIPHER_CTX_free>> context(
        EVP_CIPHER_CTX_new()
    );
    std::string url(sealed.size(), '\0');
    int length = 0;
    if (!context ||
        EVP_DecryptInit_ex(
            context.get(), cipher, nullptr, as_bytes(key.reveal()), as_bytes(*bytes)
        ) != 1 ||
        EVP_CIPHER_CTX_set_padding(context.get(), 0) != 1 ||
        EVP_DecryptUpdate(
            context.get(),
            reinterpret_cast<unsigned char*>(url.data()),
            &length,
            as_bytes(sealed),
            static_cast<int>(sealed.size())
        ) != 1)
        return Error(Errc::internal, "OpenSSL failed to decrypt");
    const auto end = url.rfind('\0');
    if (end == std::string::npos || url.find("://") > end) return wrong;
    url.resize(end);
    return url;
}

}  // namespace slipway::service
