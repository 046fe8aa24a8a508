#include "format/bytes.h"
#include "format/sparse_disk_source.h"
#include "format/stream_disk_source.h"
#include "tests/fakes/memory_source.h"
#include "tests/fakes/temporary_folder.h"
#include "tests/support/results.h"
#include "tests/unit/format/disk_reading.h"
#include "tests/unit/format/qemu_img.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>
#include <random>
#include <tuple>

// Disks of all sizes and fillings, converted by qemu-img as the tests run: read by us, and written
// by us for qemu-img to read.
namespace slipway::format {
namespace {

using namespace slipway::test;  // NOLINT(google-build-using-namespace): builders of this test alone

enum class Filling { empty, holes, full };

struct Disk {
    std::string name;
    std::size_t size;
    Filling filling;

    friend void PrintTo(const Disk& self, std::ostream* out) { *out << self.name; }
};

const std::vector<Disk> kDisks = {
    {"one_sector", 512, Filling::full},
    {"one_sector_empty", 512, Filling::empty},
    {"under_a_grain", 65'536 - 512, Filling::full},
    {"one_grain", 65'536, Filling::full},
    {"over_a_grain", 65'536 + 512, Filling::full},
    {"one_mib", 1U << 20U, Filling::holes},
    {"one_mib_empty", 1U << 20U, Filling::empty},
    {"one_mib_full", 1U << 20U, Filling::full},
    {"one_table", 32U << 20U, Filling::holes},
    {"over_a_table", (32U << 20U) + 66'048, Filling::full},
    {"sparse", 100U << 20U, Filling::holes},
    {"sparse_empty", 100U << 20U, Filling::empty},
};

// Words that compress, noise that does not; in turn.
void fill_part(Bytes& disk, std::size_t at, std::size_t count, std::mt19937& random) {
    const bool is_noise = random() % 2 == 0;
    std::uint_fast32_t word = random() | 0x01010101U;
    for (std::size_t i = at; i < std::min(at + count, disk.size()); ++i) {
        if (is_noise && i % 4 == 0) word = random();
        disk[i] = static_cast<std::byte>(word >> (i % 4 * 8));
    }
}

Bytes content_of(const Disk& disk) {
    constexpr std::size_t kPart = 40'000;
    std::mt19937 random(static_cast<unsigned>(disk.size));
    Bytes content(disk.size);
    if (disk.filling == Filling::full)
        for (std::size_t at = 0; at < disk.size; at += kPart) fill_part(content, at, kPart, random);
    if (disk.filling == Filling::holes) {
        for (int i = 0; i < 24; ++i) fill_part(content, random() % disk.size, 70'000, random);
        fill_part(content, disk.size - 512, 512, random);
    }
    return content;
}

// A disk as a raw file with holes. Tests of one disk follow each other, so the last one is kept.
class Original {
public:
    explicit Original(const Disk& disk) : name_(disk.name), content_(content_of(disk)) {
        constexpr std::size_t kStep = 65'536;
        std::ofstream out(path(), std::ios::binary);
        for (std::size_t at = 0; at < content_.size(); at += kStep) {
            const auto part =
                std::span(content_).subspan(at, std::min(kStep, content_.size() - at));
            if (all_zero(part)) continue;
            out.seekp(static_cast<std::streamoff>(at));
            out.write(
                reinterpret_cast<const char*>(part.data()),
                static_cast<std::streamsize>(part.size())
            );
        }
        out.close();
        std::filesystem::resize_file(path(), content_.size());
    }

    static const Original& of(const Disk& disk) {
        static std::optional<Original> last;
        if (!last || last->name_ != disk.name) last.emplace(disk);
        return *last;
    }

    [[nodiscard]] std::string path() const { return folder_.file("disk.raw"); }
    [[nodiscard]] const Bytes& content() const { return content_; }

private:
    TemporaryFolder folder_;
    std::string name_;
    Bytes content_;
};

struct Format {
    std::string name;
    std::string disk_format;  // as the Image API says
    std::vector<std::string> options;

    friend void PrintTo(const Format& self, std::ostream* out) { *out << self.name; }
};

const std::vector<Format> kFormats = {
    {"qcow2", "qcow2", {"-O", "qcow2"}},
    {"qcow2_v2", "qcow2", {"-O", "qcow2", "-o", "compat=0.10"}},
    {"qcow2_512", "qcow2", {"-O", "qcow2", "-o", "cluster_size=512"}},
    {"qcow2_4k_lazy", "qcow2", {"-O", "qcow2", "-o", "cluster_size=4096,lazy_refcounts=on"}},
    {"qcow2_2m", "qcow2", {"-O", "qcow2", "-o", "cluster_size=2M"}},
    {"qcow2_metadata", "qcow2", {"-O", "qcow2", "-o", "preallocation=metadata"}},
    {"qcow2_zlib", "qcow2", {"-c", "-O", "qcow2"}},
    {"qcow2_zlib_v2_512", "qcow2", {"-c", "-O", "qcow2", "-o", "compat=0.10,cluster_size=512"}},
    {"qcow2_zlib_2m", "qcow2", {"-c", "-O", "qcow2", "-o", "cluster_size=2M"}},
    {"qcow2_zstd", "qcow2", {"-c", "-O", "qcow2", "-o", "compression_type=zstd"}},
    {"qcow2_zstd_2m",
     "qcow2",
     {"-c", "-O", "qcow2", "-o", "compression_type=zstd,cluster_size=2M"}},
    {"vhd", "vhd", {"-O", "vpc"}},
    {"vhd_exact", "vhd", {"-O", "vpc", "-o", "force_size=on"}},
    {"vhd_fixed", "vhd", {"-O", "vpc", "-o", "subformat=fixed"}},
    {"vhdx", "vhdx", {"-O", "vhdx"}},
    {"vhdx_1m", "vhdx", {"-O", "vhdx", "-o", "block_size=1M"}},
    {"vhdx_fixed", "vhdx", {"-O", "vhdx", "-o", "subformat=fixed,block_size=1M"}},
    {"vdi", "vdi", {"-O", "vdi"}},
    {"vdi_static", "vdi", {"-O", "vdi", "-o", "static=on"}},
    {"vmdk_sparse", "vmdk", {"-O", "vmdk"}},
    {"vmdk_zeroed_grains", "vmdk", {"-O", "vmdk", "-o", "zeroed_grain=on"}},
    {"vmdk_stream", "vmdk", {"-O", "vmdk", "-o", "subformat=streamOptimized"}},
};

// `file` in the format, from a raw file.
void convert(const Format& format, const std::string& raw, const std::string& file) {
    std::vector<std::string> arguments = {"convert", "-f", "raw"};
    arguments.insert(arguments.end(), format.options.begin(), format.options.end());
    arguments.push_back(raw);
    arguments.push_back(file);
    const auto outcome = qemu_img(arguments);
    ASSERT_EQ(outcome.status, 0) << outcome.output;
}

// Formats round sizes up; what is behind the content must be zeros.
bool is_content(const Bytes& read, const Bytes& content) {
    return read.size() >= content.size() &&
           std::equal(content.begin(), content.end(), read.begin()) &&
           all_zero(std::span(read).subspan(content.size()));
}

class DiskCorpus : public testing::TestWithParam<std::tuple<Disk, Format>> {};

TEST_P(DiskCorpus, IsReadAsItsSource) {
    const auto& [disk, format] = GetParam();
    const TemporaryFolder folder;
    const Original& original = Original::of(disk);
    convert(format, original.path(), folder.file("disk"));
    const Bytes file = read_file(folder.file("disk"));
    MemorySource source(file);
    const auto read = read_disk(source, format.disk_format, "bare");
    ASSERT_OK(read);
    EXPECT_TRUE(is_content(*read, original.content()));
}

INSTANTIATE_TEST_SUITE_P(
    All,
    DiskCorpus,
    testing::Combine(testing::ValuesIn(kDisks), testing::ValuesIn(kFormats)),
    [](const auto& info) {
        return std::get<0>(info.param).name + "_as_" + std::get<1>(info.param).name;
    }
);

class WrittenDisk : public testing::TestWithParam<std::tuple<Disk, Format>> {
protected:
    void SetUp() override {
        const auto& [disk, format] = GetParam();
        original_ = &Original::of(disk);
        convert(format, original_->path(), folder_.file("disk"));
        file_ = read_file(folder_.file("disk"));
        source_ = std::make_unique<MemorySource>(file_);
        reader_ = run(open_disk(*source_, format.disk_format, "bare")).value();
    }

    GrainMap used() { return run(reader_->used_grains()).value(); }

    void expect_content(ByteSource& written, const std::string& create_type) {
        const Bytes file = read_source(written, 300'001).value();
        const std::string path = folder_.file("ours.vmdk");
        write_file(path, file);
        const auto compare =
            qemu_img({"compare", "-f", "raw", "-F", "vmdk", original_->path(), path});
        EXPECT_EQ(compare.status, 0) << compare.output;
        const auto info = qemu_img({"info", "--output=json", "-f", "vmdk", path});
        EXPECT_THAT(info.output, testing::HasSubstr("\"create-type\": \"" + create_type + "\""));
        EXPECT_OK(inspect(file).safety);
        MemorySource source(file);
        const auto read = read_disk(source, "vmdk", "bare");
        ASSERT_OK(read);
        EXPECT_TRUE(is_content(*read, original_->content()));
    }

    const DiskIdentity identity_ = DiskIdentity::random();
    TemporaryFolder folder_;
    const Original* original_ = nullptr;
    Bytes file_;
    std::unique_ptr<MemorySource> source_;
    std::unique_ptr<DiskReader> reader_;
};

TEST_P(WrittenDisk, IsReadByQemuAsItsSourceWhenSparse) {
    const auto written =
        SparseDiskSource::create(*reader_, used(), AdapterType::lsilogic, identity_).value();
    expect_content(*written, "monolithicSparse");
    const auto check = qemu_img({"check", "-f", "vmdk", folder_.file("ours.vmdk")});
    EXPECT_EQ(check.status, 0) << check.output;
}

TEST_P(WrittenDisk, IsReadByQemuAsItsSourceWhenStreamed) {
    const auto written =
        StreamDiskSource::create(*reader_, used(), AdapterType::ide, identity_).value();
    expect_content(*written, "streamOptimized");
}

INSTANTIATE_TEST_SUITE_P(
    All,
    WrittenDisk,
    testing::Combine(
        testing::ValuesIn(kDisks),
        testing::Values(
            Format{"qcow2", "qcow2", {"-c", "-O", "qcow2"}},
            Format{"stream", "vmdk", {"-O", "vmdk", "-o", "subformat=streamOptimized"}}
        )
    ),
    [](const auto& info) {
        return std::get<0>(info.param).name + "_as_" + std::get<1>(info.param).name;
    }
);

}  // namespace
}  // namespace slipway::format
