#pragma once

#include "base/async.h"
#include "base/call.h"
#include "format/random_source.h"
#include "model/location.h"
#include "store/backend.h"

#include <cstdint>
#include <list>
#include <memory>
#include <vector>

namespace slipway::service {

// The data file of a stored object, read anywhere. What is read forwards comes in one request,
// whatever its length; a jump costs a request for a block.
//
// Memory: kBlocks blocks of kBlockBytes. Lifetime: `backend` must outlive it. May be read from
// anywhere: the store is spoken to on `home`.
class StoredSource final : public format::RandomSource {
public:
    static constexpr std::uint64_t kBlockBytes = 1U << 20U;
    static constexpr std::size_t kBlocks = 8;

    StoredSource(store::Backend& backend, Location location, Call call, asio::any_io_executor home);

    [[nodiscard]] std::uint64_t size_bytes() const override { return location_.stored_bytes; }
    awaitable<Result<void>> read_at(std::uint64_t offset, std::span<std::byte> into) override;

private:
    struct Block {
        std::uint64_t index = 0;
        std::vector<std::byte> bytes;
    };

    awaitable<Result<const Block*>> block(std::uint64_t index);
    awaitable<Result<void>> fill(Block& block);
    [[nodiscard]] std::uint64_t length_of(std::uint64_t index) const;

    store::Backend& backend_;
    Location location_;
    Call call_;
    asio::any_io_executor home_;
    std::list<Block> blocks_;             // the latest first
    std::unique_ptr<ByteSource> stream_;  // to the end of the file, from block next_ on
    std::uint64_t next_ = 0;              // the block after the one that was fetched last
};

}  // namespace slipway::service
