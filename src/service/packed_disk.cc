#include "service/packed_disk.h"

#include "format/sparse_disk_source.h"
#include "format/stream_disk_source.h"

namespace slipway::service {

awaitable<Result<std::unique_ptr<PackedDisk>>> PackedDisk::open(
    format::RandomSource& source,
    Content content,
    Form form,
    format::AdapterType adapter,
    BlockingPool& pool
) {
    std::unique_ptr<PackedDisk> disk(new PackedDisk());
    disk->executor_ = pool.strand();
    SLIPWAY_CO_CHECK(
        co_await run_on(disk->executor_, disk->open_here(source, std::move(content), form, adapter))
    );
    co_return disk;
}

awaitable<Result<void>> PackedDisk::open_here(
    format::RandomSource& source, Content content, Form form, format::AdapterType adapter
) {
    const auto identity = format::DiskIdentity::random();
    SLIPWAY_CO_TRY(
        disk_, co_await format::open_disk(source, content.disk_format, content.container_format)
    );
    SLIPWAY_CO_TRY(format::GrainMap used, co_await disk_->used_grains());
    if (form == Form::stream) {
        SLIPWAY_CO_TRY(
            auto stream,
            format::StreamDiskSource::create(*disk_, std::move(used), adapter, identity)
        );
        capacity_bytes_ = stream->capacity_bytes();
        file_ = std::move(stream);
        co_return Result<void>();
    }
    SLIPWAY_CO_TRY(
        auto sparse, format::SparseDiskSource::create(*disk_, std::move(used), adapter, identity)
    );
    capacity_bytes_ = sparse->capacity_bytes();
    file_ = std::move(sparse);
    co_return Result<void>();
}

awaitable<Result<std::size_t>> PackedDisk::read_some(std::span<std::byte> into) {
    return run_on(executor_, read_full(*file_, into));
}

std::optional<std::uint64_t> PackedDisk::size_bytes() const {
    return file_->size_bytes();
}

}  // namespace slipway::service
