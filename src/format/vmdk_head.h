#pragma once

#include "format/vmdk_header.h"

#include <cstddef>
#include <cstdint>
#include <vector>

// How every VMDK file of our own begins: the header in sector 0, then 20 sectors of descriptor.
namespace slipway::format {

inline constexpr std::uint64_t kHeadSectors = 21;

// A header with 64 KiB grains and the descriptor in place; the rest is the caller's.
SparseHeader our_header(std::uint64_t capacity_bytes);

// The kHeadSectors of a file with this header.
std::vector<std::byte> vmdk_head(
    const SparseHeader& header, AdapterType adapter, const DiskIdentity& identity
);

}  // namespace slipway::format
