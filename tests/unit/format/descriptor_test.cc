#include "format/descriptor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace slipway::format {
namespace {

using testing::HasSubstr;

const DiskIdentity kIdentity{
    "0123456789abcdef012345675e1f0a2b", "6000c290010203040506070809101112"};

TEST(FlatDescriptor, IsWhatEsxiReads) {
    EXPECT_EQ(
        flat_descriptor(1ULL << 30U, "3f1c-flat.vmdk", AdapterType::lsilogic, kIdentity).value(),
        "# Disk DescriptorFile\n"
        "version=1\n"
        "encoding=\"UTF-8\"\n"
        "CID=5e1f0a2b\n"
        "parentCID=ffffffff\n"
        "createType=\"vmfs\"\n"
        "\n"
        "# Extent description\n"
        "RW 2097152 VMFS \"3f1c-flat.vmdk\"\n"
        "\n"
        "# The Disk Data Base\n"
        "#DDB\n"
        "\n"
        "ddb.adapterType = \"lsilogic\"\n"
        "ddb.geometry.cylinders = \"512\"\n"
        "ddb.geometry.heads = \"128\"\n"
        "ddb.geometry.sectors = \"32\"\n"
        "ddb.longContentID = \"0123456789abcdef012345675e1f0a2b\"\n"
        "ddb.uuid = \"60 00 c2 90 01 02 03 04-05 06 07 08 09 10 11 12\"\n"
        "ddb.virtualHWVersion = \"8\"\n"
    );
}

TEST(FlatDescriptor, RefusesASizeThatIsNoMultipleOf512) {
    for (const std::uint64_t size : {0ULL, 511ULL, 1025ULL})
        EXPECT_EQ(
            flat_descriptor(size, "a-flat.vmdk", AdapterType::ide, kIdentity).error().code,
            Errc::unsupported
        );
}

TEST(FlatDescriptor, CapsIdeCylinders) {
    const auto text =
        flat_descriptor(100ULL << 30U, "a-flat.vmdk", AdapterType::ide, kIdentity).value();
    EXPECT_THAT(text, HasSubstr("cylinders = \"16383\""));
    EXPECT_THAT(text, HasSubstr("adapterType = \"ide\""));
}

TEST(AdapterType, IsReadFromTheWordsOfImageProperties) {
    EXPECT_EQ(adapter_type_for("IDE"), AdapterType::ide);
    EXPECT_EQ(adapter_type_for("busLogic"), AdapterType::buslogic);
    EXPECT_EQ(adapter_type_for("paraVirtual"), AdapterType::lsilogic);
    EXPECT_EQ(adapter_type_for(""), AdapterType::lsilogic);
}

TEST(DiskIdentity, IsRandomAndWellFormed) {
    const auto a = DiskIdentity::random();
    const auto b = DiskIdentity::random();
    EXPECT_NE(a.content_id, b.content_id);
    EXPECT_EQ(a.content_id.size(), 32U);
    EXPECT_EQ(a.uuid.size(), 32U);
}

const std::string kFromQemu =
    "# Disk DescriptorFile\n"
    "version=1\n"
    "CID=cac3564\n"
    "parentCID=ffffffff\n"
    "createType=\"monolithicSparse\"\n"
    "\n"
    "# Extent description\n"
    "RW 6144 SPARSE \"monolithicSparse.vmdk\"\n"
    "\n"
    "# The Disk Data Base\n"
    "#DDB\n"
    "\n"
    "ddb.virtualHWVersion = \"4\"\n"
    "ddb.geometry.cylinders = \"6\"\n"
    "ddb.geometry.heads = \"16\"\n"
    "ddb.geometry.sectors = \"63\"\n"
    "ddb.adapterType = \"ide\"\n"
    "ddb.toolsVersion = \"2147483647\"\n";

std::string with(std::string text, const std::string& what, const std::string& instead) {
    const auto at = text.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return text.replace(at, what.size(), instead);
}

TEST(EmbeddedDescriptor, TakesThatOfQemuWithItsTailOfNuls) {
    const auto parsed = parse_embedded_descriptor(kFromQemu + std::string(100, '\0')).value();
    EXPECT_EQ(parsed.kind, VmdkKind::sparse);
    EXPECT_EQ(parsed.capacity_sectors, 6144U);
}

TEST(EmbeddedDescriptor, TakesWhatQemuLeavesBehindAShorterCid) {
    const std::string nuls(100, '\0');
    EXPECT_TRUE(parse_embedded_descriptor(kFromQemu + '\0' + "\n" + nuls));
    EXPECT_TRUE(
        parse_embedded_descriptor(kFromQemu + '\0' + kFromQemu.substr(kFromQemu.size() - 7) + nuls)
    );
    EXPECT_FALSE(parse_embedded_descriptor(kFromQemu + '\0' + "x" + nuls));
    EXPECT_FALSE(parse_embedded_descriptor(kFromQemu + nuls + "\n"));
    EXPECT_FALSE(
        parse_embedded_descriptor(kFromQemu + '\0' + kFromQemu.substr(kFromQemu.size() - 9) + nuls)
    );
}

TEST(EmbeddedDescriptor, TakesOurOwn) {
    const auto text = embedded_descriptor(VmdkKind::sparse, 128, AdapterType::buslogic, kIdentity);
    EXPECT_EQ(parse_embedded_descriptor(text).value().capacity_sectors, 128U);
}

TEST(EmbeddedDescriptor, TakesThatOfAnExportedAppliance) {
    const auto parsed = parse_embedded_descriptor(
        "# Disk DescriptorFile\r\nversion=1\r\nCID=fffffffe\r\nparentCID=ffffffff\r\n"
        "isNativeSnapshot=\"no\"\r\ncreateType=\"streamOptimized\"\r\n\r\n"
        "RDONLY 83886080 SPARSE \"box-disk001.vmdk\"\r\n"
        "ddb.uuid.image=\"0c1d2e3f-0000-4000-8000-000000000001\"\r\n"
        "ddb.uuid.parent=\"00000000-0000-0000-0000-000000000000\"\r\n"
        "ddb.comment=\"\"\r\nddb.deletable = \"true\"\r\nddb.toolsInstallType = \"4\"\r\n"
    );
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed.value().kind, VmdkKind::stream_optimized);
}

struct BadDescriptor {
    const char* name;
    std::string what;
    std::string instead;
};

class RefusedDescriptor : public testing::TestWithParam<BadDescriptor> {};

TEST_P(RefusedDescriptor, IsUnsupported) {
    const auto parsed =
        parse_embedded_descriptor(with(kFromQemu, GetParam().what, GetParam().instead));
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().code, Errc::unsupported);
}

INSTANTIATE_TEST_SUITE_P(
    OneViolation,
    RefusedDescriptor,
    testing::Values(
        BadDescriptor{"parent", "parentCID=ffffffff", "parentCID=12345678"},
        BadDescriptor{"parent_hint", "#DDB", "parentFileNameHint=\"base.vmdk\""},
        BadDescriptor{"change_tracking", "#DDB", "changeTrackPath=\"a-ctk.vmdk\""},
        BadDescriptor{"native_snapshot", "#DDB", "isNativeSnapshot=\"yes\""},
        BadDescriptor{"flat_extent", "SPARSE", "FLAT"},
        BadDescriptor{"vmfs_extent", "SPARSE", "VMFS"},
        BadDescriptor{"device_extent", "SPARSE", "VMFSRDM"},
        BadDescriptor{"second_extent", "#DDB", "RW 1 SPARSE \"b.vmdk\""},
        BadDescriptor{"no_extent", "RW 6144 SPARSE", "# RW 6144 SPARSE"},
        BadDescriptor{"no_access", "RW 6144", "NOACCESS 6144"},
        BadDescriptor{"lower_case_extent", "#DDB", "rw 1 FLAT \"/etc/shadow\" 0"},
        BadDescriptor{"absolute_path", "\"monolithicSparse.vmdk\"", "\"/etc/shadow\""},
        BadDescriptor{"backslash", "\"monolithicSparse.vmdk\"", "\"a\\b.vmdk\""},
        BadDescriptor{"dots", "\"monolithicSparse.vmdk\"", "\"..vmdk\""},
        BadDescriptor{"unquoted_name", "\"monolithicSparse.vmdk\"", "a.vmdk"},
        BadDescriptor{"offset", "\"monolithicSparse.vmdk\"", "\"a.vmdk\" 0"},
        BadDescriptor{"no_size", "RW 6144", "RW many"},
        BadDescriptor{"huge_size", "RW 6144", "RW 99999999999999999999"},
        BadDescriptor{"other_type", "monolithicSparse\"\n", "vmfs\"\n"},
        BadDescriptor{"two_types", "#DDB", "createType=\"vmfs\""},
        BadDescriptor{"same_type_twice", "#DDB", "createType=\"monolithicSparse\""},
        BadDescriptor{"key_twice_in_other_case", "#DDB", "cid=00000001"},
        BadDescriptor{"no_type", "createType", "# createType"},
        BadDescriptor{"no_version", "version=1", "# version=1"},
        BadDescriptor{"unknown_version", "version=1", "version=11"},
        BadDescriptor{"unknown_ddb_key", "ddb.toolsVersion", "ddb.iofilters"},
        BadDescriptor{"vbox_parent", "ddb.toolsVersion = \"2147483647\"", "ddb.uuid.parent=\"1\""},
        BadDescriptor{"path_in_ddb", "\"2147483647\"", "\"/vmfs/volumes\""},
        BadDescriptor{"stray_line", "#DDB", "hello"},
        BadDescriptor{"stray_quote", "\"ide\"", "\"i\"de\""},
        BadDescriptor{"not_text", "#DDB", "#\x80"},
        BadDescriptor{"text_after_nul", "#DDB", std::string("\0", 1)}
    ),
    [](const auto& info) { return info.param.name; }
);

}  // namespace
}  // namespace slipway::format
