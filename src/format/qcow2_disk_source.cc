#include "format/qcow2_disk_source.h"

#include "format/bytes.h"
#include "format/qcow2_header.h"

#include <algorithm>
#include <array>
#include <vector>

namespace slipway::format {

namespace {

constexpr std::uint64_t kCluster = kDiskGrainBytes;
constexpr std::uint64_t kClusterBits = 16;
constexpr std::uint64_t kTableEntries = kCluster / 8;         // of L1, L2 and the table of counts
constexpr std::uint64_t kCountsInBlock = kCluster / 2;        // 16 bits each
constexpr std::uint64_t kIsCopied = std::uint64_t{1} << 63U;  // counted once
constexpr std::uint32_t kMagic = 0x514649FBU;
constexpr std::uint32_t kCountBits = 4;  // 2^4

constexpr std::uint64_t divided_up(std::uint64_t value, std::uint64_t by) {
    return (value + by - 1) / by;
}

}  // namespace

struct Qcow2DiskSource::State {
    State(DiskReader& reader, GrainMap grains) : disk(reader), used(std::move(grains)) {
        l1_entries = divided_up(used.grains(), kTableEntries);
        for (std::uint64_t i = 0; i < l1_entries; ++i) {
            const std::uint64_t first = i * kTableEntries;
            const bool any = used.next_used(first) < std::min(first + kTableEntries, used.grains());
            if (any) tables.push_back(i);
        }
        const std::uint64_t rest =
            1 + divided_up(l1_entries, kTableEntries) + tables.size() + used.used();
        // The counts count themselves.
        while (true) {
            const std::uint64_t all = rest + count_blocks + count_tables;
            const std::uint64_t blocks = divided_up(all, kCountsInBlock);
            const std::uint64_t above = divided_up(blocks, kTableEntries);
            if (blocks == count_blocks && above == count_tables) break;
            count_blocks = blocks;
            count_tables = above;
        }
        blocks_at = 1 + count_tables;
        l1_at = blocks_at + count_blocks;
        l2_at = l1_at + divided_up(l1_entries, kTableEntries);
        data_at = l2_at + tables.size();
        clusters = data_at + used.used();
    }

    // Fills `cluster` with the next one. All before the data is computed.
    awaitable<Result<void>> fill() {
        cluster.fill(std::byte{0});
        if (next >= data_at) {
            const std::uint64_t grain = used.next_used(next_grain);
            SLIPWAY_CO_CHECK(co_await disk.read_grain(grain, cluster));
            next_grain = grain + 1;
        } else if (next >= l2_at) {
            put_l2(tables[next - l2_at]);
        } else if (next >= l1_at) {
            put_l1(next - l1_at);
        } else if (next >= blocks_at) {
            put_counts(next - blocks_at);
        } else if (next >= 1) {
            put_count_table(next - 1);
        } else {
            put_header();
        }
        ++next;
        co_return Result<void>();
    }

    void put_header() {
        put_big<std::uint32_t>(cluster, 0, kMagic);
        put_big<std::uint32_t>(cluster, 4, 3);
        put_big<std::uint32_t>(cluster, 20, kClusterBits);
        put_big<std::uint64_t>(cluster, 24, disk.capacity_bytes());
        put_big<std::uint32_t>(cluster, 36, static_cast<std::uint32_t>(l1_entries));
        put_big<std::uint64_t>(cluster, 40, l1_at * kCluster);
        put_big<std::uint64_t>(cluster, 48, kCluster);
        put_big<std::uint32_t>(cluster, 56, static_cast<std::uint32_t>(count_tables));
        put_big<std::uint32_t>(cluster, 96, kCountBits);
        put_big<std::uint32_t>(cluster, 100, static_cast<std::uint32_t>(Qcow2Header::kBytes));
    }

    void put_count_table(std::uint64_t index) {
        const std::uint64_t first = index * kTableEntries;
        for (std::uint64_t i = 0; i < kTableEntries && first + i < count_blocks; ++i)
            put_big<std::uint64_t>(cluster, i * 8, (blocks_at + first + i) * kCluster);
    }

    void put_counts(std::uint64_t index) {
        const std::uint64_t first = index * kCountsInBlock;
        for (std::uint64_t i = 0; i < kCountsInBlock && first + i < clusters; ++i)
            put_big<std::uint16_t>(cluster, i * 2, 1);
    }

    void put_l1(std::uint64_t index) {
        const std::uint64_t first = index * kTableEntries;
        auto table = std::lower_bound(tables.begin(), tables.end(), first);
        for (; table != tables.end() && *table < first + kTableEntries; ++table) {
            const auto rank = static_cast<std::uint64_t>(table - tables.begin());
            put_big<std::uint64_t>(
                cluster, (*table - first) * 8, ((l2_at + rank) * kCluster) | kIsCopied
            );
        }
    }

    void put_l2(std::uint64_t index) {
        const std::uint64_t first = index * kTableEntries;
        const std::uint64_t end = std::min(first + kTableEntries, used.grains());
        std::uint64_t at = data_at + used.used_before(first);
        for (std::uint64_t grain = used.next_used(first); grain < end;
             grain = used.next_used(grain + 1))
            put_big<std::uint64_t>(cluster, (grain - first) * 8, (at++ * kCluster) | kIsCopied);
    }

    DiskReader& disk;
    GrainMap used;
    std::uint64_t l1_entries = 0;
    std::vector<std::uint64_t> tables;  // indexes of the L2 tables that are there, ascending
    std::uint64_t count_blocks = 0;
    std::uint64_t count_tables = 0;
    // In clusters; the table of counts lies at 1.
    std::uint64_t blocks_at = 0;
    std::uint64_t l1_at = 0;
    std::uint64_t l2_at = 0;
    std::uint64_t data_at = 0;
    std::uint64_t clusters = 0;
    std::uint64_t next = 0;
    std::uint64_t next_grain = 0;
    std::array<std::byte, kCluster> cluster{};
    std::span<const std::byte> left{};  // of the cluster
};

Qcow2DiskSource::Qcow2DiskSource(DiskReader& disk, GrainMap used)
    : state_(std::make_unique<State>(disk, std::move(used))) {}
Qcow2DiskSource::~Qcow2DiskSource() = default;

std::optional<std::uint64_t> Qcow2DiskSource::size_bytes() const {
    return state_->clusters * kCluster;
}

awaitable<Result<std::size_t>> Qcow2DiskSource::read_some(std::span<std::byte> into) {
    State& state = *state_;
    if (state.left.empty()) {
        if (state.next == state.clusters) co_return std::size_t{0};
        SLIPWAY_CO_CHECK(co_await state.fill());
        state.left = state.cluster;
    }
    const std::size_t count = std::min(state.left.size(), into.size());
    std::copy_n(state.left.begin(), count, into.begin());
    state.left = state.left.subspan(count);
    co_return count;
}

}  // namespace slipway::format
