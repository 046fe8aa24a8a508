#pragma once

#include "format/random_source.h"

namespace slipway::format {

// A part of a file as if it were one. `whole` must outlive it, and have so many bytes.
class SliceSource : public RandomSource {
public:
    SliceSource(RandomSource& whole, std::uint64_t offset, std::uint64_t size_bytes)
        : whole_(whole), offset_(offset), size_bytes_(size_bytes) {}

    [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }

    awaitable<Result<void>> read_at(std::uint64_t offset, std::span<std::byte> into) override {
        if (offset > size_bytes_ || into.size() > size_bytes_ - offset)
            co_return Error(Errc::corrupt, "the image is damaged: a file in it ends too early");
        co_return co_await whole_.read_at(offset_ + offset, into);
    }

private:
    RandomSource& whole_;
    std::uint64_t offset_;
    std::uint64_t size_bytes_;
};

}  // namespace slipway::format
