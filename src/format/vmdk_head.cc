#include "format/vmdk_head.h"

#include "format/disk_reader.h"

#include <algorithm>
#include <cassert>
#include <string>

namespace slipway::format {

SparseHeader our_header(std::uint64_t capacity_bytes) {
    SparseHeader header;
    header.capacity = capacity_bytes / kSectorBytes;
    header.grain = kDiskGrainBytes / kSectorBytes;
    header.descriptor_at = 1;
    header.descriptor_sectors = kHeadSectors - 1;
    header.entries_per_table = static_cast<std::uint32_t>(kEntriesPerTable);
    return header;
}

std::vector<std::byte> vmdk_head(
    const SparseHeader& header, AdapterType adapter, const DiskIdentity& identity
) {
    std::vector<std::byte> head(kHeadSectors * kSectorBytes);
    header.write(std::span(head).first(kSectorBytes));
    const std::string text = embedded_descriptor(header.kind(), header.capacity, adapter, identity);
    assert(text.size() < header.descriptor_sectors * kSectorBytes);
    std::transform(
        text.begin(),
        text.end(),
        head.begin() + static_cast<std::ptrdiff_t>(header.descriptor_at * kSectorBytes),
        [](char c) { return static_cast<std::byte>(c); }
    );
    return head;
}

}  // namespace slipway::format
