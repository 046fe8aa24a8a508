#pragma once

#include "base/result.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace slipway {

// A running digest over bytes, by OpenSSL.
class Digest {
public:
    // `algorithm` as OpenStack names it: md5, sha1, sha256, sha512, ...
    // Errors: invalid_argument for a name that the library does not know.
    static Result<Digest> create(std::string_view algorithm);

    Digest();
    Digest(Digest&&) noexcept;
    Digest& operator=(Digest&&) noexcept;
    ~Digest();

    void update(std::span<const std::byte> bytes);
    // Lower-case hex of all bytes so far; the digest can not be used afterwards.
    std::string finish_hex();

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

std::string to_hex(std::span<const std::byte> bytes);

}  // namespace slipway
