#include "tests/fakes/certificates.h"

#include "base/digest.h"
#include "base/handle.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>

#include <unistd.h>

namespace slipway::test {
namespace {

using Bio = std::unique_ptr<BIO, FreeWith<&BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, FreeWith<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<&X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<&X509_EXTENSION_free>>;

void require(bool holds) {
    if (!holds) throw std::runtime_error("OpenSSL could not make a test certificate");
}

Bio bio_over(const std::string& text) {
    return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_of(const Bio& bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
}

Certificate read_certificate(const std::string& pem) {
    Certificate certificate(PEM_read_bio_X509(bio_over(pem).get(), nullptr, nullptr, nullptr));
    require(certificate != nullptr);
    return certificate;
}

void add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    require(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

Identity make_certificate(const CertificateSpec& spec, const Identity* issuer) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate(X509_new());
    require(key && certificate);

    Key issuer_key;
    Certificate issuer_certificate;
    if (issuer) {
        issuer_key.reset(
            PEM_read_bio_PrivateKey(bio_over(issuer->key_pem).get(), nullptr, nullptr, nullptr)
        );
        issuer_certificate = read_certificate(issuer->certificate_pem);
    }
    X509* leaf = certificate.get();
    X509* parent = issuer ? issuer_certificate.get() : leaf;

    std::array<unsigned char, 8> serial{};
    require(RAND_bytes(serial.data(), serial.size()) == 1);
    std::uint64_t number = 1;
    for (const auto byte : serial) number = (number << 7U) ^ byte;
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(leaf), number);
    X509_set_version(leaf, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(leaf), 86400L * spec.days_from);
    X509_gmtime_adj(X509_getm_notAfter(leaf), 86400L * spec.days_until);
    X509_set_pubkey(leaf, key.get());
    std::string name = spec.common_name;
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(leaf),
        "CN",
        MBSTRING_UTF8,
        std::bit_cast<const unsigned char*>(name.c_str()),
        -1,
        -1,
        0
    );
    X509_set_issuer_name(leaf, X509_get_subject_name(parent));

    add_extension(
        leaf, parent, NID_basic_constraints, spec.is_authority ? "critical,CA:TRUE" : "CA:FALSE"
    );
    add_extension(leaf, parent, NID_subject_key_identifier, "hash");
    std::string names;
    for (const auto& alternative : spec.alternative_names)
        names += (names.empty() ? "" : ",") + alternative;
    if (!names.empty()) add_extension(leaf, parent, NID_subject_alt_name, names);
    require(X509_sign(leaf, issuer ? issuer_key.get() : key.get(), EVP_sha256()) > 0);

    const Bio certificate_out(BIO_new(BIO_s_mem()));
    const Bio key_out(BIO_new(BIO_s_mem()));
    require(PEM_write_bio_X509(certificate_out.get(), leaf) == 1);
    require(
        PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) ==
        1
    );
    return {text_of(certificate_out), text_of(key_out)};
}

std::string thumbprint(const std::string& certificate_pem, const std::string& algorithm) {
    const auto certificate = read_certificate(certificate_pem);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    require(
        X509_digest(
            certificate.get(), EVP_get_digestbyname(algorithm.c_str()), digest.data(), &size
        ) == 1
    );
    return to_hex(std::as_bytes(std::span(digest).first(size)));
}

TemporaryFile::TemporaryFile(const std::string& content)
    : path_((std::filesystem::temp_directory_path() / "slipway-test-XXXXXX").string()) {
    const int file = ::mkstemp(path_.data());
    if (file < 0) throw std::runtime_error("no temporary file");
    const auto written = ::write(file, content.data(), content.size());
    ::close(file);
    if (written != static_cast<ssize_t>(content.size())) throw std::runtime_error("short write");
}

TemporaryFile::~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

}  // namespace slipway::test
