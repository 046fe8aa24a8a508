#pragma once

#include "base/result.h"
#include "http/server.h"

#include <boost/asio/ssl/context.hpp>

#include <memory>

namespace slipway::http {

// The TLS side of a listener: TLS 1.2 or newer, no renegotiation, no compression, no session
// tickets (so there is no key of theirs to rotate). Errors: invalid_argument naming the file that
// cannot be used.
Result<std::unique_ptr<asio::ssl::context>> make_server_tls(const TlsFiles& files);

}  // namespace slipway::http
