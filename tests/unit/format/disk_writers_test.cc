#include "format/bytes.h"
#include "format/sparse_disk_source.h"
#include "format/stream_disk_source.h"
#include "tests/fakes/memory_disk.h"
#include "tests/fakes/memory_source.h"
#include "tests/support/results.h"
#include "tests/unit/format/disk_reading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipway::format {
namespace {

using namespace slipway::test;  // NOLINT(google-build-using-namespace): builders of this test alone
using testing::ElementsAre;

const DiskIdentity kIdentity{
    "0123456789abcdef012345675e1f0a2b", "6000c290010203040506070809101112"};

// 1025 grains and a half, in three tables: grain 1 is 0x11, grain 1024 is 0x44, the last half one
// is 0x77; grain 2 is said to be used and is zeros.
MemoryDisk disk_with_holes() {
    Bytes bytes(1025 * kDiskGrainBytes + kDiskGrainBytes / 2);
    const auto fill = [&](std::uint64_t grain, std::uint64_t count, unsigned value) {
        std::fill_n(
            bytes.begin() + static_cast<std::ptrdiff_t>(grain * kDiskGrainBytes),
            count,
            static_cast<std::byte>(value)
        );
    };
    fill(1, kDiskGrainBytes, 0x11);
    fill(1024, kDiskGrainBytes, 0x44);
    fill(1025, kDiskGrainBytes / 2, 0x77);
    GrainMap used(1026);
    for (const std::uint64_t grain : {1U, 2U, 1024U, 1025U}) used.mark(grain);
    return {std::move(bytes), std::move(used)};
}

std::uint64_t number_at(const Bytes& file, std::uint64_t at) {
    return little<std::uint32_t>(file, static_cast<std::size_t>(at));
}

std::unique_ptr<SparseDiskSource> sparse_of(MemoryDisk& disk) {
    auto used = run(disk.used_grains()).value();
    return SparseDiskSource::create(disk, std::move(used), AdapterType::lsilogic, kIdentity)
        .value();
}

std::unique_ptr<StreamDiskSource> stream_of(MemoryDisk& disk) {
    auto used = run(disk.used_grains()).value();
    return StreamDiskSource::create(disk, std::move(used), AdapterType::lsilogic, kIdentity)
        .value();
}

// Rounded up to whole grains.
Bytes content_of(MemoryDisk& disk) {
    Bytes content;
    std::array<std::byte, kDiskGrainBytes> grain{};
    for (std::uint64_t i = 0; i < 1026; ++i) {
        EXPECT_OK(run(disk.read_grain(i, grain)));
        content.insert(content.end(), grain.begin(), grain.end());
    }
    return content;
}

TEST(SparseDiskSource, HoldsTheUsedGrainsBehindTheTables) {
    MemoryDisk disk = disk_with_holes();
    const auto source = sparse_of(disk);
    const Bytes file = read_source(*source, 1U << 20U).value();

    EXPECT_EQ(source->capacity_bytes(), 1026 * kDiskGrainBytes);
    EXPECT_EQ(source->size_bytes(), 65536U + 4 * kDiskGrainBytes);
    EXPECT_EQ(file.size(), 65536U + 4 * kDiskGrainBytes);
    EXPECT_EQ(number_at(file, 4), 1U);            // version
    EXPECT_EQ(number_at(file, 8), 3U);            // newline test, redundant tables
    EXPECT_EQ(number_at(file, 12), 1026U * 128);  // capacity
    EXPECT_EQ(number_at(file, 48), 21U);          // directories
    EXPECT_EQ(number_at(file, 56), 34U);
    for (const std::uint64_t directory : {21U, 34U}) {
        const std::uint64_t tables = directory + 1;
        EXPECT_EQ(number_at(file, directory * 512), tables);
        EXPECT_EQ(number_at(file, directory * 512 + 4), tables + 4);
        EXPECT_EQ(number_at(file, directory * 512 + 8), tables + 8);
        EXPECT_EQ(number_at(file, tables * 512), 0U);
        EXPECT_EQ(number_at(file, tables * 512 + 4), 128U);
        EXPECT_EQ(number_at(file, tables * 512 + 8), 256U);
        EXPECT_EQ(number_at(file, tables * 512 + 12), 0U);
        EXPECT_EQ(number_at(file, (tables + 8) * 512), 384U);
        EXPECT_EQ(number_at(file, (tables + 8) * 512 + 4), 512U);
    }
    EXPECT_EQ(file[65536], std::byte{0x11});
    EXPECT_EQ(file[3 * 65536], std::byte{0x44});
    EXPECT_EQ(file[4 * 65536 + 32767], std::byte{0x77});
    EXPECT_EQ(file[4 * 65536 + 32768], std::byte{0});
}

TEST(SparseDiskSource, GivesTheSameBytesInPiecesOfAnySize) {
    MemoryDisk disk = disk_with_holes();
    const Bytes whole = read_source(*sparse_of(disk), 1U << 20U).value();
    for (const std::size_t piece : {3U, 511U, 65535U, 65537U})
        EXPECT_TRUE(read_source(*sparse_of(disk), piece).value() == whole) << piece;
}

TEST(SparseDiskSource, IsAcceptedAndReadBack) {
    MemoryDisk disk = disk_with_holes();
    const Bytes file = read_source(*sparse_of(disk), 70'000).value();
    const Inspection found = inspect(file);
    EXPECT_OK(found.safety);
    EXPECT_EQ(found.vmdk_kind, VmdkKind::sparse);
    MemorySource source(file);
    EXPECT_TRUE(read_disk(source, "vmdk", "bare").value() == content_of(disk));
}

TEST(SparseDiskSource, RefusesEmptyDisksAndThoseBeyondTheFormat) {
    MemoryDisk empty({}, GrainMap(0));
    EXPECT_ERROR(
        Errc::invalid_argument,
        SparseDiskSource::create(empty, GrainMap(0), AdapterType::ide, kIdentity)
    );
    EXPECT_ERROR(
        Errc::invalid_argument,
        StreamDiskSource::create(empty, GrainMap(0), AdapterType::ide, kIdentity)
    );
    EXPECT_ERROR(
        Errc::too_large,
        StreamDiskSource::create(empty, GrainMap((4ULL << 24U) + 512), AdapterType::ide, kIdentity)
    );
}

TEST(StreamDiskSource, WritesGrainsTablesDirectoryFooterAndEnd) {
    MemoryDisk disk = disk_with_holes();
    const auto source = stream_of(disk);
    const Bytes file = read_source(*source, 1U << 20U).value();

    EXPECT_EQ(source->capacity_bytes(), 1026 * kDiskGrainBytes);
    EXPECT_EQ(number_at(file, 4), 3U);            // version
    EXPECT_EQ(number_at(file, 8), 0x30001U);      // newline test, compressed, markers
    EXPECT_EQ(number_at(file, 56), 0xFFFFFFFFU);  // directory at the end
    EXPECT_EQ(number_at(file, 64), 128U);         // overhead
    EXPECT_EQ(file[77], std::byte{1});            // deflate
    EXPECT_EQ(number_at(file, 128 * 512), 128U);  // first sector of grain 1
    EXPECT_GT(number_at(file, 128 * 512 + 8), 0U);
    EXPECT_LT(number_at(file, 128 * 512 + 8), 500U);
    // Grain 2 is zeros: the table of grain 1 follows, as a marker for 4 sectors.
    EXPECT_EQ(number_at(file, 129 * 512), 4U);
    EXPECT_EQ(number_at(file, 129 * 512 + 12), 1U);
    EXPECT_EQ(number_at(file, 130 * 512 + 4), 128U);
    EXPECT_EQ(number_at(file, 130 * 512 + 8), 0U);
    EXPECT_EQ(number_at(file, 134 * 512), 1024U * 128);
    EXPECT_EQ(number_at(file, 135 * 512), 1025U * 128);
    EXPECT_EQ(number_at(file, 136 * 512 + 12), 1U);
    EXPECT_EQ(number_at(file, 137 * 512), 134U);
    EXPECT_EQ(number_at(file, 137 * 512 + 4), 135U);
    EXPECT_EQ(number_at(file, 141 * 512 + 12), 2U);  // directory
    EXPECT_EQ(number_at(file, 142 * 512), 130U);
    EXPECT_EQ(number_at(file, 142 * 512 + 4), 0U);
    EXPECT_EQ(number_at(file, 142 * 512 + 8), 137U);
    EXPECT_EQ(number_at(file, 143 * 512 + 12), 3U);  // footer
    EXPECT_EQ(number_at(file, 144 * 512 + 56), 142U);
    EXPECT_EQ(number_at(file, 145 * 512 + 12), 0U);  // end
    EXPECT_EQ(file.size(), 146U * 512);
}

TEST(StreamDiskSource, GivesTheSameBytesInPiecesOfAnySize) {
    MemoryDisk disk = disk_with_holes();
    const Bytes whole = read_source(*stream_of(disk), 1U << 20U).value();
    for (const std::size_t piece : {3U, 511U, 65537U})
        EXPECT_TRUE(read_source(*stream_of(disk), piece).value() == whole) << piece;
}

TEST(StreamDiskSource, IsAcceptedAndReadBack) {
    MemoryDisk disk = disk_with_holes();
    const Bytes file = read_source(*stream_of(disk), 70'000).value();
    const Inspection found = inspect(file);
    EXPECT_OK(found.safety);
    EXPECT_EQ(found.vmdk_kind, VmdkKind::stream_optimized);
    MemorySource source(file);
    EXPECT_TRUE(read_disk(source, "vmdk", "bare").value() == content_of(disk));
}

TEST(StreamDiskSource, WritesADiskWithoutData) {
    MemoryDisk disk(Bytes(3 * kDiskGrainBytes), GrainMap(3));
    const Bytes file = read_source(*stream_of(disk), 70'000).value();
    EXPECT_OK(inspect(file).safety);
    MemorySource source(file);
    EXPECT_TRUE(read_disk(source, "vmdk", "bare").value() == Bytes(3 * kDiskGrainBytes));
}

}  // namespace
}  // namespace slipway::format
