#include "format/sparse_disk_source.h"

#include "format/sparse_layout.h"

#include <algorithm>
#include <array>
#include <utility>

namespace slipway::format {

struct SparseDiskSource::State {
    DiskReader& disk;
    SparseLayout layout;
    std::uint64_t position = 0;  // in the file
    std::uint64_t next_grain = 0;
    std::array<std::byte, kDiskGrainBytes> grain{};
    std::span<const std::byte> left{};  // of the grain
};

SparseDiskSource::SparseDiskSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
SparseDiskSource::~SparseDiskSource() = default;

Result<std::unique_ptr<SparseDiskSource>> SparseDiskSource::create(
    DiskReader& disk, GrainMap used, AdapterType adapter, const DiskIdentity& identity
) {
    SLIPWAY_TRY(
        auto layout,
        SparseLayout::create_for(disk.capacity_bytes(), std::move(used), adapter, identity)
    );
    return std::unique_ptr<SparseDiskSource>(new SparseDiskSource(std::unique_ptr<State>(new State{
        .disk = disk, .layout = std::move(layout)})));
}

std::optional<std::uint64_t> SparseDiskSource::size_bytes() const {
    return state_->layout.file_bytes();
}

std::uint64_t SparseDiskSource::capacity_bytes() const {
    return state_->layout.capacity_bytes();
}

awaitable<Result<std::size_t>> SparseDiskSource::read_some(std::span<std::byte> into) {
    State& state = *state_;
    if (state.position < state.layout.prefix_bytes()) {
        const std::uint64_t left = state.layout.prefix_bytes() - state.position;
        into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, into.size())));
        state.layout.read_prefix(state.position, into);
        state.position += into.size();
        co_return into.size();
    }
    if (state.left.empty()) {
        const GrainMap& used = *state.layout.used();
        const std::uint64_t grain = used.next_used(state.next_grain);
        if (grain == used.grains()) co_return std::size_t{0};
        SLIPWAY_CO_CHECK(co_await state.disk.read_grain(grain, state.grain));
        state.next_grain = grain + 1;
        state.left = state.grain;
    }
    const std::size_t count = std::min(state.left.size(), into.size());
    std::copy_n(state.left.begin(), count, into.begin());
    state.left = state.left.subspan(count);
    state.position += count;
    co_return count;
}

}  // namespace slipway::format
