#pragma once

#include "format/detector.h"
#include "format/disk_reader.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// One function per format that open_disk() knows; each as open_disk().
namespace slipway::format {

using OpenedDisk = Result<std::unique_ptr<DiskReader>>;

awaitable<OpenedDisk> open_vmdk(RandomSource& source);
awaitable<OpenedDisk> open_qcow2(RandomSource& source);
awaitable<OpenedDisk> open_vhd(RandomSource& source);
awaitable<OpenedDisk> open_vhdx(RandomSource& source);
awaitable<OpenedDisk> open_vdi(RandomSource& source);
awaitable<OpenedDisk> open_ova(RandomSource& source);

// "the qcow2 image is damaged: a table lies outside the file"
Error damaged(std::string_view format, std::string_view what);

// Whether a disk may be as large, and how large it is in whole sectors.
// Errors: unsupported beyond what ESXi can attach, and for 0 bytes.
Result<std::uint64_t> checked_capacity(std::string_view format, std::uint64_t bytes);

// So many bytes from `offset` on. Errors: corrupt where the file ends before; those of the source.
awaitable<Result<std::vector<std::byte>>> read_piece(
    RandomSource& source, std::string_view format, std::uint64_t offset, std::size_t length
);

}  // namespace slipway::format
