#pragma once

#include "base/stream.h"
#include "format/descriptor.h"
#include "format/disk_reader.h"

#include <memory>

namespace slipway::format {

// The contents of a disk as a stream-optimised VMDK, which NFC import takes: compressed grains in
// order, each behind its marker, each table behind its grains, directory and footer at the end.
// Grains of zeros are left out. Compresses where it runs: up to two milliseconds for a grain.
//
// Lifetime: `disk` must outlive it. Memory: the map, one grain, one table, and 4 bytes for each
// 32 MiB of the disk.
class StreamDiskSource : public ByteSource {
public:
    // `used` is that of the disk. Errors: invalid_argument for an empty disk, too_large for one
    // beyond 4 TiB.
    static Result<std::unique_ptr<StreamDiskSource>> create(
        DiskReader& disk, GrainMap used, AdapterType adapter, const DiskIdentity& identity
    );
    ~StreamDiskSource() override;

    // Errors: those of the reader; too_large when the file would reach 2 TiB.
    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    // Of the disk: that of the reader, rounded up to whole grains. How long the file will be is not
    // known before its end.
    [[nodiscard]] std::uint64_t capacity_bytes() const;

private:
    struct State;
    explicit StreamDiskSource(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

}  // namespace slipway::format
