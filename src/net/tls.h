#pragma once

#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace slipway::net {

// Which TLS peers are believed. One of the ways must hold before a byte of ours is sent.
struct TlsTrust {
    // PEM bundle; empty: the system's.
    std::string ca_file;
    // Lower-case hex without colons. With any of these the leaf must match one of them, and the
    // chain is not looked at.
    std::vector<std::string> sha256_thumbprints;
    // SHA-1, as vSphere reports for hosts: only for values that came over a verified channel.
    std::vector<std::string> sha1_thumbprints;
    // No verification: only where the operator wrote so; logged at start.
    bool insecure = false;
};

// "AB:CD:…" or "abcd…" as lower-case hex; invalid_argument when it is not `bytes` bytes long.
Result<std::string> parse_thumbprint(std::string_view text, std::size_t bytes);

}  // namespace slipway::net
