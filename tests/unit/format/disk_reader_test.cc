#include "format/disk_reader.h"

#include "tests/fakes/memory_source.h"
#include "tests/support/results.h"
#include "tests/unit/format/disk_reading.h"
#include "tests/unit/format/readable_disks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <random>

namespace slipway::format {
namespace {

using namespace slipway::test;  // NOLINT(google-build-using-namespace): builders of this test alone
using testing::HasSubstr;

Bytes grains_of(const std::vector<unsigned>& values) {
    Bytes content;
    for (const unsigned value : values)
        content.resize(content.size() + kDiskGrainBytes, static_cast<std::byte>(value));
    return content;
}

Result<Bytes> content_of(const Bytes& file, const ReadableDisk& disk) {
    MemorySource source(file);
    return read_disk(source, disk.disk_format, disk.container_format, 64);
}

const ReadableDisk& disk_named(const std::string& name) {
    const auto& disks = readable_disks();
    return *std::find_if(disks.begin(), disks.end(), [&](const auto& d) { return d.name == name; });
}

class EveryDisk : public testing::TestWithParam<ReadableDisk> {};

TEST_P(EveryDisk, IsReadAsAGuestSeesIt) {
    const ReadableDisk& disk = GetParam();
    const Bytes file = disk.make();
    const auto content = content_of(file, disk);
    ASSERT_OK(content);
    EXPECT_TRUE(*content == (disk.grains.empty() ? file : grains_of(disk.grains)));
}

TEST_P(EveryDisk, ReportsWhatTheStoreReportsWhicheverReadFails) {
    const ReadableDisk& disk = GetParam();
    const Bytes file = disk.make();
    MemorySource whole(file);
    ASSERT_OK(read_disk(whole, disk.disk_format, disk.container_format));
    for (std::size_t n = 0; n < whole.reads(); ++n) {
        MemorySource source(file);
        source.fail_from(n);
        EXPECT_ERROR(Errc::unavailable, read_disk(source, disk.disk_format, disk.container_format))
            << "read " << n;
    }
}

// Whatever is broken, the outcome is a disk or an error that says so; sanitizers watch.
TEST_P(EveryDisk, SurvivesDamageToItsMetadata) {
    const ReadableDisk& disk = GetParam();
    Bytes file = disk.make();
    const bool has_large_tables = disk.name == "vhdx";
    std::mt19937 random(1);
    for (int round = 0; round < (has_large_tables ? 200 : 600) && !disk.metadata.empty(); ++round) {
        const auto& [first, last] = disk.metadata[random() % disk.metadata.size()];
        const std::size_t at = first + random() % (last - first + 1);
        const std::size_t width = 1U + random() % 4;
        const Bytes before(
            file.begin() + static_cast<std::ptrdiff_t>(at),
            file.begin() + static_cast<std::ptrdiff_t>(std::min(at + width, file.size()))
        );
        const auto value = random() % 3 == 0 ? std::byte{0xFF} : static_cast<std::byte>(random());
        std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), before.size(), value);
        // Checksums would keep most of the damage from being seen.
        if (round % 2 == 0 && disk.name == "vhd") seal_vhd(file);
        if (round % 2 == 0 && has_large_tables) seal_vhdx(file);
        if (const auto content = content_of(file, disk); !content) {
            const Errc code = content.error().code;
            EXPECT_TRUE(code == Errc::corrupt || code == Errc::unsupported)
                << content.error().message << " at " << at;
        }
        std::copy(before.begin(), before.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
        if (round % 2 == 0 && disk.name == "vhd") seal_vhd(file);
        if (round % 2 == 0 && has_large_tables) seal_vhdx(file);
    }
}

TEST_P(EveryDisk, IsCorruptOrRefusedWhereverItsMetadataAreCutOff) {
    const ReadableDisk& disk = GetParam();
    const Bytes file = disk.make();
    for (const auto& [first, last] : disk.metadata) {
        for (const std::size_t end : {first, (first + last) / 2, last}) {
            const Bytes cut(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(end));
            const auto content = content_of(cut, disk);
            if (content) {
                // A bare extent of any length is a disk.
                EXPECT_EQ(end, 0U);
                continue;
            }
            const Errc code = content.error().code;
            EXPECT_TRUE(code == Errc::corrupt || code == Errc::unsupported) << "cut at " << end;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryFormat,
    EveryDisk,
    testing::ValuesIn(readable_disks()),
    [](const auto& info) { return info.param.name; }
);

TEST(DiskReader, PadsARawDiskToWholeSectors) {
    const Bytes file(70'001, std::byte{1});
    MemorySource source(file);
    const auto disk = run(open_disk(source, "raw", "bare")).value();
    EXPECT_EQ(disk->capacity_bytes(), 70'144U);
    EXPECT_EQ(run(disk->used_grains()).value().used(), 2U);
    std::array<std::byte, kDiskGrainBytes> grain{};
    ASSERT_OK(run(disk->read_grain(1, grain)));
    EXPECT_EQ(grain[70'000 - 65'536], std::byte{1});
    EXPECT_EQ(grain[70'001 - 65'536], std::byte{0});
}

TEST(DiskReader, ReadsSectorsOfAVhdWithoutTheirBitAsZeros) {
    Bytes file = readable_vhd();
    file[2048] = std::byte{0x7F};
    const auto content = content_of(file, disk_named("vhd")).value();
    EXPECT_EQ(content[65'536 + 511], std::byte{0});
    EXPECT_EQ(content[65'536 + 512], std::byte{0x55});
}

TEST(DiskReader, FindsTheFooterOfAStreamBeforeItsPadding) {
    Bytes file = stream_with_footer();
    file.resize(file.size() + 8192);
    EXPECT_OK(content_of(file, disk_named("stream")));
}

TEST(DiskReader, TakesTheVhdxHeaderThatIsWhole) {
    Bytes file = readable_vhdx();
    file[131'072 + 100] = std::byte{1};
    EXPECT_OK(content_of(file, disk_named("vhdx")));
    file[196'608 + 500] = std::byte{1};  // so with the region tables
    EXPECT_OK(content_of(file, disk_named("vhdx")));
}

TEST(DiskReader, ReadsAscendingGrainsWithOneReadOfTheTables) {
    const Bytes file = sparse_disk();
    MemorySource source(file);
    ASSERT_OK(read_disk(source, "vmdk", "bare"));
    // Early bytes, header, descriptor, one page of tables, three grains.
    EXPECT_EQ(source.reads(), 7U);
}

struct Fault {
    std::string name;
    std::string disk;
    std::function<void(Bytes&)> spoil;
    Errc code;
    std::string message;

    friend void PrintTo(const Fault& self, std::ostream* out) { *out << self.name; }
};

class FaultyDisk : public testing::TestWithParam<Fault> {};

TEST_P(FaultyDisk, IsRefusedWithItsReason) {
    const ReadableDisk& disk = disk_named(GetParam().disk);
    Bytes file = disk.make();
    GetParam().spoil(file);
    const auto content = content_of(file, disk);
    ASSERT_FALSE(content);
    EXPECT_ERROR(GetParam().code, content);
    EXPECT_THAT(content.error().message, HasSubstr(GetParam().message));
}

const std::vector<Fault> kFaults = {
    {"descriptor_alone",
     "flat_vmdk",
     [](Bytes& b) { b = bytes_of("# Disk DescriptorFile\nversion=1\nCID=1\n"); },
     Errc::unsupported,
     "descriptor without its disk"},
    {"cowd", "flat_vmdk", [](Bytes& b) { put_text(b, 0, "COWD"); }, Errc::unsupported, "COWD"},
    {"empty_raw", "raw", [](Bytes& b) { b.clear(); }, Errc::unsupported, "0 bytes"},
    {"vmdk_with_parent",
     "stream",
     [](Bytes& b) { put_text(b, 512 + 45, "parentCID=5e1f0a2b"); },
     Errc::unsupported,
     "it has a parent"},
    {"grain_behind_the_end",
     "sparse",
     [](Bytes& b) { put32le(b, 27 * 512, 100'000); },
     Errc::corrupt,
     "outside the data"},
    {"grain_among_the_tables",
     "sparse",
     [](Bytes& b) { put32le(b, 27 * 512, 2); },
     Errc::corrupt,
     "outside the data"},
    {"table_behind_the_end",
     "sparse",
     [](Bytes& b) { put32le(b, 26 * 512, 0xFFFFFFFF); },
     Errc::corrupt,
     "outside the file"},
    {"grain_of_another_place",
     "stream",
     [](Bytes& b) { put64le(b, 2 * 512, 0); },
     Errc::corrupt,
     "not the one"},
    {"grain_of_4_gib",
     "stream",
     [](Bytes& b) { put32le(b, 2 * 512 + 8, 0xFFFFFFFF); },
     Errc::corrupt,
     "unusual length"},
    {"grain_that_is_no_zlib",
     "stream",
     [](Bytes& b) { put32be(b, 2 * 512 + 12, 0); },
     Errc::corrupt,
     "can not be unpacked"},
    {"grain_with_a_wrong_checksum",
     "stream",
     [](Bytes& b) { b[2 * 512 + 12 + 84] = std::byte{0}; },
     Errc::corrupt,
     "can not be unpacked"},
    {"footer_of_another_file",
     "stream",
     [](Bytes& b) { put64le(b, 12 * 512 + 12, 512); },
     Errc::corrupt,
     "contradicts its header"},
    {"footer_without_marker",
     "stream",
     [](Bytes& b) { put32le(b, 11 * 512 + 12, 2); },
     Errc::corrupt,
     "footer is missing"},
    {"directory_out_of_reach",
     "stream",
     [](Bytes& b) { put64le(b, 12 * 512 + 56, ~0ULL >> 1U); },
     Errc::corrupt,
     "lies outside the file"},
    {"qcow2_backing_file",
     "qcow2",
     [](Bytes& b) { put64be(b, 8, 512); },
     Errc::unsupported,
     "backing file"},
    {"qcow2_data_file",
     "qcow2",
     [](Bytes& b) { put64be(b, 72, 4); },
     Errc::unsupported,
     "another file"},
    {"qcow2_extended_tables",
     "qcow2",
     [](Bytes& b) { put64be(b, 72, 16); },
     Errc::unsupported,
     "unknown features"},
    {"qcow2_encrypted",
     "qcow2",
     [](Bytes& b) { put32be(b, 32, 1); },
     Errc::unsupported,
     "encrypted"},
    {"qcow2_dirty",
     "qcow2",
     [](Bytes& b) { put64be(b, 72, 1); },
     Errc::unsupported,
     "qemu-img check -r all"},
    {"qcow2_corrupt",
     "qcow2",
     [](Bytes& b) { put64be(b, 72, 2); },
     Errc::unsupported,
     "qemu-img check -r all"},
    {"qcow2_table_out_of_line",
     "qcow2",
     [](Bytes& b) { put64be(b, 3 * 65536, 2 * 65536 + 512); },
     Errc::corrupt,
     "first table"},
    {"qcow2_table_behind_the_end",
     "qcow2",
     [](Bytes& b) { put64be(b, 3 * 65536, 1ULL << 40U); },
     Errc::corrupt,
     "outside the file"},
    {"qcow2_cluster_behind_the_end",
     "qcow2",
     [](Bytes& b) { put64be(b, 2 * 65536, 1ULL << 40U); },
     Errc::corrupt,
     "behind the end"},
    {"qcow2_compressed_behind_the_end",
     "qcow2",
     [](Bytes& b) { put64be(b, 2 * 65536, 1ULL << 62U | 1ULL << 40U); },
     Errc::corrupt,
     "behind the end"},
    {"qcow2_reserved_bits",
     "qcow2",
     [](Bytes& b) { put64be(b, 2 * 65536, 4 * 65536 | 2); },
     Errc::corrupt,
     "out of range"},
    {"qcow2_damaged_cluster",
     "qcow2",
     [](Bytes& b) { b[5 * 65536] = std::byte{0xFF}; },
     Errc::corrupt,
     "can not be unpacked"},
    {"qcow2_cluster_cut_off",
     "qcow2",
     [](Bytes& b) { b.pop_back(); },
     Errc::corrupt,
     "can not be unpacked"},
    {"qcow2_of_4_eib",
     "qcow2",
     [](Bytes& b) { put64be(b, 24, 1ULL << 62U); },
     Errc::unsupported,
     "does not fit its size"},
    {"qcow2_above_the_limit",
     "qcow2",
     [](Bytes& b) {
         put32be(b, 20, 21);
         put64be(b, 24, 63ULL << 40U);
         put32be(b, 36, 127);
         put64be(b, 40, 0);
         put64be(b, 48, 2U << 20U);
         b.resize(4U << 20U);
     },
     Errc::unsupported,
     "62 TiB"},
    {"qcow2_unknown_compression",
     "zstd_qcow2",
     [](Bytes& b) { b[104] = std::byte{2}; },
     Errc::unsupported,
     "compression is unknown"},
    {"qcow2_compression_unsaid",
     "zstd_qcow2",
     [](Bytes& b) { put64be(b, 72, 0); },
     Errc::corrupt,
     "about the compression"},
    {"zstd_with_a_window_of_2_gib",
     "zstd_qcow2",
     [](Bytes& b) { b[5 * 65536 + 5] = std::byte{0xA8}; },
     Errc::corrupt,
     "can not be unpacked"},
    {"vhd_wrong_checksum",
     "vhd",
     [](Bytes& b) { b[100] = std::byte{1}; },
     Errc::corrupt,
     "checksum of its footer"},
    {"vhd_wrong_header_checksum",
     "vhd",
     [](Bytes& b) { b[1000] = std::byte{1}; },
     Errc::corrupt,
     "checksum of its dynamic header"},
    {"vhd_differencing",
     "vhd",
     [](Bytes& b) {
         put32be(b, 60, 4);
         seal_vhd(b);
     },
     Errc::unsupported,
     "none with a parent"},
    {"vhd_block_behind_the_end",
     "vhd",
     [](Bytes& b) { put32be(b, 1540, 6); },
     Errc::corrupt,
     "outside the file"},
    {"vhd_cut_off",
     "fixed_vhd",
     [](Bytes& b) { b.pop_back(); },
     Errc::corrupt,
     "no footer, or is cut off"},
    {"fixed_vhd_too_short",
     "fixed_vhd",
     [](Bytes& b) { b.erase(b.begin(), b.begin() + 512); },
     Errc::corrupt,
     "cut off"},
    {"vhdx_log",
     "vhdx",
     [](Bytes& b) {
         b[131'072 + 48] = std::byte{1};
         seal_vhdx(b);
     },
     Errc::unsupported,
     "its log holds changes"},
    {"vhdx_headers",
     "vhdx",
     [](Bytes& b) { b[65'636] = b[131'172] = std::byte{1}; },
     Errc::corrupt,
     "neither of its headers"},
    {"vhdx_differencing",
     "vhdx",
     [](Bytes& b) { put32le(b, 1'114'116, 2); },
     Errc::unsupported,
     "it has a parent"},
    {"vhdx_unknown_item",
     "vhdx",
     [](Bytes& b) { b[1'048'576 + 96] = std::byte{0}; },
     Errc::unsupported,
     "unknown features"},
    {"vhdx_block_behind_the_end",
     "vhdx",
     [](Bytes& b) { put64le(b, (2U << 20U) + 8, 4ULL << 20U | 6); },
     Errc::corrupt,
     "outside the file"},
    {"vhdx_partly_present",
     "vhdx",
     [](Bytes& b) { put64le(b, (2U << 20U) + 8, 3ULL << 20U | 7); },
     Errc::corrupt,
     "outside the file"},
    {"vdi_differencing",
     "vdi",
     [](Bytes& b) { put32le(b, 76, 4); },
     Errc::unsupported,
     "none with a parent"},
    {"vdi_parent",
     "vdi",
     [](Bytes& b) { b[440] = std::byte{1}; },
     Errc::unsupported,
     "it has a parent"},
    {"vdi_block_behind_the_end",
     "vdi",
     [](Bytes& b) { put32le(b, 516, 1); },
     Errc::corrupt,
     "outside the file"},
    {"vdi_map_too_short",
     "vdi",
     [](Bytes& b) { put32le(b, 384, 2); },
     Errc::unsupported,
     "does not fit its size"},
};

INSTANTIATE_TEST_SUITE_P(OfEveryFormat, FaultyDisk, testing::ValuesIn(kFaults), [](const auto& i) {
    return i.param.name;
});

TEST(DiskReader, HasNoReaderForOtherFormatsAndContainers) {
    const Bytes file = iso_volume();
    MemorySource source(file);
    for (const std::string disk_format : {"iso", "ami", "ploop", ""})
        EXPECT_ERROR(Errc::unsupported, run(open_disk(source, disk_format, "bare")));
    EXPECT_ERROR(Errc::unsupported, run(open_disk(source, "raw", "docker")));
}

Result<Bytes> ova_content(const std::vector<TarMember>& members) {
    const Bytes file = tar_of(members);
    return content_of(file, disk_named("ova"));
}

Result<Bytes> ova_content(const std::string& ovf) {
    return ova_content({{"vm.ovf", bytes_of(ovf)}, {"disk1.vmdk", stream_with_footer()}});
}

TEST(Ova, FindsTheDiskByAnExtendedHeader) {
    const Bytes disk = stream_with_footer();
    const std::string size = std::to_string(disk.size());
    const std::string records =
        "19 path=disk1.vmdk\n" + std::to_string(9 + size.size()) + " size=" + size + "\n";
    EXPECT_OK(ova_content(
        {{"vm.ovf", bytes_of(ovf_for("", ""))}, {"pax", bytes_of(records), 'x'}, {"short", disk}}
    ));
    EXPECT_OK(ova_content(
        {{"vm.ovf", bytes_of(ovf_for("", ""))},
         {"././@LongLink", bytes_of(std::string("disk1.vmdk\0", 11)), 'L'},
         {"disk1", disk}}
    ));
}

TEST(Ova, RefusesDamagedExtendedHeaders) {
    for (const std::string records :
         {"",
          "x",
          "0 path=a\n",
          "99 path=a\n",
          "9 path=a",
          "5 a=\n\n",
          "18446744073709551616 a=b\n",
          "11 size=1x\n",
          "25 size=9999999999999999\n"}) {
        if (records.empty()) continue;
        EXPECT_ERROR(
            Errc::corrupt,
            ova_content(
                {{"vm.ovf", bytes_of(ovf_for("", ""))},
                 {"pax", bytes_of(records), 'x'},
                 {"disk1.vmdk", stream_with_footer()}}
            )
        ) << records;
    }
}

TEST(Ova, RefusesDisksThatAreCompressedSplitOrChildren) {
    EXPECT_ERROR(Errc::unsupported, ova_content(ovf_for("ovf:compression=\"gzip\"", "")));
    EXPECT_ERROR(Errc::unsupported, ova_content(ovf_for("ovf:chunkSize=\"1000\"", "")));
    EXPECT_ERROR(Errc::unsupported, ova_content(ovf_for("", "ovf:parentRef=\"other\"")));
    EXPECT_OK(ova_content(ovf_for("ovf:compression=\"identity\"", "")));
}

TEST(Ova, RefusesAnOvfThatIsNoPlainXml) {
    const std::string good = ovf_for("", "");
    const std::string body = good.substr(good.find('\n') + 1);
    EXPECT_ERROR(Errc::corrupt, ova_content(good.substr(0, good.size() / 2)));
    EXPECT_ERROR(
        Errc::corrupt,
        ova_content("<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>\n" + body)
    );
    EXPECT_ERROR(Errc::corrupt, ova_content("<!DOCTYPE x SYSTEM \"file:///etc/passwd\">\n" + body));
    EXPECT_ERROR(Errc::corrupt, ova_content(std::string(2U << 20U, ' ') + body));
    std::string deep;
    for (int i = 0; i < 100'000; ++i) deep += "<a>";
    EXPECT_ERROR(Errc::corrupt, ova_content(deep));
    EXPECT_ERROR(Errc::unsupported, ova_content("<Envelope/>"));
}

TEST(Ova, RefusesArchivesWithoutADisk) {
    const Bytes ovf = bytes_of(ovf_for("", ""));
    EXPECT_ERROR(Errc::unsupported, ova_content({{"vm.ovf", ovf}}));
    EXPECT_ERROR(Errc::unsupported, ova_content({{"disk1.vmdk", stream_with_footer()}}));
    EXPECT_ERROR(Errc::unsupported, ova_content({{"vm.ovf", ovf}, {"disk1.vmdk", mbr_disk()}}));
    EXPECT_ERROR(Errc::unsupported, ova_content({{"vm.ovf", ovf}, {"disk1.vmdk", {}, '2'}}));
    EXPECT_ERROR(
        Errc::unsupported,
        ova_content(std::vector<TarMember>(500, TarMember{.name = "x", .data = {}, .type = 'g'}))
    );
}

TEST(GrainMap, CountsAndFindsUsedGrainsAcrossItsPages) {
    GrainMap map(200'000);
    for (const std::uint64_t grain : {0U, 65'535U, 65'536U, 199'999U, 0U}) map.mark(grain);
    EXPECT_EQ(map.used(), 4U);
    EXPECT_EQ(map.used_before(65'536), 2U);
    EXPECT_EQ(map.used_before(65'537), 3U);
    EXPECT_EQ(map.next_used(1), 65'535U);
    EXPECT_EQ(map.next_used(65'537), 199'999U);
    EXPECT_EQ(map.next_used(200'000), 200'000U);
    EXPECT_TRUE(map.is_used(65'536));
    EXPECT_FALSE(map.is_used(150'000));
}

TEST(GrainMap, MarksEveryGrain) {
    GrainMap map(65'537);
    map.mark_all();
    EXPECT_EQ(map.used(), 65'537U);
    EXPECT_TRUE(map.is_used(65'536));
    EXPECT_EQ(map.next_used(65'536), 65'536U);
}

}  // namespace
}  // namespace slipway::format
