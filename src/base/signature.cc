#include "base/signature.h"

#include "base/handle.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <vector>

namespace slipway {

namespace {

using Certificate = std::unique_ptr<X509, FreeWith<&X509_free>>;
using Memory = std::unique_ptr<BIO, FreeWith<&BIO_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<&EVP_MD_CTX_free>>;

constexpr std::array<std::pair<std::string_view, const char*>, 4> kHashes{
    {{"SHA-224", "SHA2-224"},
     {"SHA-256", "SHA2-256"},
     {"SHA-384", "SHA2-384"},
     {"SHA-512", "SHA2-512"}}};

// The type of the key, and its curve as OpenSSL names it; empty: none.
struct KeyType {
    std::string_view word;
    int type = 0;
    std::string_view curve;
};
constexpr std::array kKeyTypes{
    KeyType{"RSA-PSS", EVP_PKEY_RSA, ""},
    KeyType{"DSA", EVP_PKEY_DSA, ""},
    KeyType{"ECC_SECT571K1", EVP_PKEY_EC, "sect571k1"},
    KeyType{"ECC_SECT409K1", EVP_PKEY_EC, "sect409k1"},
    KeyType{"ECC_SECT571R1", EVP_PKEY_EC, "sect571r1"},
    KeyType{"ECC_SECT409R1", EVP_PKEY_EC, "sect409r1"},
    KeyType{"ECC_SECP521R1", EVP_PKEY_EC, "secp521r1"},
    KeyType{"ECC_SECP384R1", EVP_PKEY_EC, "secp384r1"},
};

// Every failure of OpenSSL is told as ours, and its queue left empty.
Error unusable(std::string_view what) {
    ERR_clear_error();
    return Error(
        Errc::invalid_argument, "The image's signature can not be verified: " + std::string(what)
    );
}

template <class Table, class Entry = typename Table::value_type>
const Entry* find_word(const Table& table, std::string_view word, auto member) {
    const auto found = std::ranges::find(table, word, member);
    return found == table.end() ? nullptr : &*found;
}

const char* hash_name(std::string_view method) {
    const auto* entry = find_word(kHashes, method, [](const auto& hash) { return hash.first; });
    return entry == nullptr ? nullptr : entry->second;
}

const KeyType* key_type(std::string_view word) {
    return find_word(kKeyTypes, word, &KeyType::word);
}

Certificate read_certificate(const std::string& text) {
    const Memory memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!memory) return nullptr;
    if (text.find("-----BEGIN") != std::string::npos)
        return Certificate(PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr));
    return Certificate(d2i_X509_bio(memory.get(), nullptr));
}

bool is_valid_now(const X509* certificate) {
    return X509_cmp_current_time(X509_get0_notBefore(certificate)) < 0 &&
           X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

bool has_curve(const EVP_PKEY* key, std::string_view curve) {
    if (curve.empty()) return true;
    std::array<char, 64> name{};
    std::size_t length = 0;
    return EVP_PKEY_get_utf8_string_param(
               key, OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(), &length
           ) == 1 &&
           std::string_view(name.data(), length) == curve;
}

}  // namespace

struct SignatureCheck::Impl {
    DigestContext context{EVP_MD_CTX_new()};
    std::string signature;
};

SignatureCheck::SignatureCheck(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SignatureCheck::SignatureCheck(SignatureCheck&&) noexcept = default;
SignatureCheck& SignatureCheck::operator=(SignatureCheck&&) noexcept = default;
SignatureCheck::~SignatureCheck() = default;

Result<void> SignatureCheck::check_scheme(const SignatureScheme& scheme) {
    if (hash_name(scheme.hash_method) == nullptr)
        return unusable("img_signature_hash_method is none that is known");
    if (key_type(scheme.key_type) == nullptr)
        return unusable("img_signature_key_type is none that is known");
    return {};
}

Result<SignatureCheck> SignatureCheck::create(
    const SignatureScheme& scheme, const std::string& certificate, std::string signature
) {
    SLIPWAY_CHECK(check_scheme(scheme));
    const KeyType& type = *key_type(scheme.key_type);
    const Certificate parsed = read_certificate(certificate);
    if (!parsed) return unusable("the secret is no X.509 certificate");
    if (!is_valid_now(parsed.get())) return unusable("the certificate is out of date");
    EVP_PKEY* const key = X509_get0_pubkey(parsed.get());
    if (key == nullptr || EVP_PKEY_get_base_id(key) != type.type || !has_curve(key, type.curve))
        return unusable("the key of the certificate is not of the type " + scheme.key_type);

    auto impl = std::make_unique<Impl>();
    impl->signature = std::move(signature);
    EVP_PKEY_CTX* options = nullptr;
    if (!impl->context || EVP_DigestVerifyInit_ex(
                              impl->context.get(),
                              &options,
                              hash_name(scheme.hash_method),
                              nullptr,
                              nullptr,
                              key,
                              nullptr
                          ) != 1)
        return unusable("OpenSSL refuses the key or the hash");
    if (type.type == EVP_PKEY_RSA &&
        (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_MAX) != 1))
        return unusable("OpenSSL refuses RSA-PSS with this key");
    return SignatureCheck(std::move(impl));
}

Result<void> SignatureCheck::update(std::span<const std::byte> bytes) {
    if (EVP_DigestVerifyUpdate(impl_->context.get(), bytes.data(), bytes.size()) == 1) return {};
    return unusable("OpenSSL failed");
}

Result<void> SignatureCheck::finish() {
    const auto bytes = std::as_bytes(std::span(impl_->signature));
    std::vector<unsigned char> signature(bytes.size());
    std::ranges::transform(bytes, signature.begin(), [](std::byte b) {
        return std::to_integer<unsigned char>(b);
    });
    if (EVP_DigestVerifyFinal(impl_->context.get(), signature.data(), signature.size()) == 1)
        return {};
    return unusable("the data are not those that were signed");
}

Result<std::string> base64_decoded(std::string_view text) {
    const Error malformed(Errc::invalid_argument, "a text is not base64");
    std::string packed;
    for (const char c : text)
        if (c != '\n' && c != '\r') packed += c;
    if (packed.empty() || packed.size() % 4 != 0 || packed.size() > (1U << 20U)) return malformed;
    std::vector<unsigned char> out(packed.size() / 4 * 3);
    std::vector<unsigned char> in(packed.begin(), packed.end());
    const int length = EVP_DecodeBlock(out.data(), in.data(), static_cast<int>(in.size()));
    ERR_clear_error();
    if (length < 0) return malformed;
    const auto padding = packed.ends_with("==") ? 2U : packed.ends_with('=') ? 1U : 0U;
    return std::string(out.begin(), out.begin() + length - padding);
}

}  // namespace slipway
