#include "base/digest.h"

#include "base/handle.h"

#include <openssl/evp.h>

#include <array>

namespace slipway {

struct Digest::Impl {
    std::unique_ptr<EVP_MD_CTX, FreeWith<&EVP_MD_CTX_free>> context{EVP_MD_CTX_new()};
};

Digest::Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

Result<Digest> Digest::create(std::string_view algorithm) {
    Digest digest;
    digest.impl_ = std::make_unique<Impl>();
    const EVP_MD* type = EVP_get_digestbyname(std::string(algorithm).c_str());
    if (type == nullptr || EVP_DigestInit_ex(digest.impl_->context.get(), type, nullptr) != 1)
        return Error(Errc::invalid_argument, "unknown hash algorithm " + std::string(algorithm));
    return digest;
}

void Digest::update(std::span<const std::byte> bytes) {
    EVP_DigestUpdate(impl_->context.get(), bytes.data(), bytes.size());
}

std::string Digest::finish_hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> value{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(impl_->context.get(), value.data(), &size);
    impl_.reset();
    return to_hex(std::as_bytes(std::span(value).first(size)));
}

std::string to_hex(std::span<const std::byte> bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    hex.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        hex += kDigits[std::to_integer<unsigned>(byte) >> 4U];
        hex += kDigits[std::to_integer<unsigned>(byte) & 0xFU];
    }
    return hex;
}

}  // namespace slipway
