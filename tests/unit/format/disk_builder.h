#pragma once

#include "format/inspector.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Disk images made by hand, byte by byte, for the tests of the inspector.
namespace slipway::test {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const std::string& text);
Bytes read_file(const std::string& path);
void write_file(const std::string& path, const Bytes& bytes);

void put16le(Bytes& bytes, std::size_t at, std::uint64_t value);
void put32le(Bytes& bytes, std::size_t at, std::uint64_t value);
void put64le(Bytes& bytes, std::size_t at, std::uint64_t value);
void put16be(Bytes& bytes, std::size_t at, std::uint64_t value);
void put32be(Bytes& bytes, std::size_t at, std::uint64_t value);
void put64be(Bytes& bytes, std::size_t at, std::uint64_t value);
void put_text(Bytes& bytes, std::size_t at, const std::string& text);

// A disk of one used grain among three, as vSphere exports it: table, directory, footer at the end.
// Sectors: 0 header, 1 descriptor, 2 grain, 4 table marker, 5 table, 9 directory marker, 10
// directory, 11 footer marker, 12 footer, 13 end of stream.
Bytes stream_with_footer();

// A sparse disk of three grains with every grain allocated: header at 0, descriptor at sector 1,
// redundant directory 21, its table 22, directory 26, its table 27, data from sector 128.
Bytes sparse_disk();

Bytes qcow2_disk();
Bytes dynamic_vhd();
Bytes vhdx_disk();
Bytes vdi_disk();
Bytes iso_volume();
Bytes mbr_disk();
Bytes gpt_disk();
Bytes luks_volume();

struct TarMember {
    std::string name;
    Bytes data;
    char type = '0';
};
Bytes tar_of(const std::vector<TarMember>& members);

// The verdict on `bytes` when they come in chunks of `chunk`.
format::Inspection inspect(const Bytes& bytes, std::size_t chunk = 1U << 20U);

}  // namespace slipway::test
