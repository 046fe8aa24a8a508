#include "service/stored_layout.h"

#include <gtest/gtest.h>

namespace slipway::service {
namespace {

constexpr const char* kId = "11111111-2222-4333-8444-555555555555";

Image image_of(const char* disk_format, const char* container_format = "bare") {
    Image image;
    image.id = ImageId(kId);
    image.disk_format = disk_format;
    image.container_format = container_format;
    return image;
}

BackendInfo store(BootFormMode mode, bool publishes_locations = true) {
    BackendInfo info;
    info.publishes_locations = publishes_locations;
    info.boot_form = mode;
    return info;
}

struct Case {
    const char* name;
    const char* disk_format;
    const char* container_format;
    ContentKind kind;
    std::optional<std::uint64_t> expected_bytes;
    BackendInfo backend;
    StoredForm form;
    const char* suffix;  // of the data file
};

const BackendInfo kSparse = store(BootFormMode::sparse);
const BackendInfo kFlat = store(BootFormMode::flat);
const BackendInfo kOff = store(BootFormMode::off);
const BackendInfo kUnreachable = store(BootFormMode::sparse, false);
constexpr auto kPlain = ContentKind::plain_disk;
constexpr auto kVmdk = ContentKind::vmdk_sparse;
constexpr auto kOther = ContentKind::other;
constexpr auto kOriginal = StoredForm::original;
constexpr std::uint64_t kTwoTiB = std::uint64_t{2} << 40U;

const Case kCases[] = {
    {"raw", "raw", "bare", kPlain, 100'000, kSparse, StoredForm::sparse, ".vmdk"},
    {"bare vmdk", "vmdk", "bare", kPlain, 100'000, kSparse, StoredForm::sparse, ".vmdk"},
    {"raw, flat", "raw", "bare", kPlain, 102'400, kFlat, StoredForm::flat, "-flat.vmdk"},
    {"no whole KiB", "raw", "bare", kPlain, 102'401, kFlat, kOriginal, ".img"},
    {"raw, off", "raw", "bare", kPlain, 102'400, kOff, kOriginal, ".img"},
    {"unreachable", "raw", "bare", kPlain, 102'400, kUnreachable, kOriginal, ".img"},
    {"unknown size", "raw", "bare", kPlain, std::nullopt, kSparse, kOriginal, ".img"},
    {"empty", "raw", "bare", kPlain, 0, kSparse, kOriginal, ".img"},
    {"empty, flat", "raw", "bare", kPlain, 0, kFlat, kOriginal, ".img"},
    {"too large", "raw", "bare", kPlain, kTwoTiB, kSparse, kOriginal, ".img"},
    {"too large, flat", "raw", "bare", kPlain, kTwoTiB, kFlat, StoredForm::flat, "-flat.vmdk"},
    {"iso", "iso", "bare", kPlain, 102'400, kSparse, kOriginal, ".iso"},
    {"sparse vmdk", "vmdk", "bare", kVmdk, 102'400, kSparse, kOriginal, ".vmdk"},
    {"stream vmdk", "vmdk", "bare", kOther, 102'400, kSparse, kOriginal, ".img"},
    {"qcow2", "qcow2", "bare", kOther, 102'400, kSparse, kOriginal, ".img"},
    {"unmarked format", "ploop", "bare", kPlain, 102'400, kSparse, kOriginal, ".img"},
    {"ova", "vmdk", "ova", kOther, 102'400, kSparse, kOriginal, ".img"},
    {"raw in a container", "raw", "docker", kPlain, 102'400, kSparse, kOriginal, ".img"},
};

TEST(StoredLayout, IsChosenByFormatContentLengthAndStore) {
    for (const Case& c : kCases) {
        SCOPED_TRACE(c.name);
        const StoredLayout layout = plan_layout(
            image_of(c.disk_format, c.container_format), c.kind, c.expected_bytes, c.backend
        );
        EXPECT_EQ(layout.form, c.form);
        EXPECT_EQ(layout.data_file, std::string(kId) + c.suffix);
        EXPECT_EQ(layout.wrapping.has_value(), c.form == StoredForm::sparse);
        EXPECT_EQ(layout.descriptor, c.form == StoredForm::flat ? std::string(kId) + ".vmdk" : "");
        if (c.form == StoredForm::sparse)
            EXPECT_EQ(layout.stored_bytes, layout.wrapping->file_bytes());
        else
            EXPECT_EQ(layout.stored_bytes, c.expected_bytes);
    }
}

TEST(StoredLayout, TakesTheAdapterFromTheVmwarePropertyThenFromTheBus) {
    Image image = image_of("raw");
    const auto by_default = adapter_of(image);
    EXPECT_EQ(by_default, format::adapter_type_for(""));
    image.properties["hw_disk_bus"] = "ide";
    EXPECT_EQ(adapter_of(image), format::adapter_type_for("ide"));
    image.properties["vmware_adaptertype"] = "busLogic";
    EXPECT_EQ(adapter_of(image), format::adapter_type_for("busLogic"));
    EXPECT_NE(adapter_of(image), format::adapter_type_for("ide"));
}

}  // namespace
}  // namespace slipway::service
