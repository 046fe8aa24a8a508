#pragma once

#include "tests/unit/format/disk_builder.h"

#include <cstddef>
#include <string>
#include <vector>

// Small disks made by hand, with something in them that a guest can read.
namespace slipway::test {

// Four grains: hole, 0x55, 0x33 (compressed), zeros by a flag. The file ends with the compressed
// bytes. Clusters: 0 header, 1 refcounts, 2 second table, 3 first table, 4 data, 5 compressed.
Bytes readable_qcow2();
// The same, the third grain by zstd.
Bytes readable_zstd_qcow2();
// Three blocks of 64 KiB: hole, 0x55, hole. Footer at 0, header at 512, table at 1536, bitmap at
// 2048, data at 2560, footer at 68096.
Bytes readable_vhd();
// Sets the checksums of both footers and of the header, where they are.
void seal_vhd(Bytes& disk);
// 128 KiB of 0x55 and a footer.
Bytes fixed_vhd();
// Two blocks of 1 MiB: hole, 0x55. Metadata at 1 MiB, table at 2 MiB, data at 3 MiB.
Bytes readable_vhdx();
// Sets the checksums of both headers and of both region tables.
void seal_vhdx(Bytes& disk);
// Three blocks of 64 KiB: hole, 0x55, zeros. Map at 512, data at 1024.
Bytes readable_vdi();
// stream_with_footer() behind an OVF that names it.
Bytes readable_ova();
std::string ovf_for(const std::string& file_attributes, const std::string& disk_attributes);

// What a guest reads: one byte for each grain, all 64 KiB of which are like it.
struct ReadableDisk {
    std::string name;  // a test's
    std::string disk_format;
    std::string container_format;
    Bytes (*make)();
    std::vector<unsigned> grains;
    // Where its headers and tables lie, as pairs of first and last byte.
    std::vector<std::pair<std::size_t, std::size_t>> metadata;
};
const std::vector<ReadableDisk>& readable_disks();

}  // namespace slipway::test
