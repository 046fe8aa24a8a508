#include "service/packed_disk.h"

#include "tests/support/results.h"
#include "tests/support/run.h"
#include "tests/unit/format/disk_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

namespace slipway::test {
namespace {

using service::PackedDisk;

// Remembers from where it was read: formats read where they compute.
class NotedSource final : public format::RandomSource {
public:
    explicit NotedSource(Bytes bytes) : bytes_(std::move(bytes)) {}

    [[nodiscard]] std::uint64_t size_bytes() const override { return bytes_.size(); }
    awaitable<Result<void>> read_at(std::uint64_t offset, std::span<std::byte> into) override {
        threads.insert(std::this_thread::get_id());
        if (offset + into.size() > bytes_.size()) co_return Error(Errc::corrupt, "beyond the end");
        std::copy_n(
            bytes_.begin() + static_cast<std::ptrdiff_t>(offset), into.size(), into.begin()
        );
        co_return Result<void>();
    }

    std::set<std::thread::id> threads;

private:
    Bytes bytes_;
};

struct Packed {
    Bytes file;
    std::uint64_t capacity_bytes = 0;
    bool came_back = true;  // after every step, to the thread of the caller
};

awaitable<Result<Packed>> pack(
    NotedSource& source, PackedDisk::Content content, PackedDisk::Form form, BlockingPool& pool
) {
    const auto here = std::this_thread::get_id();
    SLIPWAY_CO_TRY(
        const auto disk,
        co_await PackedDisk::open(
            source, std::move(content), form, format::AdapterType::lsilogic, pool
        )
    );
    Packed packed;
    packed.capacity_bytes = disk->capacity_bytes();
    Bytes piece(100'000);
    for (;;) {
        SLIPWAY_CO_TRY(const std::size_t count, co_await disk->read_some(piece));
        packed.came_back = packed.came_back && std::this_thread::get_id() == here;
        if (count == 0) co_return packed;
        packed.file.insert(
            packed.file.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(count)
        );
    }
}

TEST(PackedDisk, IsMadeOnThePoolAlone) {
    BlockingPool pool(3);
    for (const auto form : {PackedDisk::Form::sparse, PackedDisk::Form::stream}) {
        NotedSource source(qcow2_disk());
        const auto packed = run(pack(source, {"qcow2", "bare"}, form, pool));
        ASSERT_OK(packed);
        EXPECT_TRUE(packed->came_back);
        EXPECT_FALSE(source.threads.empty());
        EXPECT_FALSE(source.threads.contains(std::this_thread::get_id()));
    }
}

TEST(PackedDisk, HoldsTheSameDiskInBothForms) {
    BlockingPool pool(1);
    NotedSource source(stream_with_footer());
    const auto sparse = run(pack(source, {"vmdk", "bare"}, PackedDisk::Form::sparse, pool));
    ASSERT_OK(sparse);
    const auto stream = run(pack(source, {"vmdk", "bare"}, PackedDisk::Form::stream, pool));
    ASSERT_OK(stream);
    EXPECT_EQ(sparse->capacity_bytes, stream->capacity_bytes);
    NotedSource streamed(stream->file);
    const auto again = run(pack(streamed, {"vmdk", "bare"}, PackedDisk::Form::sparse, pool));
    ASSERT_OK(again);
    // All but the identity in its descriptor.
    ASSERT_EQ(again->file.size(), sparse->file.size());
    EXPECT_TRUE(std::equal(again->file.end() - 65536, again->file.end(), sparse->file.end() - 65536)
    );
}

TEST(PackedDisk, SaysWhatIsWrongWithItsSource) {
    BlockingPool pool(1);
    NotedSource source(Bytes(4096));
    const auto packed = run(pack(source, {"qcow2", "bare"}, PackedDisk::Form::sparse, pool));
    ASSERT_FALSE(packed);
    EXPECT_EQ(packed.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace slipway::test
