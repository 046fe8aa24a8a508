#include "http/server_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace slipway::http {

namespace {

Error unusable(const std::string& what, const boost::system::error_code& ec) {
    ERR_clear_error();
    return {Errc::invalid_argument, what + ": " + ec.message()};
}

}  // namespace

Result<std::unique_ptr<asio::ssl::context>> make_server_tls(const TlsFiles& files) {
    auto context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX* const handle = context->native_handle();
    SSL_CTX_set_min_proto_version(handle, TLS1_2_VERSION);
    SSL_CTX_set_options(
        handle,
        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
            SSL_OP_CIPHER_SERVER_PREFERENCE
    );
    SSL_CTX_set_num_tickets(handle, 0);
    SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_cipher_list(handle, "ECDHE+AESGCM:ECDHE+CHACHA20");
    // An idle connection keeps no record buffers.
    SSL_CTX_set_mode(handle, SSL_MODE_RELEASE_BUFFERS);

    boost::system::error_code ec;
    context->use_certificate_chain_file(files.certificate_file, ec);
    if (ec)
        return unusable("the certificate file " + files.certificate_file + " cannot be used", ec);
    context->use_private_key_file(files.key_file, asio::ssl::context::pem, ec);
    if (ec) return unusable("the key file " + files.key_file + " cannot be used", ec);
    if (SSL_CTX_check_private_key(handle) != 1) {
        ERR_clear_error();
        return Error(
            Errc::invalid_argument,
            "the key file " + files.key_file + " does not fit " + files.certificate_file
        );
    }
    return context;
}

}  // namespace slipway::http
