#include "tests/unit/format/disk_builder.h"

#include "format/sparse_layout.h"

#include <algorithm>
#include <fstream>
#include <span>

namespace slipway::test {

namespace {

void put(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width, bool big) {
    if (bytes.size() < at + width) bytes.resize(at + width);
    for (std::size_t i = 0; i < width; ++i)
        bytes[at + (big ? width - 1 - i : i)] = static_cast<std::byte>(value >> (8 * i) & 0xFFU);
}

void append(Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
}

// The digits of a tar header.
std::string octal(std::uint64_t value, std::size_t digits) {
    std::string text(digits, '0');
    for (std::size_t i = digits; i-- > 0; value /= 8) text[i] = static_cast<char>('0' + value % 8);
    return text;
}

}  // namespace

Bytes bytes_of(const std::string& text) {
    Bytes bytes;
    for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
    return bytes;
}

Bytes read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    Bytes bytes(static_cast<std::size_t>(file.tellg()));
    file.seekg(0);
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return bytes;
}

void write_file(const std::string& path, const Bytes& bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(
        reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())
    );
}

void put16le(Bytes& b, std::size_t at, std::uint64_t v) {
    put(b, at, v, 2, false);
}
void put32le(Bytes& b, std::size_t at, std::uint64_t v) {
    put(b, at, v, 4, false);
}
void put64le(Bytes& b, std::size_t at, std::uint64_t v) {
    put(b, at, v, 8, false);
}
void put16be(Bytes& b, std::size_t at, std::uint64_t v) {
    put(b, at, v, 2, true);
}
void put32be(Bytes& b, std::size_t at, std::uint64_t v) {
    put(b, at, v, 4, true);
}
void put64be(Bytes& b, std::size_t at, std::uint64_t v) {
    put(b, at, v, 8, true);
}

void put_text(Bytes& bytes, std::size_t at, const std::string& text) {
    if (bytes.size() < at + text.size()) bytes.resize(at + text.size());
    for (std::size_t i = 0; i < text.size(); ++i) bytes[at + i] = static_cast<std::byte>(text[i]);
}

Bytes stream_with_footer() {
    Bytes disk(14 * 512);
    put_text(disk, 0, "KDMV");
    put32le(disk, 4, 3);
    put32le(disk, 8, 0x30001);
    put64le(disk, 12, 384);
    put64le(disk, 20, 128);
    put64le(disk, 28, 1);
    put64le(disk, 36, 1);
    put32le(disk, 44, 512);
    put64le(disk, 56, ~0ULL);
    put64le(disk, 64, 2);
    put_text(disk, 73, "\n \r\n");
    put16le(disk, 77, 1);
    put_text(
        disk,
        512,
        "# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\n"
        "createType=\"streamOptimized\"\nRW 384 SPARSE \"generated-stream.vmdk\"\n"
        "ddb.adapterType = \"lsilogic\"\n"
    );
    put64le(disk, 2 * 512, 128);  // the second grain, 700 bytes long
    put32le(disk, 2 * 512 + 8, 700);
    // 64 KiB of 0x55 by zlib, and bytes that belong to nobody.
    put64be(disk, 2 * 512 + 12, 0x78DAEDC181000000);
    put64be(disk, 2 * 512 + 20, 0x008020CAFD5516A9);
    put16be(disk, 2 * 512 + 28, 0x0A00);
    put64be(disk, 2 * 512 + 12 + 77, 0x0000006A27E704FC);
    put64le(disk, 4 * 512, 4);  // table
    put32le(disk, 4 * 512 + 12, 1);
    put32le(disk, 5 * 512 + 4, 2);
    put64le(disk, 9 * 512, 1);  // directory
    put32le(disk, 9 * 512 + 12, 2);
    put32le(disk, 10 * 512, 5);
    put64le(disk, 11 * 512, 1);  // footer
    put32le(disk, 11 * 512 + 12, 3);
    std::copy_n(disk.begin(), 512, disk.begin() + 12 * 512);
    put64le(disk, 12 * 512 + 56, 10);
    return disk;
}

Bytes sparse_disk() {
    const format::DiskIdentity identity{
        "0123456789abcdef012345675e1f0a2b", "6000c290010203040506070809101112"};
    const auto layout =
        format::SparseLayout::create(3 * 65536, format::AdapterType::ide, identity).value();
    Bytes disk(layout.file_bytes(), std::byte{0x55});
    layout.read_prefix(0, std::span(disk).first(layout.prefix_bytes()));
    return disk;
}

Bytes qcow2_disk() {
    Bytes disk(4 * 65536);
    put_text(disk, 0, "QFI\xfb");
    put32be(disk, 4, 3);
    put32be(disk, 20, 16);
    put64be(disk, 24, 1ULL << 30U);
    put32be(disk, 36, 2);
    put64be(disk, 40, 3 * 65536);
    put64be(disk, 48, 65536);
    put32be(disk, 56, 1);
    put32be(disk, 100, 104);
    return disk;
}

Bytes dynamic_vhd() {
    Bytes disk(4096);
    put_text(disk, 0, "conectix");
    put64be(disk, 16, 512);
    put64be(disk, 40, 8ULL << 20U);
    put32be(disk, 60, 3);
    put_text(disk, 512, "cxsparse");
    put64be(disk, 512 + 16, 1536);
    put32be(disk, 512 + 28, 4);
    put32be(disk, 512 + 32, 2U << 20U);
    return disk;
}

Bytes vhdx_disk() {
    constexpr std::size_t kRegions = 192U << 10U;
    constexpr std::size_t kMetadata = 2U << 20U;
    Bytes disk(3U << 20U);
    put_text(disk, 0, "vhdxfile");
    put_text(disk, kRegions, "regi");
    put32le(disk, kRegions + 8, 1);
    put64le(disk, kRegions + 16, 0x4B9A47908B7CA206);
    put64be(disk, kRegions + 24, 0xB8FE575F050F886E);
    put64le(disk, kRegions + 32, kMetadata);
    put32le(disk, kRegions + 40, 1U << 20U);
    put_text(disk, kMetadata, "metadata");
    put16le(disk, kMetadata + 10, 2);
    put64le(disk, kMetadata + 32, 0x4D43FA36CAA16737);
    put64be(disk, kMetadata + 40, 0xB3B633F0AA44E76B);
    put32le(disk, kMetadata + 48, 0x10000);
    put32le(disk, kMetadata + 52, 8);
    put64le(disk, kMetadata + 64, 0x4876CD1B2FA54224);
    put64be(disk, kMetadata + 72, 0xB2115DBED83BF4B8);
    put32le(disk, kMetadata + 80, 0x10008);
    put32le(disk, kMetadata + 84, 8);
    put64le(disk, kMetadata + 0x10008, 5ULL << 30U);
    return disk;
}

Bytes vdi_disk() {
    Bytes disk(4096);
    put32le(disk, 64, 0xBEDA107F);
    put32le(disk, 76, 1);
    put64le(disk, 368, 3ULL << 30U);
    return disk;
}

Bytes iso_volume() {
    Bytes volume(20 * 2048);
    put_text(
        volume,
        32768,
        "\x01"
        "CD001"
    );
    put32le(volume, 32768 + 80, 20);
    put16le(volume, 32768 + 128, 2048);
    return volume;
}

Bytes mbr_disk() {
    Bytes disk(131072);
    put_text(disk, 446, "\x80");
    put_text(disk, 450, "\x83");
    put16le(disk, 510, 0xAA55);
    return disk;
}

Bytes gpt_disk() {
    Bytes disk(131072);
    put16le(disk, 447, 0x0200);
    disk[450] = std::byte{0xEE};
    put32le(disk, 454, 1);
    put16le(disk, 510, 0xAA55);
    return disk;
}

Bytes luks_volume() {
    Bytes volume(1U << 20U);
    put_text(volume, 0, "LUKS\xba\xbe");
    put16be(volume, 6, 1);
    put32be(volume, 104, 1024);
    return volume;
}

Bytes tar_of(const std::vector<TarMember>& members) {
    Bytes tar;
    for (const TarMember& member : members) {
        Bytes header(512);
        put_text(header, 0, member.name);
        put_text(header, 124, octal(member.data.size(), 11));
        header[156] = static_cast<std::byte>(member.type);
        put_text(header, 257, std::string("ustar\0", 6) + "00");
        std::uint64_t sum = 8 * ' ';
        for (const std::byte b : header) sum += std::to_integer<std::uint64_t>(b);
        put_text(header, 148, octal(sum, 6));
        header[155] = std::byte{' '};
        append(tar, header);
        append(tar, member.data);
        tar.resize((tar.size() + 511) / 512 * 512);
    }
    tar.resize(tar.size() + 1024);
    return tar;
}

format::Inspection inspect(const Bytes& bytes, std::size_t chunk) {
    format::Inspector inspector;
    for (std::size_t at = 0; at < bytes.size(); at += chunk)
        inspector.see(std::span(bytes).subspan(at, std::min(chunk, bytes.size() - at)));
    return inspector.finish();
}

}  // namespace slipway::test
