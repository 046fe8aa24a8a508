#pragma once

#include "base/stream.h"
#include "format/sparse_layout.h"

namespace slipway::format {

// Wraps the bytes of a disk into the file that `layout` describes: tables, the bytes, padding.
// Memory: none besides the layout.
//
// Lifetime: `disk` must outlive it.
// Errors: those of `disk`; invalid_argument when `disk` has more or fewer bytes than the layout
// says.
class SparseWrappingSource : public ByteSource {
public:
    SparseWrappingSource(SparseLayout layout, ByteSource& disk);

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override;

private:
    awaitable<Result<std::size_t>> read_disk(std::span<std::byte> into);
    awaitable<Result<void>> expect_end_of_disk();

    SparseLayout layout_;
    ByteSource& disk_;
    std::uint64_t position_ = 0;
    bool ended_ = false;
};

}  // namespace slipway::format
