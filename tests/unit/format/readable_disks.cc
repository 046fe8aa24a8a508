#include "tests/unit/format/readable_disks.h"

#include <boost/crc.hpp>

#include <algorithm>

namespace slipway::test {

namespace {

constexpr std::size_t kGrain = 65536;
constexpr std::size_t kMebibyte = 1U << 20U;

void fill(Bytes& disk, std::size_t at, std::size_t count, unsigned value) {
    if (disk.size() < at + count) disk.resize(at + count);
    std::fill_n(
        disk.begin() + static_cast<std::ptrdiff_t>(at), count, static_cast<std::byte>(value)
    );
}

void put_bytes(Bytes& disk, std::size_t at, std::initializer_list<unsigned> values) {
    if (disk.size() < at + values.size()) disk.resize(at + values.size());
    for (const unsigned value : values) disk[at++] = static_cast<std::byte>(value);
}

// 64 KiB of 0x33, deflated: a few bytes, and zeros between them.
Bytes deflated_grain() {
    Bytes packed(79);
    put_bytes(packed, 0, {0xED, 0xC1, 0x81, 0, 0, 0, 0, 0x80, 0x20, 0xA8, 0xFD, 0xDD, 0x16, 0xA9});
    put_bytes(packed, 14, {0x0A});
    packed[78] = std::byte{0x6A};
    return packed;
}

Bytes zstd_grain() {
    Bytes packed;
    put_bytes(packed, 0, {0x28, 0xB5, 0x2F, 0xFD, 0x04, 0x58, 0x55, 0x00, 0x00, 0x10, 0x33, 0x33,
                          0x01, 0x00, 0xFB, 0x7F, 0x1D, 0x60, 0x01, 0x83, 0x13, 0x30, 0x7C});
    return packed;
}

void seal_by_sum(Bytes& disk, std::size_t at, std::size_t length, std::size_t checksum_at) {
    put32be(disk, at + checksum_at, 0);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < length; ++i) sum += std::to_integer<std::uint32_t>(disk[at + i]);
    put32be(disk, at + checksum_at, ~sum);
}

void seal_by_crc(Bytes& disk, std::size_t at, std::size_t length) {
    put32le(disk, at + 4, 0);
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
    crc.process_bytes(disk.data() + at, length);
    put32le(disk, at + 4, crc.checksum());
}

void put_vhd_footer(Bytes& disk, std::size_t at, std::uint32_t type, std::uint64_t size) {
    put_text(disk, at, "conectix");
    put64be(disk, at + 16, type == 3 ? 512 : ~0ULL);
    put64be(disk, at + 40, size);
    put64be(disk, at + 48, size);
    put32be(disk, at + 60, type);
    if (disk.size() < at + 512) disk.resize(at + 512);
}

}  // namespace

Bytes readable_qcow2() {
    Bytes disk = qcow2_disk();
    put64be(disk, 24, 4 * kGrain);
    put64be(disk, 3 * kGrain, 1ULL << 63U | 2 * kGrain);
    put64be(disk, 2 * kGrain + 8, 1ULL << 63U | 4 * kGrain);
    put64be(disk, 2 * kGrain + 16, 1ULL << 62U | 5 * kGrain);
    put64be(disk, 2 * kGrain + 24, 1);
    fill(disk, 4 * kGrain, kGrain, 0x55);
    const Bytes packed = deflated_grain();
    disk.insert(disk.end(), packed.begin(), packed.end());
    return disk;
}

Bytes readable_zstd_qcow2() {
    Bytes disk = readable_qcow2();
    put64be(disk, 72, 8);
    put32be(disk, 100, 112);
    disk[104] = std::byte{1};
    disk.resize(5 * kGrain);
    const Bytes packed = zstd_grain();
    disk.insert(disk.end(), packed.begin(), packed.end());
    return disk;
}

Bytes readable_vhd() {
    Bytes disk;
    put_vhd_footer(disk, 0, 3, 3 * kGrain);
    put_text(disk, 512, "cxsparse");
    put64be(disk, 512 + 16, 1536);
    put32be(disk, 512 + 28, 3);
    put32be(disk, 512 + 32, kGrain);
    put32be(disk, 1536, 0xFFFFFFFF);
    put32be(disk, 1540, 4);
    put32be(disk, 1544, 0xFFFFFFFF);
    fill(disk, 2048, 16, 0xFF);
    fill(disk, 2560, kGrain, 0x55);
    put_vhd_footer(disk, 2560 + kGrain, 3, 3 * kGrain);
    seal_vhd(disk);
    return disk;
}

void seal_vhd(Bytes& disk) {
    seal_by_sum(disk, 0, 512, 64);
    seal_by_sum(disk, 512, 1024, 36);
    seal_by_sum(disk, disk.size() - 512, 512, 64);
}

Bytes fixed_vhd() {
    Bytes disk;
    fill(disk, 0, 2 * kGrain, 0x55);
    put_vhd_footer(disk, 2 * kGrain, 2, 2 * kGrain);
    seal_by_sum(disk, 2 * kGrain, 512, 64);
    return disk;
}

Bytes readable_vhdx() {
    constexpr std::size_t kMetadata = kMebibyte;
    constexpr std::size_t kItems = kMetadata + kGrain;
    Bytes disk(4 * kMebibyte);
    put_text(disk, 0, "vhdxfile");
    for (const std::size_t header : {1 * kGrain, 2 * kGrain}) {
        put_text(disk, header, "head");
        put64le(disk, header + 8, header);  // the second is the newer one
        put16le(disk, header + 66, 1);
    }
    for (const std::size_t table : {3 * kGrain, 4 * kGrain}) {
        put_text(disk, table, "regi");
        put32le(disk, table + 8, 2);
        put64le(disk, table + 16, 0x4200F6232DC27766);
        put64be(disk, table + 24, 0x9D64115E9BFD4A08);
        put64le(disk, table + 32, 2 * kMebibyte);
        put32le(disk, table + 40, kMebibyte);
        put32le(disk, table + 44, 1);
        put64le(disk, table + 48, 0x4B9A47908B7CA206);
        put64be(disk, table + 56, 0xB8FE575F050F886E);
        put64le(disk, table + 64, kMetadata);
        put32le(disk, table + 72, kMebibyte);
        put32le(disk, table + 76, 1);
    }
    put_text(disk, kMetadata, "metadata");
    put16le(disk, kMetadata + 10, 3);
    put64le(disk, kMetadata + 32, 0x4D43FA36CAA16737);  // parameters
    put64be(disk, kMetadata + 40, 0xB3B633F0AA44E76B);
    put32le(disk, kMetadata + 48, kGrain);
    put32le(disk, kMetadata + 52, 8);
    put32le(disk, kMetadata + 56, 4);
    put64le(disk, kMetadata + 64, 0x4876CD1B2FA54224);  // size
    put64be(disk, kMetadata + 72, 0xB2115DBED83BF4B8);
    put32le(disk, kMetadata + 80, kGrain + 8);
    put32le(disk, kMetadata + 84, 8);
    put32le(disk, kMetadata + 88, 6);
    put64le(disk, kMetadata + 96, 0x4709A96F8141BF1D);  // sector
    put64be(disk, kMetadata + 104, 0xBA47F233A8FAAB5F);
    put32le(disk, kMetadata + 112, kGrain + 16);
    put32le(disk, kMetadata + 116, 4);
    put32le(disk, kMetadata + 120, 6);
    put32le(disk, kItems, kMebibyte);
    put64le(disk, kItems + 8, 2 * kMebibyte);
    put32le(disk, kItems + 16, 512);
    put64le(disk, 2 * kMebibyte + 8, 3 * kMebibyte | 6);
    fill(disk, 3 * kMebibyte, kMebibyte, 0x55);
    seal_vhdx(disk);
    return disk;
}

void seal_vhdx(Bytes& disk) {
    for (const std::size_t header : {1 * kGrain, 2 * kGrain}) seal_by_crc(disk, header, 4096);
    for (const std::size_t table : {3 * kGrain, 4 * kGrain}) seal_by_crc(disk, table, kGrain);
}

Bytes readable_vdi() {
    Bytes disk(1024);
    put32le(disk, 64, 0xBEDA107F);
    put32le(disk, 68, 0x00010001);
    put32le(disk, 76, 1);
    put32le(disk, 340, 512);
    put32le(disk, 344, 1024);
    put64le(disk, 368, 3 * kGrain);
    put32le(disk, 376, kGrain);
    put32le(disk, 384, 3);
    put32le(disk, 512, 0xFFFFFFFF);
    put32le(disk, 516, 0);
    put32le(disk, 520, 0xFFFFFFFE);
    fill(disk, 1024, kGrain, 0x55);
    return disk;
}

std::string ovf_for(const std::string& file_attributes, const std::string& disk_attributes) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<Envelope xmlns=\"http://schemas.dmtf.org/ovf/envelope/1\" "
           "xmlns:ovf=\"http://schemas.dmtf.org/ovf/envelope/1\">\n"
           "  <References>\n"
           "    <File ovf:href=\"notes.txt\" ovf:id=\"file0\"/>\n"
           "    <File ovf:href=\"disk1.vmdk\" ovf:id=\"file1\" " +
           file_attributes +
           "/>\n"
           "  </References>\n"
           "  <DiskSection>\n"
           "    <Info>Disks</Info>\n"
           "    <Disk ovf:capacity=\"1\" ovf:diskId=\"empty\"/>\n"
           "    <Disk ovf:capacity=\"196608\" ovf:diskId=\"vmdisk1\" ovf:fileRef=\"file1\" " +
           disk_attributes +
           "/>\n"
           "  </DiskSection>\n"
           "</Envelope>\n";
}

Bytes readable_ova() {
    return tar_of(
        {{"vm.ovf", bytes_of(ovf_for("", ""))},
         {"notes.txt", bytes_of("notes")},
         {"disk1.vmdk", stream_with_footer()}}
    );
}

const std::vector<ReadableDisk>& readable_disks() {
    static const std::vector<ReadableDisk> disks = {
        {"raw", "raw", "bare", mbr_disk, {}, {}},
        {"flat_vmdk", "vmdk", "bare", mbr_disk, {}, {}},
        {"sparse", "vmdk", "bare", sparse_disk, {0x55, 0x55, 0x55}, {{0, 600}, {13312, 13840}}},
        {"stream", "vmdk", "bare", stream_with_footer, {0, 0x55, 0}, {{0, 7167}}},
        {"qcow2",
         "qcow2",
         "bare",
         readable_qcow2,
         {0, 0x55, 0x33, 0},
         {{0, 111}, {131072, 131104}, {196608, 196624}, {327680, 327758}}},
        {"zstd_qcow2",
         "qcow2",
         "bare",
         readable_zstd_qcow2,
         {0, 0x55, 0x33, 0},
         {{0, 111}, {131072, 131104}, {196608, 196624}, {327680, 327702}}},
        {"vhd", "vhd", "bare", readable_vhd, {0, 0x55, 0}, {{0, 2559}}},
        {"fixed_vhd", "vhd", "bare", fixed_vhd, {0x55, 0x55}, {{131072, 131583}}},
        {"vhdx",
         "vhdx",
         "bare",
         readable_vhdx,
         {0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
          0,    0,    0,    0,    0,    0x55, 0x55, 0x55, 0x55, 0x55, 0x55,
          0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55},
         {{65536, 65640},
          {196608, 196700},
          {1048576, 1048720},
          {1114112, 1114140},
          {2097152, 2097168}}},
        {"vdi", "vdi", "bare", readable_vdi, {0, 0x55, 0}, {{0, 523}}},
        {"ova", "vmdk", "ova", readable_ova, {0, 0x55, 0}, {{0, 10239}}},
    };
    return disks;
}

}  // namespace slipway::test
