#include "format/qcow2_disk_source.h"
#include "format/raw_disk_source.h"
#include "tests/fakes/memory_disk.h"
#include "tests/fakes/memory_source.h"
#include "tests/fakes/temporary_folder.h"
#include "tests/support/results.h"
#include "tests/unit/format/disk_reading.h"
#include "tests/unit/format/qemu_img.h"

#include <gtest/gtest.h>

#include <fstream>

namespace slipway::format {
namespace {

using namespace slipway::test;  // NOLINT(google-build-using-namespace): builders of this test alone

// `grains` grains and `odd_bytes` more; every seventh grain is used, and the last.
MemoryDisk disk_of(std::uint64_t grains, std::uint64_t odd_bytes) {
    Bytes bytes(grains * kDiskGrainBytes + odd_bytes);
    GrainMap used((bytes.size() + kDiskGrainBytes - 1) / kDiskGrainBytes);
    for (std::uint64_t grain = 0; grain < used.grains(); ++grain) {
        if (grain % 7 != 1 && grain + 1 != used.grains()) continue;
        used.mark(grain);
        for (std::uint64_t at = grain * kDiskGrainBytes;
             at < std::min<std::uint64_t>((grain + 1) * kDiskGrainBytes, bytes.size());
             ++at)
            bytes[at] = static_cast<std::byte>((at * 31 + grain) % 251);
    }
    return {std::move(bytes), std::move(used)};
}

void write_file(const std::string& path, const Bytes& bytes) {
    std::ofstream(path, std::ios::binary)
        .write(
            reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())
        );
}

Bytes raw_of(MemoryDisk& disk) {
    RawDiskSource source(disk, run(disk.used_grains()).value());
    return read_source(source, 100'003).value();
}

Bytes qcow2_of(MemoryDisk& disk) {
    Qcow2DiskSource source(disk, run(disk.used_grains()).value());
    const auto announced = source.size_bytes();
    Bytes file = read_source(source, 100'003).value();
    EXPECT_EQ(announced, file.size());
    return file;
}

TEST(DiskConversion, QemuReadsTheQcow2AsWeReadTheDisk) {
    for (const std::uint64_t grains : {0U, 3U, 1030U, 8200U}) {
        TemporaryFolder folder;
        MemoryDisk disk = disk_of(grains, 1024);
        const Bytes raw = raw_of(disk);
        EXPECT_EQ(raw.size(), grains * kDiskGrainBytes + 1024);
        const Bytes qcow2 = qcow2_of(disk);
        write_file(folder.file("disk.raw"), raw);
        write_file(folder.file("disk.qcow2"), qcow2);
        const auto checked = qemu_img({"check", "-f", "qcow2", folder.file("disk.qcow2")});
        EXPECT_EQ(checked.status, 0) << checked.output;
        EXPECT_NE(checked.output.find("No errors"), std::string::npos) << checked.output;
        const auto compared = qemu_img(
            {"compare",
             "-f",
             "raw",
             "-F",
             "qcow2",
             folder.file("disk.raw"),
             folder.file("disk.qcow2")}
        );
        EXPECT_EQ(compared.status, 0) << compared.output;
    }
}

TEST(DiskConversion, WeReadTheQcow2BackToo) {
    MemoryDisk disk = disk_of(1030, 512);
    const Bytes bytes = qcow2_of(disk);
    MemorySource file(bytes);
    EXPECT_EQ(read_disk(file, "qcow2", "bare").value(), raw_of(disk));
}

TEST(DiskConversion, AnEmptyDiskIsTablesOnly) {
    MemoryDisk disk{Bytes(10 * kDiskGrainBytes), GrainMap(10)};
    EXPECT_EQ(qcow2_of(disk).size(), 4 * kDiskGrainBytes);
    EXPECT_EQ(raw_of(disk).size(), 10 * kDiskGrainBytes);
}

}  // namespace
}  // namespace slipway::format
