#include "format/stream_disk_source.h"

#include "format/bytes.h"
#include "format/compression.h"
#include "format/vmdk_head.h"
#include "format/vmdk_markers.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace slipway::format {

namespace {

constexpr std::uint64_t kOverheadSectors = 128;
constexpr std::uint64_t kMaxFileSectors = 1ULL << 32U;
constexpr std::uint64_t kGrainSectors = kDiskGrainBytes / kSectorBytes;

constexpr std::uint64_t divide_up(std::uint64_t value, std::uint64_t by) {
    return value / by + (value % by == 0 ? 0 : 1);
}

SparseHeader header_for(std::uint64_t capacity_bytes) {
    SparseHeader header = our_header(capacity_bytes);
    header.version = 3;
    header.flags = kNewlineTest | kCompressed | kMarkers;
    header.compression = kDeflate;
    header.directory_at = kDirectoryAtEnd;
    header.overhead = kOverheadSectors;
    return header;
}

}  // namespace

struct StreamDiskSource::State {
    enum class Next { head, grains, tail, end };

    DiskReader& disk;
    GrainMap used;
    AdapterType adapter;
    DiskIdentity identity;
    SparseHeader header;
    std::vector<std::uint32_t> directory;

    Next next = Next::head;
    std::uint64_t next_grain = 0;
    std::uint64_t sector = 0;  // where the next piece begins
    std::array<std::byte, kTableBytes> table{};
    std::uint64_t table_index = 0;
    bool is_table_used = false;
    std::array<std::byte, kDiskGrainBytes> grain{};

    // The piece that is being handed out.
    std::vector<std::byte> piece{};
    std::size_t piece_read = 0;

    awaitable<Result<void>> make_piece();
    awaitable<Result<void>> make_grain();
    void make_tail();
    void end_table();
    // u64 sectors that follow, u32 0, u32 type, zeros up to the sector.
    void append_marker(std::uint32_t type, std::uint64_t payload_sectors);
    void append(std::span<const std::byte> bytes);
    void append_grain(std::uint64_t index, std::span<const std::byte> packed);
    void pad_to_sector() { piece.resize(divide_up(piece.size(), kSectorBytes) * kSectorBytes); }
    [[nodiscard]] std::uint64_t piece_end() const { return sector + piece.size() / kSectorBytes; }
};

void StreamDiskSource::State::append(std::span<const std::byte> bytes) {
    piece.insert(piece.end(), bytes.begin(), bytes.end());
}

void StreamDiskSource::State::append_marker(std::uint32_t type, std::uint64_t payload_sectors) {
    std::array<std::byte, kSectorBytes> marker{};
    put_little(std::span<std::byte>(marker), 0, payload_sectors);
    put_little(std::span<std::byte>(marker), 12, type);
    append(marker);
}

// u64 first sector of the disk, u32 length, the bytes, zeros up to the sector.
void StreamDiskSource::State::append_grain(std::uint64_t index, std::span<const std::byte> packed) {
    std::array<std::byte, kGrainHeadBytes> head{};
    put_little(std::span<std::byte>(head), 0, index * kGrainSectors);
    put_little(std::span<std::byte>(head), 8, static_cast<std::uint32_t>(packed.size()));
    append(head);
    append(packed);
    pad_to_sector();
}

// A table follows its grains; those of holes alone are left out.
void StreamDiskSource::State::end_table() {
    if (!is_table_used) return;
    append_marker(kGrainTable, kTableSectors);
    directory[static_cast<std::size_t>(table_index)] = static_cast<std::uint32_t>(piece_end());
    append(table);
    table.fill(std::byte{0});
    is_table_used = false;
}

// One grain that is not all zeros, if there is one left, after the table that it makes complete.
awaitable<Result<void>> StreamDiskSource::State::make_grain() {
    for (;;) {
        const std::uint64_t index = used.next_used(next_grain);
        if (index == used.grains()) {
            end_table();
            next = Next::tail;
            co_return Result<void>();
        }
        next_grain = index + 1;
        SLIPWAY_CO_CHECK(co_await disk.read_grain(index, grain));
        if (all_zero(grain)) continue;
        if (index / kEntriesPerTable != table_index) end_table();
        table_index = index / kEntriesPerTable;
        is_table_used = true;
        put_little(
            std::span<std::byte>(table),
            static_cast<std::size_t>(index % kEntriesPerTable) * 4,
            static_cast<std::uint32_t>(piece_end())
        );
        append_grain(index, pack_zlib(grain));
        co_return Result<void>();
    }
}

// Directory, footer, end of the stream.
void StreamDiskSource::State::make_tail() {
    append_marker(kGrainDirectory, header.directory_sectors());
    SparseHeader footer = header;
    footer.directory_at = piece_end();
    std::vector<std::byte> numbers(
        static_cast<std::size_t>(header.directory_sectors() * kSectorBytes)
    );
    for (std::size_t i = 0; i < directory.size(); ++i)
        put_little(std::span<std::byte>(numbers), i * 4, directory[i]);
    append(numbers);
    append_marker(kFooter, 1);
    std::array<std::byte, kSparseHeaderBytes> sector_of_footer{};
    footer.write(sector_of_footer);
    append(sector_of_footer);
    append_marker(kEndOfStream, 0);
}

awaitable<Result<void>> StreamDiskSource::State::make_piece() {
    sector = piece_end();
    piece.clear();
    piece_read = 0;
    switch (next) {
        case Next::head:
            piece = vmdk_head(header, adapter, identity);
            piece.resize(kOverheadSectors * kSectorBytes);
            next = Next::grains;
            break;
        case Next::grains:
            SLIPWAY_CO_CHECK(co_await make_grain());
            break;
        case Next::tail:
            make_tail();
            next = Next::end;
            break;
        case Next::end:
            break;
    }
    if (piece_end() > kMaxFileSectors)
        co_return Error(Errc::too_large, "a stream-optimised vmdk file holds less than 2 TiB");
    co_return Result<void>();
}

StreamDiskSource::StreamDiskSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
StreamDiskSource::~StreamDiskSource() = default;

Result<std::unique_ptr<StreamDiskSource>> StreamDiskSource::create(
    DiskReader& disk, GrainMap used, AdapterType adapter, const DiskIdentity& identity
) {
    const std::uint64_t capacity = used.grains() * kDiskGrainBytes;
    if (capacity == 0) return Error(Errc::invalid_argument, "a disk of 0 bytes can not be stored");
    const SparseHeader header = header_for(capacity);
    if (header.tables() > kMaxTables)
        return Error(Errc::too_large, "a stream-optimised vmdk file is made of at most 4 TiB");
    auto state = std::make_unique<State>(State{
        .disk = disk,
        .used = std::move(used),
        .adapter = adapter,
        .identity = identity,
        .header = header,
        .directory = std::vector<std::uint32_t>(static_cast<std::size_t>(header.tables()))});
    return std::unique_ptr<StreamDiskSource>(new StreamDiskSource(std::move(state)));
}

std::uint64_t StreamDiskSource::capacity_bytes() const {
    return state_->header.capacity * kSectorBytes;
}

awaitable<Result<std::size_t>> StreamDiskSource::read_some(std::span<std::byte> into) {
    State& state = *state_;
    while (state.piece_read == state.piece.size() && state.next != State::Next::end)
        SLIPWAY_CO_CHECK(co_await state.make_piece());
    const std::size_t count = std::min(state.piece.size() - state.piece_read, into.size());
    std::copy_n(
        state.piece.begin() + static_cast<std::ptrdiff_t>(state.piece_read), count, into.begin()
    );
    state.piece_read += count;
    co_return count;
}

}  // namespace slipway::format
