#pragma once

#include "base/handle.h"
#include "base/result.h"
#include "net/tls.h"

#include <openssl/ssl.h>

#include <memory>
#include <string>

// What OpenSSL is told, and asked, about the peers of outbound connections.
namespace slipway::net {

using TlsContext = std::unique_ptr<SSL_CTX, FreeWith<&SSL_CTX_free>>;

// A client context for `trust`: TLS 1.2 or newer; the chain is verified unless `trust` pins the
// leaf or asks for no verification. Reads the CA file. Errors: invalid_argument when the CA file
// can not be used.
Result<TlsContext> make_client_context(const TlsTrust& trust);

// Before the handshake: the name or address that the peer's certificate must carry, and SNI.
Result<void> expect_peer(SSL* session, const std::string& host, const TlsTrust& trust);

// After the handshake, and before a byte of ours is sent: is this the peer that `trust` means?
// Errors: unavailable, with reason "TlsThumbprint".
Result<void> check_peer(SSL* session, const TlsTrust& trust);

// Why the handshake failed, as one sentence; drains OpenSSL's error queue.
// Errors: unavailable, with reason "TlsVerification" when the peer's certificate was refused.
Error handshake_error(SSL* session);

// Same trust, same text: connections may be shared between equal ones only.
std::string trust_key(const TlsTrust& trust);

}  // namespace slipway::net
