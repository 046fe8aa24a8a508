#pragma once

#include "base/stream.h"
#include "format/disk_reader.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace slipway::format {

// The contents of a disk as a qcow2 file of version 3, with clusters of 64 KiB and the used ones
// only: header, reference counts, tables, data. Nothing is compressed.
//
// Lifetime: `disk` must outlive it. Memory: the map, 8 bytes for each 512 MiB of the disk, and one
// cluster. Source: QEMU, docs/interop/qcow2.txt.
class Qcow2DiskSource : public ByteSource {
public:
    // `used` is that of the disk.
    Qcow2DiskSource(DiskReader& disk, GrainMap used);
    ~Qcow2DiskSource() override;

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override;
    // Of the whole file.
    [[nodiscard]] std::optional<std::uint64_t> size_bytes() const override;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace slipway::format
