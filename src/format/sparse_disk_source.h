#pragma once

#include "base/stream.h"
#include "format/descriptor.h"
#include "format/disk_reader.h"

#include <cstdint>
#include <memory>

namespace slipway::format {

// The contents of a disk as a hosted sparse file (monolithicSparse) that holds its used grains
// only, in order: header, descriptor, tables, grains.
//
// Lifetime: `disk` must outlive it. Memory: the map, and one grain.
class SparseDiskSource : public ByteSource {
public:
    // `used` is that of the disk. Errors: invalid_argument for an empty disk, too_large for one
    // that would not fit into a file of 2 TiB if all of it were used.
    static Result<std::unique_ptr<SparseDiskSource>> create(
        DiskReader& disk, GrainMap used, AdapterType adapter, const DiskIdentity& identity
    );
    ~SparseDiskSource() override;

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    // Of the whole file.
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override;
    // Of the disk: that of the reader, rounded up to whole grains.
    [[nodiscard]] std::uint64_t capacity_bytes() const;

private:
    struct State;
    explicit SparseDiskSource(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace slipway::format
