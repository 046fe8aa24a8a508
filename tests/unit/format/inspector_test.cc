#include "format/inspector.h"

#include "tests/fakes/temporary_folder.h"
#include "tests/unit/format/disk_builder.h"
#include "tests/unit/format/qemu_img.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <random>

namespace slipway::format {
namespace {

using namespace slipway::test;  // NOLINT(google-build-using-namespace): builders of this test alone
using testing::HasSubstr;

struct Sample {
    std::string name;
    std::function<Bytes()> make;
    DiskFormat format;
    std::uint64_t virtual_size;

    friend void PrintTo(const Sample& self, std::ostream* out) { *out << self.name; }
};

std::string sample_name(const testing::TestParamInfo<Sample>& info) {
    return info.param.name;
}

// Byte by byte too, where that does not take long.
std::vector<std::size_t> cuts_of(const Bytes& bytes) {
    return {bytes.size() < 300'000 ? 1U : 101U, 511, 512, 513, 1U << 20U};
}

class GoodImage : public testing::TestWithParam<Sample> {};

TEST_P(GoodImage, IsRecognisedAndSafeHoweverItIsCut) {
    const Bytes bytes = GetParam().make();
    for (const std::size_t chunk : cuts_of(bytes)) {
        const Inspection found = inspect(bytes, chunk);
        EXPECT_EQ(found.format, GetParam().format) << "in chunks of " << chunk;
        EXPECT_EQ(found.virtual_size, GetParam().virtual_size) << "in chunks of " << chunk;
        EXPECT_TRUE(found.safety) << found.safety.error().message;
    }
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryFormat,
    GoodImage,
    testing::Values(
        Sample{"raw", [] { return Bytes(100'000, std::byte{1}); }, DiskFormat::raw, 100'000},
        Sample{"short_raw", [] { return Bytes(5, std::byte{1}); }, DiskFormat::raw, 5},
        Sample{"empty", [] { return Bytes(); }, DiskFormat::raw, 0},
        Sample{"sparse", sparse_disk, DiskFormat::vmdk, 196'608},
        Sample{"stream", stream_with_footer, DiskFormat::vmdk, 196'608},
        Sample{"qcow2", qcow2_disk, DiskFormat::qcow2, 1ULL << 30U},
        Sample{"vhd", dynamic_vhd, DiskFormat::vhd, 8ULL << 20U},
        Sample{"vhdx", vhdx_disk, DiskFormat::vhdx, 5ULL << 30U},
        Sample{"vdi", vdi_disk, DiskFormat::vdi, 3ULL << 30U},
        Sample{"iso", iso_volume, DiskFormat::iso, 40'960},
        Sample{"mbr", mbr_disk, DiskFormat::gpt, 131'072},
        Sample{"gpt", gpt_disk, DiskFormat::gpt, 131'072},
        Sample{"luks", luks_volume, DiskFormat::luks, (1ULL << 20U) - 524'288}
    ),
    sample_name
);

struct Violation {
    std::string name;
    std::function<Bytes()> make;
    std::function<void(Bytes&)> spoil;

    friend void PrintTo(const Violation& self, std::ostream* out) { *out << self.name; }
};

class SpoiledImage : public testing::TestWithParam<Violation> {};

TEST_P(SpoiledImage, IsUnsafeHoweverItIsCutAndDeclared) {
    Bytes bytes = GetParam().make();
    GetParam().spoil(bytes);
    for (const std::size_t chunk : cuts_of(bytes)) {
        const Inspection found = inspect(bytes, chunk);
        ASSERT_FALSE(found.safety) << "in chunks of " << chunk;
        EXPECT_EQ(found.safety.error().code, Errc::unsupported);
        for (const char* declared : {"raw", "vmdk", "qcow2", "iso"})
            EXPECT_FALSE(check_declared({declared, "bare", ""}, found, {false})) << declared;
    }
}

std::function<void(Bytes&)> at32le(std::size_t at, std::uint64_t value) {
    return [=](Bytes& bytes) { put32le(bytes, at, value); };
}
std::function<void(Bytes&)> at64le(std::size_t at, std::uint64_t value) {
    return [=](Bytes& bytes) { put64le(bytes, at, value); };
}
std::function<void(Bytes&)> at32be(std::size_t at, std::uint64_t value) {
    return [=](Bytes& bytes) { put32be(bytes, at, value); };
}
std::function<void(Bytes&)> at64be(std::size_t at, std::uint64_t value) {
    return [=](Bytes& bytes) { put64be(bytes, at, value); };
}
std::function<void(Bytes&)> text(std::size_t at, std::string value) {
    return [=](Bytes& bytes) { put_text(bytes, at, value); };
}
std::function<void(Bytes&)> cut(std::size_t length) {
    return [=](Bytes& bytes) { bytes.resize(length); };
}
std::function<void(Bytes&)> longer(std::size_t by) {
    return [=](Bytes& bytes) { bytes.resize(bytes.size() + by); };
}

std::string violation_name(const testing::TestParamInfo<Violation>& info) {
    return info.param.name;
}

constexpr std::size_t kSector = 512;

INSTANTIATE_TEST_SUITE_P(
    Sparse,
    SpoiledImage,
    testing::Values(
        Violation{"version_0", sparse_disk, at32le(4, 0)},
        Violation{"version_4", sparse_disk, at32le(4, 4)},
        Violation{"unknown_flag", sparse_disk, at32le(8, 0x0B)},
        Violation{"compressed_only", sparse_disk, at32le(8, 0x10003)},
        Violation{"markers_only", sparse_disk, at32le(8, 0x20003)},
        Violation{"stream_flags", sparse_disk, at32le(8, 0x30003)},
        Violation{"no_capacity", sparse_disk, at64le(12, 0)},
        Violation{"capacity_of_half_a_grain", sparse_disk, at64le(12, 320)},
        Violation{"capacity_above_the_limit", sparse_disk, at64le(12, 1ULL << 40U)},
        Violation{"greatest_capacity", sparse_disk, at64le(12, ~0ULL << 7U)},
        Violation{"no_grain", sparse_disk, at64le(20, 0)},
        Violation{"small_grain", sparse_disk, at64le(20, 4)},
        Violation{"large_grain", sparse_disk, at64le(20, 4096)},
        Violation{"grain_no_power_of_two", sparse_disk, at64le(20, 96)},
        Violation{"descriptor_elsewhere", sparse_disk, at64le(28, 2)},
        Violation{"no_descriptor", sparse_disk, at64le(36, 0)},
        Violation{"large_descriptor", sparse_disk, at64le(36, 129)},
        Violation{"table_size", sparse_disk, at32le(44, 1024)},
        Violation{"directory_at_the_end", sparse_disk, at64le(56, ~0ULL)},
        Violation{"directory_in_the_descriptor", sparse_disk, at64le(56, 5)},
        Violation{"directory_among_the_data", sparse_disk, at64le(56, 128)},
        Violation{"directory_far_away", sparse_disk, at64le(56, ~0ULL - 1)},
        Violation{"same_directory_twice", sparse_disk, at64le(56, 21)},
        Violation{"overhead_0", sparse_disk, at64le(64, 0)},
        Violation{"overhead_far_away", sparse_disk, at64le(64, 1ULL << 60U)},
        Violation{"newlines", sparse_disk, text(73, "\r\n \n")},
        Violation{"compression", sparse_disk, text(77, "\x01")},
        Violation{"other_capacity_in_descriptor", sparse_disk, at64le(12, 256)},
        Violation{"other_kind_in_descriptor", sparse_disk, text(kSector, "createType=\"vmfs\"\n")},
        Violation{"device_extent", sparse_disk, text(kSector, "RW 9 VMFSRDM \"/dev/sda\"\n")},
        Violation{"binary_descriptor", sparse_disk, text(kSector + 30, "\x01")},
        Violation{"table_before_directory", sparse_disk, at32le(26 * kSector, 25)},
        Violation{"table_among_the_data", sparse_disk, at32le(26 * kSector, 127)},
        Violation{"redundant_table_overlaps", sparse_disk, at32le(21 * kSector, 24)},
        Violation{"grain_in_the_tables", sparse_disk, at32le(27 * kSector, 64)},
        Violation{"grain_in_the_header", sparse_disk, at32le(27 * kSector, 1)},
        Violation{"grain_behind_the_end", sparse_disk, at32le(27 * kSector, 512)},
        Violation{"grain_half_behind_the_end", sparse_disk, at32le(27 * kSector, 385)},
        Violation{"grain_beyond_the_capacity", sparse_disk, at32le(27 * kSector + 12, 128)},
        Violation{"copies_differ", sparse_disk, at32le(27 * kSector, 256)},
        Violation{"copies_differ_by_a_hole", sparse_disk, at32le(21 * kSector, 0)},
        Violation{"cut_in_the_header", sparse_disk, cut(300)},
        Violation{"cut_in_the_descriptor", sparse_disk, cut(kSector + 100)},
        Violation{"cut_in_the_tables", sparse_disk, cut(28 * kSector)},
        Violation{"cut_before_the_data", sparse_disk, cut(128 * kSector)},
        Violation{"cut_in_the_data", sparse_disk, cut(512 * kSector - 1)}
    ),
    violation_name
);

INSTANTIATE_TEST_SUITE_P(
    Stream,
    SpoiledImage,
    testing::Values(
        Violation{"not_compressed", stream_with_footer, text(77, std::string(1, '\0'))},
        Violation{"sparse_flags", stream_with_footer, at32le(8, 1)},
        Violation{"directory_before_data", stream_with_footer, at64le(56, 2)},
        Violation{"grain_beyond_the_disk", stream_with_footer, at64le(2 * kSector, 384)},
        Violation{"grain_between_grains", stream_with_footer, at64le(2 * kSector, 64)},
        Violation{"grain_too_large", stream_with_footer, at32le(2 * kSector + 8, 131'073)},
        Violation{"grain_of_4_gib", stream_with_footer, at32le(2 * kSector + 8, 0xFFFFFFFF)},
        Violation{"unknown_marker", stream_with_footer, at32le(4 * kSector + 12, 4)},
        Violation{"marker_with_tail", stream_with_footer, text(4 * kSector + 400, "x")},
        Violation{"table_too_long", stream_with_footer, at64le(4 * kSector, 5)},
        Violation{"table_names_metadata", stream_with_footer, at32le(5 * kSector + 4, 1)},
        Violation{"table_names_itself", stream_with_footer, at32le(5 * kSector + 4, 5)},
        Violation{"table_beyond_capacity", stream_with_footer, at32le(5 * kSector + 12, 2)},
        Violation{"directory_names_other", stream_with_footer, at32le(10 * kSector, 6)},
        Violation{"directory_names_nothing", stream_with_footer, at32le(10 * kSector, 0)},
        Violation{"huge_payload", stream_with_footer, at64le(9 * kSector, ~0ULL)},
        Violation{"footer_with_footer", stream_with_footer, at64le(12 * kSector + 56, ~0ULL)},
        Violation{"footer_elsewhere", stream_with_footer, at64le(12 * kSector + 56, 9)},
        Violation{"footer_other_magic", stream_with_footer, text(12 * kSector, "COWD")},
        Violation{"footer_other_version", stream_with_footer, at32le(12 * kSector + 4, 2)},
        Violation{"footer_other_capacity", stream_with_footer, at64le(12 * kSector + 12, 512)},
        Violation{"footer_other_descriptor", stream_with_footer, at64le(12 * kSector + 28, 2)},
        Violation{"no_footer", stream_with_footer, at64le(11 * kSector, 0)},
        Violation{
            "end_in_place_of_footer",
            stream_with_footer,
            [](Bytes& b) {
                put64le(b, 11 * kSector, 0);
                put32le(b, 11 * kSector + 12, 0);
            }},
        Violation{"end_with_payload", stream_with_footer, at64le(13 * kSector, 1)},
        Violation{"grain_after_footer", stream_with_footer, at32le(13 * kSector + 8, 20)},
        Violation{"something_after_the_end", stream_with_footer, longer(512)},
        Violation{"no_end", stream_with_footer, cut(13 * kSector)},
        Violation{"cut_end", stream_with_footer, cut(13 * kSector + 100)},
        Violation{"cut_in_footer", stream_with_footer, cut(12 * kSector + 100)},
        Violation{"cut_in_table", stream_with_footer, cut(6 * kSector)},
        Violation{"cut_in_grain", stream_with_footer, cut(3 * kSector)},
        Violation{"no_data", stream_with_footer, cut(2 * kSector)}
    ),
    violation_name
);

Bytes nothing() {
    return Bytes(70'000);
}

INSTANTIATE_TEST_SUITE_P(
    ForeignVmdk,
    SpoiledImage,
    testing::Values(
        Violation{"cowd", nothing, text(0, "COWD")},
        Violation{"sesparse", nothing, at64le(0, 0xCAFEBABE)},
        Violation{"descriptor", nothing, text(0, "# Disk DescriptorFile\nversion=1\n")},
        Violation{"short_descriptor", [] { return Bytes(); }, text(0, "createType=\"vmfs\"")},
        Violation{"descriptor_in_capitals", nothing, text(0, "\n\n#x\n CREATETYPE = \"vmfs\"")},
        Violation{
            "descriptor_by_version", nothing, text(0, "#\nversion=1\nCID=1\nRW 1 FLAT \"x\"")},
        Violation{"late_create_type", nothing, text(0, std::string(60'000, '\n') + "createType=x")}
    ),
    violation_name
);

INSTANTIATE_TEST_SUITE_P(
    OtherDisks,
    SpoiledImage,
    testing::Values(
        Violation{"qcow2_backing_file", qcow2_disk, at64be(8, 512)},
        Violation{"qcow2_version_1", qcow2_disk, at32be(4, 1)},
        Violation{"qcow2_version_4", qcow2_disk, at32be(4, 4)},
        Violation{"qcow2_external_data", qcow2_disk, at64be(72, 4)},
        Violation{"qcow2_extended_l2", qcow2_disk, at64be(72, 16)},
        Violation{"qcow2_unknown_feature", qcow2_disk, at64be(72, 1ULL << 63U)},
        Violation{"qcow2_short_header", qcow2_disk, at32be(100, 96)},
        Violation{"qcow2_small_cluster", qcow2_disk, at32be(20, 8)},
        Violation{"qcow2_huge_cluster", qcow2_disk, at32be(20, 63)},
        Violation{"qcow2_encryption", qcow2_disk, at32be(32, 3)},
        Violation{"qcow2_huge", qcow2_disk, at64be(24, 1ULL << 62U)},
        Violation{"qcow2_small_table", qcow2_disk, at32be(36, 1)},
        Violation{"qcow2_huge_table", qcow2_disk, at32be(36, 0xFFFFFFFF)},
        Violation{"qcow2_table_outside", qcow2_disk, at64be(40, 5 * 65536)},
        Violation{"qcow2_table_unaligned", qcow2_disk, at64be(40, 65537)},
        Violation{"qcow2_refcounts_outside", qcow2_disk, at64be(48, 1ULL << 40U)},
        Violation{"qcow2_many_refcounts", qcow2_disk, at32be(56, 0xFFFFFFFF)},
        Violation{
            "qcow2_snapshots_outside",
            qcow2_disk,
            [](Bytes& b) {
                put32be(b, 60, 1);
                put64be(b, 64, 1ULL << 40U);
            }},
        Violation{"qcow2_cut", qcow2_disk, cut(103)},
        Violation{"qcow2_cut_before_its_table", qcow2_disk, cut(65536)},
        Violation{"vhd_cut_in_the_footer", dynamic_vhd, cut(511)},
        Violation{"vhd_cut_in_the_header", dynamic_vhd, cut(1535)},
        Violation{"vhd_cut_in_the_table", dynamic_vhd, cut(1551)},
        Violation{"vhdx_cut_before_the_regions", vhdx_disk, cut(192U << 10U)},
        Violation{"vhdx_cut_before_the_metadata", vhdx_disk, cut(2U << 20U)},
        Violation{"vhdx_cut_in_the_items", vhdx_disk, cut((2U << 20U) + 0x1000F)},
        Violation{"vdi_cut", vdi_disk, cut(511)},
        Violation{"luks_cut", luks_volume, cut(591)},
        Violation{"iso_cut_in_the_descriptor", iso_volume, cut(34'815)},
        Violation{"qed", nothing, text(0, std::string("QED\0", 4))},
        Violation{"vhd_differencing", dynamic_vhd, at32be(60, 4)},
        Violation{"vhd_unknown", dynamic_vhd, at32be(60, 0)},
        Violation{"vhd_no_header", dynamic_vhd, text(512, "x")},
        Violation{"vhd_header_far_away", dynamic_vhd, at64be(16, ~0ULL)},
        Violation{"vhd_table_outside", dynamic_vhd, at64be(512 + 16, 5000)},
        Violation{"vhd_small_table", dynamic_vhd, at32be(512 + 28, 3)},
        Violation{"vhd_block_size", dynamic_vhd, at32be(512 + 32, 3U << 20U)},
        Violation{"vhd_huge", dynamic_vhd, [](Bytes& b) { put64be(b, 40, 1ULL << 50U); }},
        Violation{"vhdx_parent", vhdx_disk, at32le((2U << 20U) + 0x10004, 2)},
        Violation{"vhdx_no_region", vhdx_disk, at32le(192U << 10U, 0)},
        Violation{"vhdx_many_regions", vhdx_disk, at32le((192U << 10U) + 8, 2048)},
        Violation{"vhdx_no_metadata", vhdx_disk, at32le((192U << 10U) + 16, 0)},
        Violation{"vhdx_metadata_in_header", vhdx_disk, at64le((192U << 10U) + 32, 0)},
        Violation{"vhdx_metadata_outside", vhdx_disk, at64le((192U << 10U) + 32, 1ULL << 40U)},
        Violation{"vhdx_no_size", vhdx_disk, at32le((2U << 20U) + 64, 0)},
        Violation{"vhdx_size_in_table", vhdx_disk, at32le((2U << 20U) + 80, 64)},
        Violation{"vhdx_size_of_no_length", vhdx_disk, at32le((2U << 20U) + 84, 0)},
        Violation{"vhdx_huge", vhdx_disk, at64le((2U << 20U) + 0x10008, 1ULL << 62U)},
        Violation{"vdi_undo", vdi_disk, at32le(76, 3)},
        Violation{"vdi_difference", vdi_disk, at32le(76, 4)},
        Violation{"vdi_huge", vdi_disk, at64le(368, ~0ULL)},
        Violation{"iso_no_primary", iso_volume, text(32768, std::string(1, '\x02'))},
        Violation{"iso_cut", iso_volume, cut(40'959)},
        Violation{"mbr_boot_flag", mbr_disk, text(446, "\x01")},
        Violation{"mbr_empty", mbr_disk, text(450, std::string(1, '\0'))},
        Violation{"gpt_second_partition", gpt_disk, text(466, "\x83")},
        Violation{"gpt_start", gpt_disk, at32le(454, 2)},
        Violation{"gpt_chs", gpt_disk, text(447, "\x01")},
        Violation{"gpt_not_first", gpt_disk, text(466, "\xEE")},
        Violation{"luks_2", luks_volume, [](Bytes& b) { put16be(b, 6, 2); }},
        Violation{"luks_outside", luks_volume, at32be(104, 0xFFFFFFFF)},
        Violation{"qcow2_over_iso", iso_volume, text(0, "QFI\xfb")},
        Violation{"vmdk_with_mbr", sparse_disk, [](Bytes& b) { put16le(b, 510, 0xAA55); }},
        Violation{"iso_with_vmdk", iso_volume, text(0, "KDMV")},
        Violation{"descriptor_over_iso", iso_volume, text(0, "# Disk Descriptor")}
    ),
    violation_name
);

struct Written {
    std::string name;
    std::vector<std::string> options;
    DiskFormat format;
    std::optional<VmdkKind> kind;

    friend void PrintTo(const Written& self, std::ostream* out) { *out << self.name; }
};

class ImageOfQemu : public testing::TestWithParam<Written> {};

TEST_P(ImageOfQemu, IsRecognisedAndSafe) {
    const TemporaryFolder folder;
    Bytes disk(5U << 20U);
    std::mt19937 random(1);
    for (std::size_t i = 0; i < disk.size(); ++i)
        if (i / 65536 % 3 == 0 && i % 65536 < 30'000) disk[i] = static_cast<std::byte>(random());
    disk[0] = std::byte{0};
    write_file(folder.file("disk.raw"), disk);
    std::vector<std::string> arguments = {"convert", "-f", "raw"};
    arguments.insert(arguments.end(), GetParam().options.begin(), GetParam().options.end());
    arguments.push_back(folder.file("disk.raw"));
    arguments.push_back(folder.file("disk.out"));
    const auto converted = qemu_img(arguments);
    ASSERT_EQ(converted.status, 0) << converted.output;
    for (const std::size_t chunk : {1021U, 1U << 20U}) {
        const Inspection found = inspect(read_file(folder.file("disk.out")), chunk);
        EXPECT_EQ(found.format, GetParam().format);
        EXPECT_EQ(found.vmdk_kind, GetParam().kind);
        EXPECT_TRUE(found.safety) << found.safety.error().message;
        EXPECT_GE(found.virtual_size, disk.size());
    }
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryFormat,
    ImageOfQemu,
    testing::Values(
        Written{"qcow2", {"-O", "qcow2"}, DiskFormat::qcow2, {}},
        Written{"old_qcow2", {"-O", "qcow2", "-o", "compat=0.10"}, DiskFormat::qcow2, {}},
        Written{"small_clusters", {"-O", "qcow2", "-o", "cluster_size=512"}, DiskFormat::qcow2, {}},
        Written{
            "compressed",
            {"-c", "-O", "qcow2", "-o", "compression_type=zstd"},
            DiskFormat::qcow2,
            {}},
        Written{"vhd", {"-O", "vpc", "-o", "subformat=dynamic"}, DiskFormat::vhd, {}},
        Written{"vhdx", {"-O", "vhdx"}, DiskFormat::vhdx, {}},
        Written{"vdi", {"-O", "vdi"}, DiskFormat::vdi, {}},
        Written{"static_vdi", {"-O", "vdi", "-o", "static=on"}, DiskFormat::vdi, {}},
        Written{
            "sparse",
            {"-O", "vmdk", "-o", "subformat=monolithicSparse,adapter_type=lsilogic"},
            DiskFormat::vmdk,
            VmdkKind::sparse},
        Written{
            "zeroed_grains",
            {"-O", "vmdk", "-o", "subformat=monolithicSparse,zeroed_grain=on"},
            DiskFormat::vmdk,
            VmdkKind::sparse},
        Written{
            "stream",
            {"-O", "vmdk", "-o", "subformat=streamOptimized"},
            DiskFormat::vmdk,
            VmdkKind::stream_optimized}
    ),
    [](const auto& info) { return info.param.name; }
);

std::optional<Inspection> early(const Bytes& bytes, std::size_t length) {
    Inspector inspector;
    inspector.see(std::span(bytes).first(length));
    return inspector.early_verdict();
}

TEST(EarlyVerdict, IsThereAfter64KibAndNamesTheKind) {
    const Bytes disk = sparse_disk();
    EXPECT_FALSE(early(disk, 65'535));
    for (const std::size_t length : {std::size_t{65'536}, std::size_t{65'537}, disk.size()}) {
        const auto verdict = early(disk, length).value();
        EXPECT_EQ(verdict.format, DiskFormat::vmdk);
        EXPECT_EQ(verdict.vmdk_kind, VmdkKind::sparse);
        EXPECT_EQ(verdict.virtual_size, 196'608U);
        EXPECT_TRUE(verdict.safety);
    }
}

TEST(EarlyVerdict, RefusesWhatTheHeaderShowsToBeBad) {
    Bytes disk = sparse_disk();
    put_text(disk, 512, "parentFileNameHint=\"base\"\n");
    EXPECT_FALSE(early(disk, 65'536).value().safety);
    Bytes qcow2 = qcow2_disk();
    put64be(qcow2, 8, 512);
    EXPECT_FALSE(early(qcow2, 65'536).value().safety);
}

TEST(EarlyVerdict, DoesNotJudgeWhatIsStillToCome) {
    const auto verdict = early(vhdx_disk(), 65'536).value();
    EXPECT_EQ(verdict.format, DiskFormat::vhdx);
    EXPECT_TRUE(verdict.safety);
}

TEST(Inspection, TakesAHybridIsoAsAnIso) {
    Bytes volume = iso_volume();
    put_text(volume, 450, "\x83");
    put16le(volume, 510, 0xAA55);
    const Inspection found = inspect(volume);
    EXPECT_EQ(found.format, DiskFormat::iso);
    EXPECT_TRUE(found.safety);
}

TEST(Inspection, SeesAFatVolumeAsRaw) {
    Bytes volume = mbr_disk();
    volume[16] = std::byte{2};
    volume[21] = std::byte{0xF8};
    EXPECT_EQ(inspect(volume).format, DiskFormat::raw);
}

TEST(Inspection, HonoursTheLimitOfTheVirtualSize) {
    const InspectionLimits limits{(1ULL << 30U) - 1};
    Inspector inspector(limits);
    inspector.see(qcow2_disk());
    EXPECT_FALSE(inspector.finish().safety);
}

Result<void> declared(
    const Bytes& bytes,
    const std::string& format,
    const std::string& disktype = {},
    bool strict = true
) {
    return check_declared({format, "bare", disktype}, inspect(bytes), {strict});
}

TEST(DeclaredFormat, MustBeWhatWasFound) {
    EXPECT_TRUE(declared(qcow2_disk(), "qcow2"));
    EXPECT_TRUE(declared(iso_volume(), "iso"));
    EXPECT_TRUE(declared(sparse_disk(), "vmdk"));
    const auto refused = declared(qcow2_disk(), "vmdk");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::unsupported);
    EXPECT_EQ(refused.error().message, "the image was declared as vmdk but its content is qcow2");
    EXPECT_FALSE(declared(Bytes(1000), "qcow2"));
}

TEST(DeclaredFormat, OfRawTakesBareDisksAndIsosOnly) {
    EXPECT_TRUE(declared(Bytes(1000), "raw"));
    EXPECT_TRUE(declared(gpt_disk(), "raw"));
    EXPECT_TRUE(declared(iso_volume(), "raw"));
    EXPECT_FALSE(declared(qcow2_disk(), "raw"));
    EXPECT_FALSE(declared(stream_with_footer(), "raw"));
}

TEST(DeclaredFormat, OfFormatsWithoutMarksTakesWhatHasNone) {
    EXPECT_TRUE(declared(Bytes(1000), "ami"));
    EXPECT_FALSE(declared(qcow2_disk(), "aki"));
}

TEST(DeclaredFormat, OfVmdkTakesABareDiskWhenItsTypeSaysSo) {
    for (const char* type : {"preallocated", "thin", "thick", "eagerZeroedThick"}) {
        EXPECT_TRUE(declared(gpt_disk(), "vmdk", type)) << type;
        EXPECT_TRUE(declared(Bytes(1000), "vmdk", type)) << type;
    }
    for (const char* type : {"", "sparse", "streamOptimized", "Thin"}) {
        const auto refused = declared(gpt_disk(), "vmdk", type);
        ASSERT_FALSE(refused) << type;
        EXPECT_THAT(refused.error().message, HasSubstr("vmware_disktype"));
    }
    EXPECT_FALSE(declared(iso_volume(), "vmdk", "thin"));
}

TEST(DeclaredFormat, OfVmdkMustAgreeWithItsType) {
    EXPECT_TRUE(declared(sparse_disk(), "vmdk", "sparse"));
    EXPECT_TRUE(declared(stream_with_footer(), "vmdk", "streamOptimized"));
    EXPECT_FALSE(declared(sparse_disk(), "vmdk", "streamOptimized"));
    EXPECT_FALSE(declared(sparse_disk(), "vmdk", "preallocated"));
    EXPECT_FALSE(declared(stream_with_footer(), "vmdk", "sparse"));
}

TEST(DeclaredFormat, MayDifferWhereThePolicyToleratesIt) {
    EXPECT_TRUE(declared(qcow2_disk(), "raw", "", false));
    EXPECT_TRUE(declared(gpt_disk(), "vmdk", "", false));
}

TEST(DeclaredFormat, OfABareDiskMayHaveABadPartitionTableWhereThePolicyToleratesIt) {
    const FormatPolicy tolerant{true, true};
    Bytes disk = mbr_disk();
    disk[446] = std::byte{1};
    EXPECT_TRUE(inspect(disk).bad_partition_table);
    EXPECT_TRUE(check_declared({"raw", "bare", ""}, inspect(disk), tolerant));
    EXPECT_FALSE(check_declared({"raw", "bare", ""}, inspect(disk)));
    EXPECT_FALSE(check_declared({"qcow2", "bare", ""}, inspect(disk), tolerant));
    Bytes sparse = sparse_disk();
    put16le(sparse, 510, 0xAA55);
    EXPECT_FALSE(check_declared({"vmdk", "bare", ""}, inspect(sparse), tolerant));
    Inspector small({1000});
    small.see(disk);
    EXPECT_FALSE(check_declared({"raw", "bare", ""}, small.finish(), tolerant));
}

TEST(DeclaredFormat, OfOtherContainersIsNotLookedInto) {
    EXPECT_TRUE(check_declared({"vmdk", "docker", ""}, inspect(qcow2_disk())));
}

TEST(DeclaredFormat, OfAVmdkIsSafeInEveryContainer) {
    const Bytes descriptor = bytes_of(
        "# Disk DescriptorFile\nversion=1\ncreateType=\"vmfs\"\n"
        "RW 2048 VMFS \"/vmfs/volumes/ds1/victim/victim-flat.vmdk\"\n"
    );
    for (const char* const container : {"bare", "ova", "ovf", "docker", "compressed"})
        EXPECT_FALSE(check_declared({"vmdk", container, "sparse"}, inspect(descriptor)))
            << container;
    EXPECT_TRUE(check_declared({"ami", "docker", ""}, inspect(descriptor)));
}

Result<void> ova(const std::vector<TarMember>& members, std::size_t chunk = 1U << 20U) {
    return check_declared({"vmdk", "ova", ""}, inspect(tar_of(members), chunk));
}

const TarMember kOvf{"vm.ovf", bytes_of("<Envelope/>")};

TEST(Ova, IsTakenWithAStreamOptimisedDisk) {
    for (const std::size_t chunk : {1U, 511U, 512U, 513U, 1U << 20U}) {
        const auto taken =
            ova({kOvf,
                 {"vm.mf", bytes_of("SHA256(vm.ovf)= 00")},
                 {"vm-disk1.vmdk", stream_with_footer()}},
                chunk);
        EXPECT_TRUE(taken) << taken.error().message;
    }
}

TEST(Ova, MustBeginWithItsOvf) {
    EXPECT_FALSE(ova({{"vm.mf", bytes_of("x")}, kOvf}));
    EXPECT_FALSE(ova({{"vm.ovf", Bytes()}}));
    EXPECT_FALSE(ova({{"vm.ovf", Bytes((1U << 20U) + 1)}}));
    EXPECT_FALSE(check_declared({"vmdk", "ova", ""}, inspect(stream_with_footer())));
    EXPECT_FALSE(check_declared({"vmdk", "ova", ""}, inspect(Bytes())));
}

TEST(Ova, HoldsPlainFilesWithPlainNamesOnly) {
    for (const char* name : {"../vm.vmdk", "/etc/passwd", "a b", "", ".", "..", "dir/x", "a\nb"})
        EXPECT_FALSE(ova({kOvf, {name, bytes_of("x")}})) << name;
    for (const char type : {'1', '2', '3', '5', 'x', 'g', 'L', 'S'})
        EXPECT_FALSE(ova({kOvf, {"x.mf", bytes_of("x"), type}})) << type;
}

TEST(Ova, HoldsNoNameThatBeginsLikeAnother) {
    EXPECT_FALSE(ova({kOvf, kOvf}));
    EXPECT_FALSE(ova({kOvf, {"vm.ovf2", bytes_of("x")}}));
    EXPECT_FALSE(ova({{"vm.ovf.ovf", bytes_of("x")}, {"vm.ovf", bytes_of("x")}}));
}

TEST(Ova, HoldsNoOtherDisks) {
    EXPECT_FALSE(ova({kOvf, {"vm.vmdk", sparse_disk()}}));
    EXPECT_FALSE(ova({kOvf, {"vm.vmdk", bytes_of("# Disk DescriptorFile\ncreateType=x")}}));
    Bytes cut = stream_with_footer();
    cut.resize(cut.size() - 512);
    EXPECT_FALSE(ova({kOvf, {"vm.vmdk", cut}}));
}

TEST(Ova, EndsWithTwoZeroBlocksAndNothingElse) {
    const auto judge = [](const Bytes& tar) {
        return check_declared({"vmdk", "ova", ""}, inspect(tar));
    };
    Bytes tar = tar_of({kOvf});
    EXPECT_TRUE(judge(tar));
    Bytes padded = tar;
    padded.resize(tar.size() + 8192);
    EXPECT_TRUE(judge(padded));
    padded.back() = std::byte{1};
    EXPECT_FALSE(judge(padded));
    tar.resize(tar.size() - 1);
    EXPECT_FALSE(judge(tar));
    tar.resize(700);
    EXPECT_FALSE(judge(tar));
}

TEST(Ova, HasProperSizesAndChecksums) {
    const auto spoiled = [](std::size_t at, const std::string& value) {
        Bytes tar = tar_of({kOvf});
        put_text(tar, at, value);
        return check_declared({"vmdk", "ova", ""}, inspect(tar));
    };
    EXPECT_FALSE(spoiled(124, "77777777777"));
    EXPECT_FALSE(spoiled(124, "9"));
    EXPECT_FALSE(spoiled(124, "\xff\xff\xff\xff"));
    EXPECT_FALSE(spoiled(148, "000000"));
    EXPECT_FALSE(spoiled(257, "x"));
}

}  // namespace
}  // namespace slipway::format
