#include "net/tls_session.h"

#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include <array>
#include <span>

namespace slipway::net {
namespace {

using Certificate = std::unique_ptr<X509, FreeWith<&X509_free>>;

bool pins_the_leaf(const TlsTrust& trust) {
    return !trust.sha256_thumbprints.empty() || !trust.sha1_thumbprints.empty();
}

bool verifies_the_chain(const TlsTrust& trust) {
    return !trust.insecure && !pins_the_leaf(trust);
}

bool is_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> parsed{};
    return inet_pton(AF_INET, host.c_str(), parsed.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), parsed.data()) == 1;
}

bool any_equal(const std::vector<std::string>& pins, const std::string& thumbprint) {
    bool found = false;
    for (const auto& pin : pins)
        found |= pin.size() == thumbprint.size() &&
                 CRYPTO_memcmp(pin.data(), thumbprint.data(), pin.size()) == 0;
    return found;
}

std::string thumbprint_of(X509* certificate, const EVP_MD* algorithm) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    if (X509_digest(certificate, algorithm, digest.data(), &length) != 1) return {};
    return to_hex(std::as_bytes(std::span(digest).first(length)));
}

Error broken_openssl() {
    return Error(Errc::internal, "OpenSSL could not set up a TLS session");
}

}  // namespace

Result<TlsContext> make_client_context(const TlsTrust& trust) {
    TlsContext context(SSL_CTX_new(TLS_client_method()));
    if (!context) return broken_openssl();
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    if (!verifies_the_chain(trust)) {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
        return context;
    }
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const int loaded = trust.ca_file.empty()
                           ? SSL_CTX_set_default_verify_paths(context.get())
                           : SSL_CTX_load_verify_file(context.get(), trust.ca_file.c_str());
    ERR_clear_error();
    if (loaded != 1)
        return Error(
            Errc::invalid_argument,
            "the CA file can not be read, or holds no certificate in PEM form"
        );
    return context;
}

Result<void> expect_peer(SSL* session, const std::string& host, const TlsTrust& trust) {
    const bool by_address = is_address(host);
    // SNI carries names only (RFC 6066, section 3).
    if (!by_address && SSL_set_tlsext_host_name(session, host.c_str()) != 1)
        return broken_openssl();
    if (!verifies_the_chain(trust)) return {};
    X509_VERIFY_PARAM* expected = SSL_get0_param(session);
    X509_VERIFY_PARAM_set_hostflags(
        expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT
    );
    const int set = by_address ? X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str())
                               : X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size());
    if (set != 1) return broken_openssl();
    return {};
}

Result<void> check_peer(SSL* session, const TlsTrust& trust) {
    if (pins_the_leaf(trust)) {
        const Certificate leaf(SSL_get1_peer_certificate(session));
        if (leaf && any_equal(trust.sha256_thumbprints, thumbprint_of(leaf.get(), EVP_sha256())))
            return {};
        if (leaf && any_equal(trust.sha1_thumbprints, thumbprint_of(leaf.get(), EVP_sha1())))
            return {};
        return Error(
            Errc::unavailable,
            "the server's certificate does not have a configured thumbprint; if it was renewed, "
            "update the thumbprint",
            "TlsThumbprint"
        );
    }
    if (!trust.insecure && SSL_get_verify_result(session) != X509_V_OK)
        return handshake_error(session);
    return {};
}

Error handshake_error(SSL* session) {
    const long verdict = SSL_get_verify_result(session);
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (verdict != X509_V_OK && SSL_get_verify_mode(session) == SSL_VERIFY_PEER)
        return Error(
            Errc::unavailable,
            "the server's certificate is not trusted: " +
                std::string(X509_verify_cert_error_string(verdict)) +
                "; check the configured CA file or thumbprint, and the server's name",
            "TlsVerification"
        );
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return Error(
        Errc::unavailable,
        "the TLS handshake failed: " +
            std::string(reason ? reason : "the server closed the connection")
    );
}

std::string trust_key(const TlsTrust& trust) {
    std::string key = trust.insecure ? "insecure" : "verified";
    key += '|' + trust.ca_file;
    for (const auto& pin : trust.sha256_thumbprints) key += '|' + pin;
    for (const auto& pin : trust.sha1_thumbprints) key += '|' + pin;
    return key;
}

}  // namespace slipway::net
