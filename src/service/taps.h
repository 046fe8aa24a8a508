#pragma once

#include "base/digest.h"
#include "service/pump.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace slipway::service {

// md5 and one more digest of what passes, which Glance shows as checksum and os_hash_value.
class HashTap final : public Tap {
public:
    // Errors: invalid_argument for an unknown algorithm.
    static Result<HashTap> create(const std::string& algorithm);

    Result<void> see(std::span<const std::byte> chunk) override;

    struct Values {
        std::string checksum;
        std::string os_hash_value;
    };
    // Of all bytes seen; once.
    Values finish();

private:
    HashTap(Digest md5, Digest other) : md5_(std::move(md5)), other_(std::move(other)) {}

    Digest md5_;
    Digest other_;
};

// Refuses the byte after `limit_bytes`.
class SizeTap final : public Tap {
public:
    SizeTap(std::uint64_t limit_bytes, Error refusal)
        : limit_(limit_bytes), refusal_(std::move(refusal)) {}

    Result<void> see(std::span<const std::byte> chunk) override;
    [[nodiscard]] std::uint64_t seen_bytes() const { return seen_; }

private:
    std::uint64_t limit_;
    std::uint64_t seen_ = 0;
    Error refusal_;
};

// Shows `inner` only the bytes [first, first + length) of what passes.
class WindowTap final : public Tap {
public:
    WindowTap(std::uint64_t first, std::uint64_t length, std::vector<Tap*> inner)
        : first_(first), end_(first + length), inner_(std::move(inner)) {}

    Result<void> see(std::span<const std::byte> chunk) override;

private:
    std::uint64_t first_;
    std::uint64_t end_;
    std::uint64_t position_ = 0;
    std::vector<Tap*> inner_;
};

// Stops a transfer whose image was deleted meanwhile, at the next chunk.
class StopTap final : public Tap {
public:
    // The flag is shared by the transfer and whoever ends it.
    StopTap(std::shared_ptr<const std::atomic<bool>> stop, Error refusal)
        : stop_(std::move(stop)), refusal_(std::move(refusal)) {}

    Result<void> see(std::span<const std::byte> chunk) override;

private:
    std::shared_ptr<const std::atomic<bool>> stop_;
    Error refusal_;
};

}  // namespace slipway::service
