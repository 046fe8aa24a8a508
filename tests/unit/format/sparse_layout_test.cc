#include "format/sparse_layout.h"

#include "format/sparse_wrapping_source.h"
#include "tests/fakes/temporary_folder.h"
#include "tests/support/run.h"
#include "tests/unit/format/qemu_img.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace slipway::format {
namespace {

using test::qemu_img;
using test::TemporaryFolder;
using testing::HasSubstr;

const DiskIdentity kIdentity{
    "0123456789abcdef012345675e1f0a2b", "6000c290010203040506070809101112"};

SparseLayout layout_of(std::uint64_t size_bytes) {
    return SparseLayout::create(size_bytes, AdapterType::lsilogic, kIdentity).value();
}

std::vector<std::byte> pattern(std::size_t size) {
    std::mt19937 random(static_cast<unsigned>(size));
    std::vector<std::byte> bytes(size);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random() | 1U);
    return bytes;
}

// Gives its bytes in pieces of at most `piece`.
class PiecewiseSource : public ByteSource {
public:
    PiecewiseSource(std::span<const std::byte> bytes, std::size_t piece)
        : left_(bytes), piece_(piece) {}

    awaitable<Result<std::size_t>> read_some(std::span<std::byte> into) override {
        const std::size_t count = std::min({left_.size(), piece_, into.size()});
        std::copy_n(left_.begin(), count, into.begin());
        left_ = left_.subspan(count);
        co_return count;
    }

private:
    std::span<const std::byte> left_;
    std::size_t piece_;
};

Result<std::vector<std::byte>> read_all(ByteSource& source, std::size_t buffer_bytes) {
    std::vector<std::byte> all;
    std::vector<std::byte> buffer(buffer_bytes);
    for (;;) {
        SLIPWAY_TRY(const std::size_t got, test::run(source.read_some(buffer)));
        if (got == 0) return all;
        all.insert(all.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(got));
    }
}

void write_file(const std::string& path, std::span<const std::byte> bytes) {
    std::ofstream out(path, std::ios::binary);
    out.write(
        reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())
    );
}

std::vector<std::byte> prefix_of(const SparseLayout& layout) {
    std::vector<std::byte> bytes(layout.prefix_bytes());
    layout.read_prefix(0, bytes);
    return bytes;
}

TEST(SparseLayout, CountsPrefixAndPadding) {
    const SparseLayout layout = layout_of(65537);
    EXPECT_EQ(layout.prefix_bytes(), 65536U);
    EXPECT_EQ(layout.capacity_bytes(), 131072U);
    EXPECT_EQ(layout.padding_bytes(), 65535U);
    EXPECT_EQ(layout.file_bytes(), 196608U);
}

TEST(SparseLayout, WritesTheHeaderOfAOneGrainDisk) {
    const auto prefix = prefix_of(layout_of(512));
    const std::vector<unsigned> expected = {
        'K', 'D', 'M', 'V', 1, 0, 0, 0, 3,   0,  0,  0,                // magic, version, flags
        128, 0,   0,   0,   0, 0, 0, 0, 128, 0,  0,  0,  0,  0, 0, 0,  // capacity, grain
        1,   0,   0,   0,   0, 0, 0, 0, 20,  0,  0,  0,  0,  0, 0, 0,  // descriptor
        0,   2,   0,   0,                                              // entries in a table
        21,  0,   0,   0,   0, 0, 0, 0, 26,  0,  0,  0,  0,  0, 0, 0,  // directories
        128, 0,   0,   0,   0, 0, 0, 0, 0,   10, 32, 13, 10, 0, 0};
    for (std::size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ(std::to_integer<unsigned>(prefix[i]), expected[i]) << "byte " << i;
    // The only grain begins at sector 128; so say the two tables at sectors 22 and 27.
    for (const std::size_t table : {22U, 27U}) {
        EXPECT_EQ(prefix[table * 512], std::byte{128});
        EXPECT_EQ(prefix[table * 512 + 4], std::byte{0});
    }
    EXPECT_EQ(prefix[21 * 512], std::byte{22});
    EXPECT_EQ(prefix[26 * 512], std::byte{27});
}

TEST(SparseLayout, ReadsTheSamePrefixInPiecesOfAnySize) {
    const SparseLayout layout = layout_of(100ULL << 20U);
    const auto whole = prefix_of(layout);
    for (const std::size_t piece : {1U, 3U, 511U, 513U, 65535U}) {
        std::vector<std::byte> pieces(whole.size());
        for (std::size_t at = 0; at < pieces.size(); at += piece)
            layout.read_prefix(
                at, std::span(pieces).subspan(at, std::min(piece, pieces.size() - at))
            );
        EXPECT_TRUE(pieces == whole) << "in pieces of " << piece;
    }
}

TEST(SparseLayout, RefusesAnEmptyDiskAndOneBeyondTheFormat) {
    EXPECT_EQ(
        SparseLayout::create(0, AdapterType::ide, kIdentity).error().code, Errc::invalid_argument
    );
    const std::uint64_t most = SparseLayout::max_size_bytes();
    EXPECT_EQ(
        SparseLayout::create(most + 1, AdapterType::ide, kIdentity).error().code, Errc::too_large
    );
    EXPECT_LE(layout_of(most).file_bytes(), 1ULL << 41U);
    EXPECT_GT(layout_of(most).file_bytes() + SparseLayout::kGrainBytes * 2, 1ULL << 41U);
}

class SparseLayoutBySize : public testing::TestWithParam<std::size_t> {};

TEST_P(SparseLayoutBySize, IsReadBackByQemuAsItsSource) {
    const TemporaryFolder folder;
    const auto disk = pattern(GetParam());
    PiecewiseSource source(disk, 70'001);
    SparseWrappingSource wrapping(layout_of(disk.size()), source);
    const auto file = read_all(wrapping, 99'991).value();
    ASSERT_EQ(file.size(), *wrapping.size_bytes());
    write_file(folder.file("disk.raw"), disk);
    write_file(folder.file("disk.vmdk"), file);

    const auto check = qemu_img({"check", "-f", "vmdk", folder.file("disk.vmdk")});
    EXPECT_EQ(check.status, 0) << check.output;
    EXPECT_THAT(check.output, HasSubstr("No errors were found"));
    const auto compare = qemu_img(
        {"compare", "-f", "raw", "-F", "vmdk", folder.file("disk.raw"), folder.file("disk.vmdk")}
    );
    EXPECT_EQ(compare.status, 0) << compare.output;
    const auto info = qemu_img({"info", "--output=json", "-f", "vmdk", folder.file("disk.vmdk")});
    const std::size_t capacity = (disk.size() + 65535) / 65536 * 65536;
    EXPECT_THAT(info.output, HasSubstr("\"virtual-size\": " + std::to_string(capacity)));
    EXPECT_THAT(info.output, HasSubstr("\"create-type\": \"monolithicSparse\""));
}

INSTANTIATE_TEST_SUITE_P(
    Sizes,
    SparseLayoutBySize,
    testing::Values(
        1, 511, 512, 513, 65535, 65536, 65537, 1'000'000, 33'554'432, 33'554'433, 67'108'864
    )
);

// The tables in full, a few bytes of the disk, holes for the rest.
void write_large_disk(const SparseLayout& layout, const std::string& path) {
    std::ofstream out(path, std::ios::binary);
    std::vector<std::byte> buffer(1U << 20U);
    for (std::uint64_t at = 0; at < layout.prefix_bytes(); at += buffer.size()) {
        const auto count = std::min<std::uint64_t>(buffer.size(), layout.prefix_bytes() - at);
        layout.read_prefix(at, std::span(buffer).first(count));
        out.write(
            reinterpret_cast<const char*>(buffer.data()), static_cast<std::streamsize>(count)
        );
    }
    out.close();
    std::filesystem::resize_file(path, layout.file_bytes());
    std::fstream marks(path, std::ios::binary | std::ios::in | std::ios::out);
    for (const std::uint64_t at : {std::uint64_t{0}, layout.size_bytes() - 4}) {
        marks.seekp(static_cast<std::streamoff>(layout.prefix_bytes() + at));
        marks << "mark";
    }
}

class LargeSparseLayout : public testing::TestWithParam<std::uint64_t> {};

TEST_P(LargeSparseLayout, IsOpenedByQemuWhichFindsItsLastBytes) {
    const TemporaryFolder folder;
    const SparseLayout layout = layout_of(GetParam());
    write_large_disk(layout, folder.file("disk.vmdk"));

    const auto info = qemu_img({"info", "--output=json", "-f", "vmdk", folder.file("disk.vmdk")});
    EXPECT_EQ(info.status, 0) << info.output;
    EXPECT_THAT(
        info.output, HasSubstr("\"virtual-size\": " + std::to_string(layout.capacity_bytes()))
    );
    const std::uint64_t last_block = (layout.size_bytes() - 1) / 65536;
    const auto dd = qemu_img(
        {"dd",
         "-f",
         "vmdk",
         "-O",
         "raw",
         "bs=65536",
         "skip=" + std::to_string(last_block),
         "count=" + std::to_string(last_block + 1),
         "if=" + folder.file("disk.vmdk"),
         "of=" + folder.file("tail.raw")}
    );
    ASSERT_EQ(dd.status, 0) << dd.output;
    std::ifstream tail(folder.file("tail.raw"), std::ios::binary);
    tail.seekg(static_cast<std::streamoff>((layout.size_bytes() - 4) % 65536));
    std::string mark(4, '\0');
    tail.read(mark.data(), 4);
    EXPECT_EQ(mark, "mark");
}

INSTANTIATE_TEST_SUITE_P(
    Sizes,
    LargeSparseLayout,
    testing::Values((5ULL << 30U) + 512, (1ULL << 40U) + 4096, SparseLayout::max_size_bytes())
);

// The tables of a large disk are megabytes; others on the event loop do not wait for all of them.
TEST(SparseWrappingSource, GivesWayWhileItComputesTables) {
    PiecewiseSource source({}, 1);
    SparseWrappingSource wrapping(layout_of(1ULL << 40U), source);
    std::vector<std::byte> chunk(kChunkBytes);
    std::size_t filled = 0;
    auto read = [&]() -> awaitable<void> {
        filled = (co_await read_full(wrapping, chunk)).value();
    };
    asio::io_context context;
    asio::co_spawn(context, read(), asio::detached);
    std::size_t steps = 0;
    while (context.run_one() > 0) ++steps;
    EXPECT_EQ(filled, chunk.size());
    EXPECT_GE(steps, chunk.size() / (256U << 10U));
}

TEST(SparseWrappingSource, FailsWhenTheDiskEndsEarly) {
    const auto disk = pattern(1000);
    PiecewiseSource source(disk, 100);
    SparseWrappingSource wrapping(layout_of(1001), source);
    const auto outcome = read_all(wrapping, 4096);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::invalid_argument);
    EXPECT_THAT(outcome.error().message, HasSubstr("after 1000 of 1001"));
}

TEST(SparseWrappingSource, FailsWhenTheDiskIsLongerThanAnnounced) {
    const auto disk = pattern(65537);
    PiecewiseSource source(disk, 100'000);
    SparseWrappingSource wrapping(layout_of(65536), source);
    const auto outcome = read_all(wrapping, 4096);
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, Errc::invalid_argument);
}

}  // namespace
}  // namespace slipway::format
